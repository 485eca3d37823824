//! Overrides: what they change, and how one that does not fit is refused.

use model::Severity;
use model::rule::Rule;

use crate::{CompileError, Values, apply, compile};

pub(super) fn disk_rule() -> Rule {
    let text = r#"{
        "key": "disk-used", "title": {"ko": "디스크 사용률", "en": "Disk used"}, "group": "disk",
        "target": {"kind": "filesystem", "by": ["mountpoint"]},
        "signals": {"used": {"series": "used"}, "free": {"series": "free"}},
        "levels": [
            {"severity": "major", "any": [{"all": ["used > 95%", "free < 5GiB"]}], "for": "5m"},
            {"severity": "critical", "any": [{"all": ["used > 98%"]}], "count": 2}
        ]}"#;
    serde_json::from_str(text).unwrap()
}

fn values(json: &str) -> Values {
    serde_json::from_str(json).unwrap()
}

#[test]
fn the_more_specific_value_wins_and_the_rest_stays() {
    let group = values(
        r#"{"clear_count": 3, "levels": [
            {"severity": "major", "conditions": ["used > 96%"], "for": "10m"}]}"#,
    );
    let host = values(
        r#"{"notify_from": "critical", "levels": [
            {"severity": "major", "conditions": ["used > 97%", "free < 1GiB"]},
            {"severity": "critical", "count": 5}]}"#,
    );
    let merged = apply(&disk_rule(), &[&group, &host]).unwrap();
    let json = serde_json::to_value(&merged).unwrap();
    assert_eq!(json["clear_count"], 3);
    assert_eq!(json["notify_from"], "critical");
    assert_eq!(
        json["levels"][0],
        serde_json::json!({"severity": "major", "count": 1, "for": "10m",
            "any": [{"all": ["used > 97%", "free < 1GiB"]}]})
    );
    assert_eq!(json["levels"][1]["count"], 5);
    assert!(compile(&merged).is_ok());
}

#[test]
fn muting_and_switching_levels_off() {
    let muted = apply(&disk_rule(), &[&values(r#"{"enabled": false}"#)]).unwrap();
    assert!(!muted.enabled);
    let off = values(r#"{"levels": [{"severity": "critical", "off": true}]}"#);
    let merged = apply(&disk_rule(), &[&off, &off]).unwrap();
    assert_eq!(merged.levels.len(), 1);
    let all = values(
        r#"{"levels": [{"severity": "critical", "off": true}, {"severity": "major", "off": true}]}"#,
    );
    assert!(!apply(&disk_rule(), &[&all]).unwrap().enabled);
}

#[test]
fn values_that_do_not_fit_are_refused_with_words() {
    let said = |json: &str| {
        apply(&disk_rule(), &[&values(json)])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        said(r#"{"levels": [{"severity": "info", "count": 2}]}"#),
        "rule `disk-used` has no level `info` to change"
    );
    assert_eq!(
        said(r#"{"levels": [{"severity": "critical", "conditions": ["used >= 99%"]}]}"#),
        "level `critical` of rule `disk-used` has no condition on `used` with that operator: \
         `used >= 99%` can take nobody's place"
    );
    assert_eq!(
        said(r#"{"clear_count": 0}"#),
        "with these values the rule is wrong: `clear_count` must be at least 1"
    );
    assert!(serde_json::from_str::<Values>(r#"{"clear": 1}"#).is_err());
}

#[test]
fn numbers_beyond_what_a_pair_counts_are_refused() {
    let mut rule = disk_rule();
    rule.levels[0].duration.ms = 60 * 24 * 3_600_000;
    assert_eq!(
        compile(&rule),
        Err(CompileError::Duration {
            severity: Severity::Major,
            ms: 5_184_000_000
        })
    );
    rule.levels[0].duration.ms = 0;
    rule.levels[0].count = 70_000;
    assert_eq!(compile(&rule), Err(CompileError::Count(70_000)));
    rule.levels.clear();
    assert_eq!(compile(&rule), Err(CompileError::NoLevel));
}
