//! Windows of maintenances, and what maintenances and silences cover.

use model::{MaintenanceId, Selector, SilenceId};

use super::*;
use crate::model::{Days, Maintenance, Scope, Silence, When};
use crate::ports::HostFacts;

fn ms(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

fn repeat(days: Days, at: (u16, u16), for_min: u32, zone: &str) -> When {
    When::Repeat {
        days,
        at_min: at.0 * 60 + at.1,
        for_min,
        zone: zone.into(),
        from_ms: ms("2026-01-01T00:00:00Z"),
        until_ms: ms("2027-01-01T00:00:00Z"),
    }
}

#[test]
fn windows_open_and_close_by_the_calendar() {
    let nightly = repeat(Days::Daily, (23, 30), 60, "Asia/Seoul");
    let thursday = repeat(Days::Weekly(vec![4]), (2, 0), 120, "Asia/Seoul");
    let first = repeat(Days::Monthly(1), (1, 0), 60, "Asia/Seoul");
    let last = repeat(Days::Monthly(31), (1, 0), 60, "Asia/Seoul");
    let second_tuesday = repeat(Days::MonthlyNth(2, 2), (3, 0), 60, "Asia/Seoul");
    let last_friday = repeat(Days::MonthlyNth(5, 5), (3, 0), 60, "Asia/Seoul");
    for (when, at, open) in [
        (&nightly, "2026-11-20T14:29:59Z", false),
        (&nightly, "2026-11-20T14:30:00Z", true),
        (&nightly, "2026-11-20T15:29:59Z", true),
        (&nightly, "2026-11-20T15:30:00Z", false),
        (&thursday, "2026-11-18T17:30:00Z", true),
        (&thursday, "2026-11-19T17:30:00Z", false),
        (&first, "2026-10-31T16:30:00Z", true),
        (&last, "2026-02-27T16:30:00Z", true),
        (&last, "2026-02-26T16:30:00Z", false),
        (&second_tuesday, "2026-11-09T18:30:00Z", true),
        (&second_tuesday, "2026-11-16T18:30:00Z", false),
        (&last_friday, "2026-11-26T18:30:00Z", true),
        (&last_friday, "2026-11-19T18:30:00Z", false),
        (&nightly, "2027-06-01T14:45:00Z", false),
    ] {
        assert_eq!(window_at(when, ms(at)).is_some(), open, "{when:?} at {at}");
    }
}

#[test]
fn clocks_that_change_neither_skip_nor_double_a_window() {
    let night = repeat(Days::Daily, (2, 30), 60, "Europe/Berlin");
    let spring = next_windows(&night, ms("2026-03-28T12:00:00Z"), 2);
    assert_eq!(
        spring[0].0,
        ms("2026-03-29T01:30:00Z"),
        "02:30 does not exist: 03:30 CEST"
    );
    assert_eq!(spring[1].0, ms("2026-03-30T00:30:00Z"));
    let autumn = next_windows(&night, ms("2026-10-24T12:00:00Z"), 2);
    assert_eq!(
        autumn[0].0,
        ms("2026-10-25T00:30:00Z"),
        "02:30 exists twice: the first"
    );
    assert_eq!(autumn[1].0, ms("2026-10-26T01:30:00Z"));
}

#[test]
fn times_that_cannot_be_are_refused_with_their_field() {
    let zone = "Asia/Seoul";
    for (when, field) in [
        (
            When::Once {
                from_ms: 5,
                to_ms: 5,
            },
            "to_ms",
        ),
        (repeat(Days::Weekly(vec![]), (2, 0), 60, zone), "days"),
        (repeat(Days::Weekly(vec![8]), (2, 0), 60, zone), "days"),
        (repeat(Days::Monthly(0), (2, 0), 60, zone), "days"),
        (repeat(Days::MonthlyNth(6, 1), (2, 0), 60, zone), "days"),
        (repeat(Days::Daily, (24, 0), 60, zone), "at_min"),
        (repeat(Days::Daily, (2, 0), 0, zone), "for_min"),
        (repeat(Days::Daily, (2, 0), 60, "Asia/Nowhere"), "zone"),
    ] {
        assert_eq!(check_when(&when).unwrap_err().0, field, "{when:?}");
    }
    assert_eq!(check_when(&repeat(Days::Daily, (2, 0), 60, zone)), Ok(()));
}

fn host() -> HostFacts {
    HostFacts {
        name: "web01".into(),
        labels: vec![
            ("env".into(), "prod".into()),
            ("dc".into(), "seoul-1".into()),
        ],
        groups: vec!["웹서버".into()],
        retired: false,
    }
}

fn covered(set: &CoverSet) -> (bool, bool) {
    let target = transition(0, Major, false).target;
    let host = host();
    let cover = Cover {
        rule: RuleId::from_bits(1),
        rule_key: "disk-used",
        group: "disk",
        target: &target,
        severity: Major,
        host: &host,
    };
    (
        set.maintenance(&cover).is_some(),
        set.silence(&cover).is_some(),
    )
}

#[test]
fn a_maintenance_covers_by_host_group_label_and_rule() {
    let everything = Scope {
        everything: true,
        ..Scope::default()
    };
    let labels = |text| Scope {
        labels: Some(Selector::parse(text).unwrap()),
        ..Scope::default()
    };
    let groups = |name: &str| Scope {
        groups: vec![name.into()],
        ..Scope::default()
    };
    let rules = |bits| Scope {
        rules: vec![RuleId::from_bits(bits)],
        ..everything.clone()
    };
    for (scope, expected) in [
        (everything.clone(), true),
        (Scope::default(), false),
        (
            Scope {
                hosts: vec![CiId::from_bits(2)],
                ..Scope::default()
            },
            true,
        ),
        (
            Scope {
                hosts: vec![CiId::from_bits(3)],
                ..Scope::default()
            },
            false,
        ),
        (groups("웹서버"), true),
        (groups("DB"), false),
        (labels(r#"{env="prod",dc=~"seoul-.*"}"#), true),
        (labels(r#"{env="prod",dc!~"seoul-.*"}"#), false),
        (labels(r#"{dc=~"seoul"}"#), false),
        (labels(r#"{dc=~"("}"#), false),
        (rules(1), true),
        (rules(7), false),
    ] {
        let maintenance = Maintenance {
            id: MaintenanceId::from_bits(1),
            number: 1,
            name: "정기점검".into(),
            owner: "kim".into(),
            reason: "패치".into(),
            when: When::Once {
                from_ms: 0,
                to_ms: 100,
            },
            scope: scope.clone(),
            cancelled_ms: None,
            version: 1,
        };
        let at = |now_ms| CoverSet::new(std::slice::from_ref(&maintenance), &[], now_ms);
        assert_eq!(covered(&at(50)).0, expected, "{scope:?}");
        assert!(!covered(&at(100)).0);
        let called_off = Maintenance {
            cancelled_ms: Some(1),
            ..maintenance
        };
        assert!(!covered(&CoverSet::new(&[called_off], &[], 50)).0);
    }
}

#[test]
fn a_silence_fits_by_labels_and_by_the_problems_own_words() {
    for (selector, expected) in [
        (r#"{host="web01"}"#, true),
        (r#"{rule=~"disk-.*",key="/var"}"#, true),
        (r#"{rule="disk-used",key="/"}"#, false),
        (r#"{severity=~"minor|major"}"#, true),
        (r#"{severity="critical"}"#, false),
        (r#"{group="disk",kind="filesystem",env="prod"}"#, true),
        (r#"{absent=""}"#, true),
        (r#"{env!="prod"}"#, false),
    ] {
        let silence = Silence {
            id: SilenceId::from_bits(1),
            number: 3,
            selector: Selector::parse(selector).unwrap(),
            owner: "kim".into(),
            reason: "알려진 오류".into(),
            from_ms: 0,
            to_ms: 100,
            cancelled_ms: None,
            version: 1,
        };
        let set = CoverSet::new(&[], &[silence], 50);
        assert_eq!(covered(&set).1, expected, "{selector}");
    }
}
