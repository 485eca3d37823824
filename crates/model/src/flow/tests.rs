//! Golden messages: what is written today must be read for ever, and other versions are refused.

use super::*;

fn transition() -> Transition {
    Transition {
        rule: RuleId::from_bits(1),
        rule_key: "disk-used".into(),
        title: Text {
            ko: "디스크 사용률".into(),
            en: "Disk used".into(),
        },
        group: "disk".into(),
        target: Target {
            ci: CiId::from_bits(2),
            kind: crate::TargetKind::new("filesystem"),
            key: "/var".into(),
        },
        from: Severity::Normal,
        to: Severity::Major,
        at_ms: 1_700_000_000_000,
        flapping: false,
        observed: vec![Observed {
            signal: "used".into(),
            value: 0.96,
            unit: "ratio".into(),
        }],
        because: "used > 95%".into(),
        notify_from: Severity::Major,
        notify_on_fall: false,
    }
}

#[test]
fn the_golden_transition_is_written_and_read() {
    let golden = include_str!("golden/transition-1.json").trim();
    assert_eq!(encode(&transition()).unwrap(), golden);
    assert_eq!(decode::<Transition>(golden).unwrap(), transition());
}

#[test]
fn another_version_or_kind_is_refused_by_name() {
    let golden = include_str!("golden/transition-1.json");
    let newer = golden.replace("\"version\":1", "\"version\":9");
    let error = decode::<Transition>(&newer).unwrap_err().to_string();
    assert_eq!(
        error,
        "expected message `transition` version 1, found `transition` version 9"
    );
    assert!(
        decode::<Dispatch>(golden)
            .unwrap_err()
            .to_string()
            .contains("`transition`")
    );
    assert!(decode::<Transition>("{").is_err());
}

#[test]
fn the_dedup_key_names_rule_target_level_and_time() {
    assert_eq!(
        transition().dedup_key(),
        format!(
            "{}/{}/filesystem//var/4/1700000000000",
            RuleId::from_bits(1),
            CiId::from_bits(2)
        )
    );
}
