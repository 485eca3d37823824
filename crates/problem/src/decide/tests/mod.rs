//! Scenarios as data: what happens when, and what is told or held.

mod covers;

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
