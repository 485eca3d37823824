//! What time alone changes: covers begin and end, holds end, rules and hosts retire.

use model::Severity;
use model::flow::{DispatchEvent, Hold};

use super::notice::{Draft, covered, tell};
use super::step::{end, repair};
use super::{Change, Context, REPAIR_GRACE_MS, flap};
use crate::model::{CloseReason, Problem};
use crate::ports::RuleState;

/// What became of a problem's surroundings.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The light it is judged in; `id` and `number` are not used.
    pub context: Context,
    /// What became of its rule.
    pub rule: RuleState,
    /// Whether its host is retired.
    pub host_retired: bool,
}

/// Brings an open problem up to date; nothing when nothing changed. Doing it twice does it once.
#[must_use]
pub fn settle(problem: &Problem, settled: &Settled) -> Option<Change> {
    let context = &settled.context;
    let mut change = Change::of(problem.clone());
    change.problem.maintenance.clone_from(&context.maintenance);
    change.problem.silence.clone_from(&context.silence);
    let snooze_over = problem
        .snoozed_until_ms
        .is_some_and(|until| until <= context.now_ms);
    if snooze_over {
        change.problem.snoozed_until_ms = None;
    }
    if let Some(reason) = gone(settled) {
        end(&mut change, reason, context.now_ms);
        tell(
            &mut change,
            draft(DispatchEvent::Recovered, problem, context.now_ms),
        );
        return Some(change);
    }
    let still_bad = change.problem.severity >= change.problem.notify_from;
    if problem.owed > Severity::Normal && still_bad && hold_is_over(&change.problem, context) {
        if matches!(problem.held, Some(Hold::Maintenance { .. })) {
            repair(&mut change, context);
        }
        let event = match problem.held {
            Some(Hold::Flapping) => DispatchEvent::Flapping,
            _ => DispatchEvent::StillBad,
        };
        tell(&mut change, draft(event, problem, context.now_ms));
    }
    (change.problem != *problem).then_some(change)
}

/// Whether what held the owed notice is over, and nothing else holds it.
fn hold_is_over(problem: &Problem, context: &Context) -> bool {
    if covered(problem, context.now_ms).is_some() {
        return false;
    }
    match problem.held {
        Some(Hold::Flapping) => !problem.flapping || flap::is_due(problem, context.now_ms),
        Some(Hold::RepairRunning) => repair_is_over(problem, context.now_ms),
        _ => true,
    }
}

/// Fail open: a script that says nothing for too long no longer holds a notice.
fn repair_is_over(problem: &Problem, now_ms: i64) -> bool {
    problem.repair.is_none_or(|repair| match repair.ended_ms {
        Some(ended_ms) => now_ms >= ended_ms + REPAIR_GRACE_MS,
        None => now_ms >= repair.ordered_ms + super::REPAIR_HOLD_MS_MAX,
    })
}

fn gone(settled: &Settled) -> Option<CloseReason> {
    if settled.host_retired {
        return Some(CloseReason::HostRetired);
    }
    match settled.rule {
        RuleState::Retired => Some(CloseReason::RuleRetired),
        RuleState::Disabled => Some(CloseReason::RuleDisabled),
        RuleState::Live | RuleState::Unknown => None,
    }
}

fn draft(event: DispatchEvent, problem: &Problem, now_ms: i64) -> Draft {
    Draft {
        event,
        previous: problem.severity,
        at_ms: now_ms,
        now_ms,
        note: String::new(),
    }
}
