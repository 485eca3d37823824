//! Rule documents: what is read, what is refused and with which words.

use super::*;

fn disk_rule() -> Rule {
    serde_json::from_str(
        r#"{
        "key": "disk-used",
        "title": {"ko": "디스크 사용률", "en": "Disk used"},
        "group": "disk",
        "target": {"kind": "filesystem", "by": ["mountpoint"]},
        "signals": {
            "used": {"series": "bongsu_filesystem_used_ratio", "unit": "ratio", "clear_by": "3%"},
            "free": {"series": "node_filesystem_avail_bytes{fstype!=\"tmpfs\"}", "unit": "bytes"}
        },
        "levels": [
            {"severity": "warning", "any": [{"all": ["used > 80%", "free < 20GiB"]}], "for": "5m"},
            {"severity": "critical", "any": [{"all": ["used > 98% clear 90%"]}], "count": 2}
        ]}"#,
    )
    .unwrap()
}

#[test]
fn a_rule_reads_with_its_defaults_and_passes_the_check() {
    let rule = disk_rule();
    assert_eq!(check(&rule), Ok(()));
    assert!(rule.enabled && rule.flap_guard && !rule.notify_on_fall);
    assert_eq!((rule.clear_count, rule.notify_from), (1, Severity::Major));
    assert_eq!(rule.levels[0].duration.ms, 300_000);
    assert_eq!(rule.levels[1].any[0].all[0].clear, Some(0.9));
    let again: Rule = serde_json::from_str(&serde_json::to_string(&rule).unwrap()).unwrap();
    assert_eq!(again, rule);
}

#[test]
fn hysteresis_lies_on_the_good_side() {
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} != {b}");
    close(Hysteresis::default().recovery(CompareOp::Gt, 0.8), 0.72);
    close(Hysteresis::default().recovery(CompareOp::Lt, 0.2), 0.22);
    close(
        Hysteresis::Absolute(0.03).recovery(CompareOp::Ge, 0.8),
        0.77,
    );
    close(Hysteresis::Absolute(0.03).recovery(CompareOp::Eq, 1.0), 1.0);
}

#[test]
fn unknown_keys_units_and_shapes_are_errors() {
    let with = |from: &str, to: &str| {
        let text = serde_json::to_string(&disk_rule())
            .unwrap()
            .replace(from, to);
        serde_json::from_str::<Rule>(&text).unwrap_err().to_string()
    };
    assert!(with("\"key\":", "\"kye\":").contains("unknown field `kye`"));
    assert!(with("used > 80%", "used > 80 percent").contains("unknown unit `percent`"));
    assert!(with("used > 80%", "used is 80").contains("must be `signal op value`"));
    assert!(with("\"5m\"", "\"5\"").contains("unknown unit"));
    assert!(with("\"warning\"", "\"bad\"").contains("`bad` is no severity"));
}

#[test]
fn contradictions_are_named() {
    let mut rule = disk_rule();
    rule.key = "Disk used".into();
    rule.title.ko.clear();
    rule.levels[1].severity = Severity::Warning;
    rule.levels[0].any[0].all[0] = "usd > 80%".parse().unwrap();
    rule.clear_count = 0;
    let errors = check(&rule).unwrap_err();
    let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        text,
        [
            "key `Disk used` must be 1 to 64 of a-z, 0-9 and `-`",
            "title is empty in ko: give it in both languages",
            "`clear_count` must be at least 1",
            "condition `usd > 80%` uses `usd`, which is not among the rule's signals",
            "level `warning` is given twice or is not one of the five severities",
        ]
    );
}

#[test]
fn thresholds_must_rise_with_severity() {
    let mut rule = disk_rule();
    rule.levels = vec![
        Level {
            severity: Severity::Major,
            any: vec![Alternative {
                all: vec!["used > 80%".parse().unwrap()],
            }],
            duration: Span::default(),
            count: 1,
        },
        Level {
            severity: Severity::Minor,
            any: vec![Alternative {
                all: vec!["used > 90%".parse().unwrap()],
            }],
            duration: Span::default(),
            count: 1,
        },
    ];
    let errors = check(&rule).unwrap_err();
    assert!(
        matches!(
            errors[0],
            RuleError::Order {
                lower: Severity::Minor,
                ..
            }
        ),
        "{errors:?}"
    );
}
