//! Decisions as data: who is told, who is paired, when it is tried again, when it becomes a digest.

use std::collections::{BTreeMap, HashMap};

use model::flow::{Dispatch, DispatchEvent, Hold};
use model::{
    ChannelId, CiId, DeliveryId, Lang, ProblemId, RecipientId, RuleId, Selector, Severity, Target,
    Text,
};
use notify::{Failure, SendError, Settings};
use stdx::SeededEntropy;

use super::*;
use crate::model::{Channel, LedgerRow, Reason, Recipient, Rule, State};
use crate::ports::HostFacts;

const MAIL: ChannelId = ChannelId::from_bits(1);
const SLACK: ChannelId = ChannelId::from_bits(2);
const HOOK: ChannelId = ChannelId::from_bits(3);
const HOUR_MS: i64 = 3_600_000;

/// 2026-11-20 12:00 in Seoul, a Friday.
const NOON_MS: i64 = 1_795_143_600_000;

fn dispatch(event: DispatchEvent, severity: Severity, seq: i64) -> Dispatch {
    Dispatch {
        problem: ProblemId::from_bits(1),
        number: 1,
        event,
        seq,
        severity,
        previous: Severity::Normal,
        rule: RuleId::from_bits(1),
        rule_key: "disk-used".into(),
        title: Text::same("disk"),
        target: Target::host(CiId::from_bits(1)),
        host: "web01".into(),
        observed: Vec::new(),
        because: String::new(),
        at_ms: 0,
        opened_ms: 0,
        hold: None,
        note: String::new(),
    }
}

fn channel(id: ChannelId, kind: &str) -> Channel {
    Channel {
        id,
        kind: kind.into(),
        name: kind.into(),
        enabled: true,
        settings: Settings::default(),
        fallback: None,
        per_minute: 20,
        retired_ms: None,
        version: 1,
    }
}

fn rule(from: Severity, channels: &[ChannelId]) -> Rule {
    Rule {
        from,
        days: Vec::new(),
        from_min: 0,
        to_min: 0,
        channels: channels.to_vec(),
        groups: Vec::new(),
        labels: None,
    }
}

fn person(bits: u128, name: &str, rules: Vec<Rule>) -> Recipient {
    Recipient {
        id: RecipientId::from_bits(bits),
        name: name.into(),
        shared: false,
        user: None,
        lang: Lang::Ko,
        zone: "Asia/Seoul".into(),
        enabled: true,
        addresses: BTreeMap::from([("mail".into(), format!("{name}@example.com"))]),
        rules,
        retired_ms: None,
        version: 1,
    }
}

fn roster(recipients: Vec<Recipient>) -> Roster {
    let channels = [
        channel(MAIL, "mail"),
        channel(SLACK, "slack"),
        channel(HOOK, "webhook"),
    ];
    Roster {
        recipients,
        channels: HashMap::from(channels.map(|channel| (channel.id, channel))),
    }
}

fn host() -> HostFacts {
    HostFacts {
        labels: vec![("env".into(), "prod".into())],
        groups: vec!["웹서버".into()],
    }
}

/// `1:mail pending`, `2 outside_hours`, `- nobody`.
fn told(dispatch: &Dispatch, roster: &Roster, now_ms: i64) -> Vec<String> {
    let decisions = route(dispatch, roster, Some(&host()), now_ms);
    decisions.iter().map(|one| line(one, roster)).collect()
}

fn line(one: &Decision, roster: &Roster) -> String {
    let who = one
        .recipient
        .map_or("-".to_owned(), |id| id.bits().to_string());
    let on = one
        .channel
        .map(|id| format!(":{}", roster.channels[&id].kind))
        .unwrap_or_default();
    format!("{who}{on} {}", one.reason.code())
}

#[test]
fn everybody_gets_a_decision_and_every_decision_a_reason() {
    let night = Rule {
        from_min: 22 * 60,
        to_min: 6 * 60,
        ..rule(Severity::Major, &[MAIL])
    };
    let other = Rule {
        groups: vec!["DB".into()],
        ..rule(Severity::Info, &[MAIL])
    };
    let fits = Selector::parse(r#"{env=~"pro.*"}"#).unwrap();
    let labels = Rule {
        labels: Some(fits),
        groups: vec!["웹서버".into()],
        ..rule(Severity::Info, &[SLACK])
    };
    let mut off = person(6, "off", vec![rule(Severity::Info, &[MAIL])]);
    off.enabled = false;
    let mut homeless = person(7, "homeless", vec![rule(Severity::Info, &[MAIL])]);
    homeless.addresses.clear();
    let roster = roster(vec![
        person(1, "kim", vec![rule(Severity::Major, &[MAIL, SLACK])]),
        person(2, "lee", vec![night.clone(), other.clone()]),
        person(
            3,
            "park",
            vec![rule(Severity::Critical, &[MAIL]), other.clone()],
        ),
        person(4, "choi", vec![other]),
        person(5, "jung", vec![]),
        off,
        homeless,
        person(8, "han", vec![labels]),
    ]);
    let opened = dispatch(DispatchEvent::Opened, Severity::Major, 1);
    assert_eq!(
        told(&opened, &roster, NOON_MS),
        [
            "1:mail pending",
            "1:slack pending",
            "2 outside_hours",
            "3 below_severity",
            "4 out_of_scope",
            "5 no_rule",
            "6 recipient_disabled",
            "7:mail no_address",
            "8:slack deduplicated",
        ]
    );
    assert_eq!(
        told(&opened, &roster, NOON_MS + 11 * HOUR_MS)[2],
        "2:mail pending"
    );
}

#[test]
fn nobody_to_tell_is_itself_a_row_and_a_hold_is_one_row_for_all() {
    let nobody = roster(vec![person(
        1,
        "kim",
        vec![rule(Severity::Critical, &[MAIL])],
    )]);
    let opened = dispatch(DispatchEvent::Opened, Severity::Major, 1);
    assert_eq!(
        told(&opened, &nobody, NOON_MS),
        ["1 below_severity", "- nobody"]
    );
    assert_eq!(told(&opened, &roster(vec![]), NOON_MS), ["- nobody"]);
    for (hold, reason) in [
        (
            Hold::Maintenance {
                name: "M-12".into(),
            },
            "- held_maintenance",
        ),
        (Hold::Silence { name: "S-3".into() }, "- held_silence"),
        (Hold::Snoozed, "- held_snoozed"),
        (Hold::Flapping, "- held_flapping"),
        (Hold::RepairRunning, "- held_repair"),
        (Hold::BelowThreshold, "- below_rule"),
        (Hold::Fall, "- fall"),
    ] {
        let held = Dispatch {
            hold: Some(hold),
            ..opened.clone()
        };
        let roster = roster(vec![person(1, "kim", vec![rule(Severity::Info, &[MAIL])])]);
        assert_eq!(told(&held, &roster, NOON_MS), [reason]);
    }
}

#[test]
fn a_channel_that_is_off_hands_over_to_the_next_of_its_chain() {
    let people = vec![person(1, "kim", vec![rule(Severity::Major, &[HOOK])])];
    let mut roster = roster(people);
    let opened = dispatch(DispatchEvent::Opened, Severity::Major, 1);
    roster.channels.get_mut(&HOOK).unwrap().enabled = false;
    assert_eq!(
        told(&opened, &roster, NOON_MS),
        ["1:webhook channel_disabled", "- nobody"]
    );
    roster.channels.get_mut(&HOOK).unwrap().fallback = Some(SLACK);
    roster.channels.get_mut(&SLACK).unwrap().retired_ms = Some(1);
    roster.channels.get_mut(&SLACK).unwrap().fallback = Some(MAIL);
    assert_eq!(
        told(&opened, &roster, NOON_MS),
        ["1:webhook channel_disabled", "1:mail pending"]
    );
    // A circle ends.
    roster.channels.get_mut(&MAIL).unwrap().enabled = false;
    roster.channels.get_mut(&MAIL).unwrap().fallback = Some(HOOK);
    assert_eq!(
        told(&opened, &roster, NOON_MS),
        ["1:webhook channel_disabled", "- nobody"]
    );
}

#[test]
fn hours_pass_midnight_and_belong_to_the_day_they_begin() {
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let hours = |days: &[u8], from: u16, to: u16| Rule {
        days: days.to_vec(),
        from_min: from * 60,
        to_min: to * 60,
        ..rule(Severity::Info, &[MAIL])
    };
    for (rule, local, fits) in [
        (hours(&[], 0, 0), "2026-11-20T03:00:00+09:00", true),
        (hours(&[5], 0, 0), "2026-11-20T00:00:00+09:00", true),
        (hours(&[5], 0, 0), "2026-11-21T00:00:00+09:00", false),
        (
            hours(&[1, 2, 3, 4, 5], 9, 18),
            "2026-11-20T08:59:59+09:00",
            false,
        ),
        (
            hours(&[1, 2, 3, 4, 5], 9, 18),
            "2026-11-20T09:00:00+09:00",
            true,
        ),
        (
            hours(&[1, 2, 3, 4, 5], 9, 18),
            "2026-11-20T18:00:00+09:00",
            false,
        ),
        (hours(&[5], 22, 6), "2026-11-20T22:00:00+09:00", true),
        (hours(&[5], 22, 6), "2026-11-21T05:59:59+09:00", true),
        (hours(&[5], 22, 6), "2026-11-20T05:00:00+09:00", false),
        (hours(&[7], 22, 6), "2026-11-23T01:00:00+09:00", true),
    ] {
        assert_eq!(
            fits_hours(&rule, "Asia/Seoul", at(local)),
            fits,
            "{rule:?} at {local}"
        );
    }
    assert!(fits_hours(
        &hours(&[], 9, 18),
        "Mars/Base",
        at("2026-11-20T03:00:00Z")
    ));
}

fn row(seq: i64, reason: Reason, state: State, unsure: bool) -> LedgerRow {
    LedgerRow {
        id: DeliveryId::from_bits(seq.unsigned_abs().into()),
        problem: ProblemId::from_bits(1),
        seq,
        event: DispatchEvent::Opened,
        severity: Severity::Major,
        recipient: Some(RecipientId::from_bits(1)),
        channel: Some(MAIL),
        decided_ms: 0,
        reason,
        detail: String::new(),
        state,
        due_ms: 0,
        attempts: 0,
        first_try_ms: 0,
        unsure,
        done_ms: None,
        digest: None,
        fallback_of: None,
    }
}

#[test]
fn recoveries_follow_whatever_went_out_or_may_have() {
    use Reason::{BelowSeverity, Fallback, NotNeeded, Pending, Sent, Undelivered};
    use State::{Sending, Settled, Waiting};
    let recovered = dispatch(DispatchEvent::Recovered, Severity::Major, 9);
    for (rows, expected, over) in [
        (vec![row(1, Sent, Settled, false)], Pending, 0),
        (vec![row(1, Pending, Sending, false)], Pending, 0),
        (vec![row(1, Pending, Waiting, true)], Pending, 0),
        (vec![row(1, Undelivered, Settled, true)], Pending, 0),
        (
            vec![row(1, Undelivered, Settled, false)],
            Reason::NobodyTold,
            0,
        ),
        (
            vec![row(1, Fallback, Settled, false)],
            Reason::NobodyTold,
            0,
        ),
        (vec![row(1, Fallback, Settled, true)], Pending, 0),
        (vec![row(1, Pending, Waiting, false)], NotNeeded, 1),
        (
            vec![
                row(1, Sent, Settled, false),
                row(2, Pending, Waiting, false),
            ],
            Pending,
            1,
        ),
        (
            vec![
                row(1, Pending, Waiting, false),
                row(2, Pending, Waiting, false),
            ],
            NotNeeded,
            2,
        ),
        (
            vec![row(1, BelowSeverity, Settled, false)],
            Reason::NobodyTold,
            0,
        ),
        (vec![row(10, Sent, Settled, false)], Reason::NobodyTold, 0),
    ] {
        let pairing = pair(&recovered, &rows);
        assert_eq!(pairing.decisions.len(), 1, "{rows:?}");
        assert_eq!(pairing.decisions[0].reason, expected, "{rows:?}");
        assert_eq!(pairing.over.len(), over, "{rows:?}");
    }
    let held = Dispatch {
        hold: Some(Hold::Maintenance { name: "M-1".into() }),
        ..recovered
    };
    assert_eq!(
        pair(&held, &[]).decisions[0].reason,
        Reason::HeldMaintenance
    );
    let told = [row(1, Sent, Settled, false)];
    assert_eq!(
        pair(&held, &told).decisions[0].reason,
        Pending,
        "a told one goes out in spite of it"
    );
}

#[test]
fn failures_are_tried_again_soon_then_seldom_then_given_up() {
    let entropy = SeededEntropy::new(1);
    let fail = |failure| SendError::new(failure, "x");
    let next = |failure, attempts, since_ms, fallback| {
        after_failure(&fail(failure), (attempts, 0), fallback, since_ms, &entropy)
    };
    for (failure, attempts, since_ms, fallback, expected) in [
        (Failure::Permanent, 1, 0, false, Next::GiveUp),
        (Failure::Permanent, 1, 0, true, Next::Fallback),
        (Failure::Retry, 9, FALLBACK_AFTER_MS, true, Next::Fallback),
        (Failure::Unknown, 9, FALLBACK_AFTER_MS, true, Next::Fallback),
        (Failure::Retry, 200, GIVE_UP_MS, false, Next::GiveUp),
    ] {
        assert_eq!(next(failure, attempts, since_ms, fallback), expected);
    }
    let waited = |next| match next {
        Next::Again(at_ms) => at_ms,
        other => panic!("{other:?}"),
    };
    assert!((1_000..=2_000).contains(&waited(next(Failure::Retry, 1, 0, false))));
    assert!((1_000..=2_000).contains(&waited(next(Failure::Retry, 1, 0, true))));
    let late = waited(next(Failure::Unknown, 50, HOUR_MS, false)) - HOUR_MS;
    assert!((300_000..=600_000).contains(&late));
    let asked = fail(Failure::Retry).wait_ms(Some(45_000));
    assert_eq!(
        waited(after_failure(&asked, (1, 0), false, 0, &entropy)),
        45_000
    );
}

#[test]
fn a_storm_becomes_a_digest_and_a_drizzle_does_not() {
    let mut rate = Rate::default();
    assert_eq!(rate.plan(5_000, 20, 0), Plan::Single(20));
    for _ in 0..20 {
        rate.sent(0);
    }
    assert_eq!(rate.plan(4_980, 20, 1), Plan::Digest);
    rate.digested(1);
    assert_eq!(rate.plan(3, 20, 2), Plan::Wait(1 + DIGEST_GAP_MS));
    assert_eq!(rate.plan(3, 20, 1 + DIGEST_GAP_MS), Plan::Digest);
    assert_eq!(rate.plan(3, 20, 60_001), Plan::Single(3));
    let mut drizzle = Rate::default();
    for second in 0..600 {
        let now_ms = second * 6_000;
        assert_eq!(drizzle.plan(1, 20, now_ms), Plan::Single(1));
        drizzle.sent(now_ms);
    }
    assert_eq!(
        drizzle.plan(1, 20, -HOUR_MS),
        Plan::Single(1),
        "a clock set back silences nobody"
    );
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let good = rule(Severity::Major, &[MAIL]);
    assert_eq!(check_rule(&good), Ok(()));
    let broken = Selector::parse(r#"{env=~"("}"#).unwrap();
    for (rule, reason) in [
        (rule(Severity::Major, &[]), "notice.check.rule_channels"),
        (
            Rule {
                from_min: 1440,
                ..good.clone()
            },
            "notice.check.rule_hours",
        ),
        (
            Rule {
                days: vec![0],
                ..good.clone()
            },
            "notice.check.rule_days",
        ),
        (
            Rule {
                labels: Some(broken),
                ..good.clone()
            },
            "notice.check.rule_labels",
        ),
    ] {
        assert_eq!(check_rule(&rule), Err(reason));
    }
}
