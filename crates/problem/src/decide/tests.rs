//! Scenarios as data: what happens when, and what is told or held.

use model::flow::{Command, Dispatch, DispatchEvent, Hold, Observed, RunResult, Transition};
use model::{CiId, ProblemId, RuleId, RunId, ScriptId, Severity, Target, TargetKind, Text};

use super::*;
use crate::model::{CloseReason, EntryKind, Problem};
use crate::ports::{Binding, RuleState};

const MIN: i64 = 60_000;

/// A pair, its latest problem, and the world around it.
struct Pair {
    latest: Option<Problem>,
    told: Vec<Dispatch>,
    orders: usize,
    opened: usize,
    flapping: bool,
    context: Context,
    rule: RuleState,
}

impl Pair {
    fn new() -> Self {
        let context = Context {
            now_ms: 0,
            id: ProblemId::from_bits(1),
            run: RunId::from_bits(1),
            number: 1,
            host: "web01".into(),
            maintenance: None,
            silence: None,
            binding: None,
        };
        Self {
            latest: None,
            told: Vec::new(),
            orders: 0,
            opened: 0,
            flapping: false,
            context,
            rule: RuleState::Live,
        }
    }

    fn take(&mut self, change: Change) {
        self.told.extend(change.dispatches);
        self.orders += usize::from(change.order.is_some());
        self.latest = Some(change.problem);
    }

    /// The sample at this minute says this severity.
    fn at(&mut self, minute: i64, to: Severity) -> &mut Self {
        self.context.now_ms = minute * MIN;
        self.context.id = ProblemId::from_bits(u128::try_from(minute).unwrap() + 1);
        let transition = transition(minute * MIN, to, self.flapping);
        match step(self.latest.as_ref(), &transition, &self.context) {
            Step::Nothing => {}
            Step::Open(change) => {
                self.opened += 1;
                self.take(*change);
            }
            Step::Update(change) => self.take(*change),
        }
        self
    }

    fn settle(&mut self, minute: i64) -> &mut Self {
        self.context.now_ms = minute * MIN;
        let settled = Settled {
            context: self.context.clone(),
            rule: self.rule,
            host_retired: false,
        };
        for _ in 0..2 {
            // The second time must do nothing.
            let open = self.latest.clone().filter(Problem::is_open);
            if let Some(change) = open.and_then(|problem| settle(&problem, &settled)) {
                self.take(change);
            }
        }
        self
    }

    fn command(&mut self, minute: i64, order: &Command) -> &mut Self {
        let problem = self.latest.clone().unwrap();
        if let Some(change) = command(&problem, order, "usr_kim", minute * MIN).unwrap() {
            self.take(change);
        }
        self
    }

    fn run(&mut self, minute: i64, result: RunResult) -> &mut Self {
        let problem = self.latest.clone().unwrap();
        let news = RunNews {
            run: RunId::from_bits(1),
            script: "restart-nginx",
            result,
            summary: "exit code 1",
            at_ms: minute * MIN,
        };
        self.take(run_outcome(&problem, news, minute * MIN));
        self
    }

    /// `opened major`, `raised critical held:maintenance M-1`, …
    fn story(&self) -> Vec<String> {
        self.told.iter().map(line).collect()
    }
}

fn line(dispatch: &Dispatch) -> String {
    let event = serde_json::to_value(dispatch.event).unwrap();
    let hold = match &dispatch.hold {
        None => String::new(),
        Some(Hold::Maintenance { name } | Hold::Silence { name }) => format!(" held:{name}"),
        Some(hold) => {
            let hold = serde_json::to_value(hold).unwrap();
            format!(" held:{}", hold["by"].as_str().unwrap())
        }
    };
    format!("{} {}{hold}", event.as_str().unwrap(), dispatch.severity)
}

fn transition(at_ms: i64, to: Severity, flapping: bool) -> Transition {
    Transition {
        rule: RuleId::from_bits(1),
        rule_key: "disk-used".into(),
        title: Text::same("disk"),
        group: "disk".into(),
        target: Target {
            ci: CiId::from_bits(2),
            kind: TargetKind::new("filesystem"),
            key: "/var".into(),
        },
        from: Severity::Normal,
        to,
        at_ms,
        flapping,
        observed: vec![Observed {
            signal: "used".into(),
            value: 0.9,
            unit: "ratio".into(),
        }],
        because: "used > 90%".into(),
        notify_from: Severity::Major,
        notify_on_fall: false,
    }
}

fn problem() -> ProblemId {
    ProblemId::from_bits(2)
}

use Severity::{Critical, Major, Minor, Normal, Warning};

#[test]
fn one_problem_rises_is_told_on_every_rise_and_recovers() {
    let mut pair = Pair::new();
    pair.at(1, Warning)
        .at(2, Major)
        .at(3, Critical)
        .at(4, Minor)
        .at(5, Major)
        .at(6, Normal);
    assert_eq!(
        pair.story(),
        [
            "opened warning held:below_threshold",
            "raised major",
            "raised critical",
            "lowered minor held:fall",
            "raised major",
            "recovered critical",
        ]
    );
    assert_eq!(pair.opened, 1);
    let latest = pair.latest.unwrap();
    assert_eq!(
        (latest.highest, latest.told, latest.seq),
        (Critical, Critical, 6)
    );
    assert_eq!(latest.closed.unwrap().reason, CloseReason::Recovered);
}

#[test]
fn a_replay_repeats_reopens_and_resolves_nothing() {
    let mut pair = Pair::new();
    pair.at(1, Major).at(2, Normal).at(3, Critical);
    let before = (pair.latest.clone(), pair.told.len());
    pair.at(1, Major)
        .at(2, Normal)
        .at(3, Critical)
        .at(3, Normal);
    assert_eq!((pair.latest.clone(), pair.told.len()), before);
    let mut closed = Pair::new();
    closed.at(1, Major).at(2, Normal).at(1, Major).at(2, Major);
    assert_eq!(closed.opened, 1);
    assert!(!closed.latest.unwrap().is_open());
}

#[test]
fn what_was_never_told_recovers_with_the_reason_why() {
    let mut pair = Pair::new();
    pair.at(1, Warning).at(2, Normal);
    assert_eq!(
        pair.story(),
        [
            "opened warning held:below_threshold",
            "recovered warning held:below_threshold"
        ]
    );
}

#[test]
fn maintenance_holds_and_its_end_tells_what_is_still_bad() {
    let mut pair = Pair::new();
    pair.context.maintenance = Some("M-1".into());
    pair.at(1, Major).settle(2).at(3, Critical);
    pair.context.maintenance = None;
    pair.settle(10).settle(11).at(12, Normal);
    assert_eq!(
        pair.story(),
        [
            "opened major held:M-1",
            "raised critical held:M-1",
            "still_bad critical",
            "recovered critical",
        ]
    );
    let mut over_before = Pair::new();
    over_before.context.maintenance = Some("M-1".into());
    over_before.at(1, Major).at(2, Normal);
    assert_eq!(
        over_before.story(),
        ["opened major held:M-1", "recovered major held:M-1"]
    );
}

#[test]
fn the_recovery_of_a_told_problem_goes_out_in_maintenance_and_silence() {
    let mut pair = Pair::new();
    pair.at(1, Major);
    pair.context.maintenance = Some("M-1".into());
    pair.context.silence = Some("S-1".into());
    pair.settle(2).at(3, Normal);
    assert_eq!(pair.story(), ["opened major", "recovered major"]);
}

#[test]
fn a_silence_after_a_maintenance_goes_on_holding() {
    let mut pair = Pair::new();
    pair.context.maintenance = Some("M-1".into());
    pair.at(1, Major);
    pair.context.maintenance = None;
    pair.context.silence = Some("S-1".into());
    pair.settle(2);
    assert_eq!(pair.told.len(), 1);
    pair.context.silence = None;
    pair.settle(3);
    assert_eq!(pair.story(), ["opened major held:M-1", "still_bad major"]);
}

#[test]
fn a_problem_that_fell_below_the_threshold_is_not_told_at_the_end() {
    let mut pair = Pair::new();
    pair.context.silence = Some("S-1".into());
    pair.at(1, Major).at(2, Warning);
    pair.context.silence = None;
    pair.settle(3);
    assert_eq!(
        pair.story(),
        ["opened major held:S-1", "lowered warning held:fall"]
    );
    pair.at(4, Major);
    assert_eq!(pair.story()[2], "raised major");
}

#[test]
fn a_snooze_tells_again_at_its_end_if_it_is_still_bad() {
    let snooze = Command::Snooze {
        problem: problem(),
        until_ms: 10 * MIN,
        comment: String::new(),
    };
    let mut pair = Pair::new();
    pair.at(1, Major)
        .command(2, &snooze)
        .at(3, Critical)
        .settle(9)
        .settle(10)
        .settle(11);
    assert_eq!(
        pair.story(),
        [
            "opened major",
            "raised critical held:snoozed",
            "still_bad critical"
        ]
    );
    let mut over = Pair::new();
    over.at(1, Major)
        .command(2, &snooze)
        .at(3, Normal)
        .settle(10);
    assert_eq!(over.story(), ["opened major", "recovered major"]);
}

#[test]
fn the_flap_guard_lets_the_first_through_and_speaks_every_ten_minutes() {
    let mut pair = Pair::new();
    pair.at(1, Major).at(2, Normal);
    pair.flapping = true;
    pair.at(3, Major)
        .at(4, Normal)
        .at(5, Major)
        .at(6, Normal)
        .at(7, Major)
        .settle(12);
    assert_eq!(
        pair.story(),
        [
            "opened major",
            "recovered major",
            "opened major held:flapping",
            "recovered major held:flapping",
            "opened major held:flapping",
            "recovered major held:flapping",
            "opened major held:flapping",
        ]
    );
    pair.settle(13).at(14, Normal).at(15, Major);
    assert_eq!(
        pair.story().split_off(7),
        [
            "flapping major",
            "recovered major",
            "opened major held:flapping"
        ]
    );
    let mut fresh = Pair::new();
    fresh.flapping = true;
    fresh.at(1, Warning).at(2, Normal).at(3, Major);
    assert_eq!(
        fresh.story()[2],
        "opened major",
        "nothing was told before: the first goes out"
    );
}

#[test]
fn a_pair_that_flaps_while_closed_says_so_when_it_opens_again() {
    let mut pair = Pair::new();
    pair.at(1, Major).at(2, Normal);
    pair.flapping = true;
    pair.at(3, Major).at(4, Normal).at(20, Major);
    assert_eq!(pair.story().last().unwrap(), "flapping major");
}

#[test]
fn a_repair_holds_only_if_its_binding_says_so_and_its_failure_is_told() {
    let binding = |holds_notice| {
        Some(Binding {
            script: ScriptId::from_bits(9),
            holds_notice,
        })
    };
    let mut holding = Pair::new();
    holding.context.binding = binding(true);
    holding
        .at(1, Major)
        .run(2, RunResult::Started)
        .run(3, RunResult::Failed);
    assert_eq!(
        holding.story(),
        ["opened major held:repair_running", "repair_failed major"]
    );
    assert_eq!(holding.told[1].note, "restart-nginx: exit code 1");
    assert_eq!(holding.orders, 1);

    let mut open = Pair::new();
    open.context.binding = binding(false);
    open.at(1, Major).run(2, RunResult::Refused).at(3, Normal);
    assert_eq!(open.story(), ["opened major", "recovered major"]);

    let mut verified = Pair::new();
    verified.context.binding = binding(true);
    verified
        .at(1, Major)
        .run(2, RunResult::Verified)
        .settle(2)
        .at(3, Normal);
    assert_eq!(
        verified.story(),
        [
            "opened major held:repair_running",
            "recovered major held:repair_running"
        ]
    );

    let mut liar = Pair::new();
    liar.context.binding = binding(true);
    liar.at(1, Major)
        .run(2, RunResult::Verified)
        .settle(2)
        .settle(3);
    assert_eq!(
        liar.story()[1],
        "still_bad major",
        "verified, yet still bad after the grace"
    );

    let mut mute = Pair::new();
    mute.context.binding = binding(true);
    mute.at(1, Major).settle(10).settle(11);
    assert_eq!(
        mute.story()[1],
        "still_bad major",
        "a script without an answer holds ten minutes"
    );
}

#[test]
fn maintenance_starts_no_script_until_it_is_over() {
    let mut pair = Pair::new();
    pair.context.binding = Some(Binding {
        script: ScriptId::from_bits(9),
        holds_notice: false,
    });
    pair.context.maintenance = Some("M-1".into());
    pair.at(1, Major);
    assert_eq!(pair.orders, 0);
    pair.context.maintenance = None;
    pair.settle(2);
    assert_eq!(pair.orders, 1);
}

#[test]
fn a_problem_closed_by_hand_stays_closed_until_it_changes_again() {
    let close = Command::Close {
        problem: problem(),
        comment: "교체 예정".into(),
    };
    let mut pair = Pair::new();
    pair.at(1, Major).command(2, &close).at(1, Major);
    assert_eq!(pair.story(), ["opened major", "recovered major"]);
    assert_eq!(pair.told[1].note, "교체 예정");
    pair.at(3, Critical);
    assert_eq!(pair.opened, 2);
}

#[test]
fn retired_rules_end_their_problems_and_unknown_ones_do_not() {
    for (rule, reason) in [
        (RuleState::Retired, Some(CloseReason::RuleRetired)),
        (RuleState::Disabled, Some(CloseReason::RuleDisabled)),
        (RuleState::Unknown, None),
        (RuleState::Live, None),
    ] {
        let mut pair = Pair::new();
        pair.at(1, Major);
        pair.rule = rule;
        pair.settle(2);
        let closed = pair.latest.unwrap().closed;
        assert_eq!(closed.map(|closed| closed.reason), reason, "{rule:?}");
    }
}

#[test]
fn commands_are_checked_and_do_nothing_twice() {
    let mut pair = Pair::new();
    pair.at(1, Major);
    let open = pair.latest.clone().unwrap();
    let ack = Command::Acknowledge {
        problem: problem(),
        comment: String::new(),
    };
    let taken = command(&open, &ack, "usr_kim", MIN).unwrap().unwrap();
    assert_eq!(taken.entries[0].kind, EntryKind::Acknowledged);
    assert_eq!(command(&taken.problem, &ack, "usr_kim", MIN), Ok(None));
    assert!(
        command(&taken.problem, &ack, "usr_lee", MIN)
            .unwrap()
            .is_some()
    );
    let give_back = Command::Unacknowledge { problem: problem() };
    assert_eq!(command(&open, &give_back, "usr_kim", MIN), Ok(None));
    let empty = Command::Comment {
        problem: problem(),
        comment: "  ".into(),
    };
    let wrong = Err(CommandError::Field(
        "comment",
        "problem.check.comment_empty",
    ));
    assert_eq!(command(&open, &empty, "usr_kim", MIN), wrong);
    let past = Command::Snooze {
        problem: problem(),
        until_ms: 0,
        comment: String::new(),
    };
    let wrong = Err(CommandError::Field("until_ms", "problem.check.until_past"));
    assert_eq!(command(&open, &past, "usr_kim", MIN), wrong);
    pair.at(2, Normal);
    let closed = pair.latest.unwrap();
    assert_eq!(
        command(&closed, &ack, "usr_kim", MIN),
        Err(CommandError::Closed)
    );
    let late = Command::Comment {
        problem: problem(),
        comment: "원인: 로그".into(),
    };
    assert!(command(&closed, &late, "usr_kim", MIN).unwrap().is_some());
}

#[test]
fn seq_counts_every_dispatch_once() {
    let mut pair = Pair::new();
    pair.at(1, Warning).at(2, Major).at(3, Normal);
    let seqs: Vec<i64> = pair.told.iter().map(|dispatch| dispatch.seq).collect();
    assert_eq!(seqs, [1, 2, 3]);
    assert!(pair.told.iter().all(|d| d.event != DispatchEvent::StillBad));
}

mod covers {
    //! Windows and selectors.

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
}
