//! Whether an event of a problem is told or held, and the bookkeeping that follows from it.

use model::Severity;
use model::flow::{Dispatch, DispatchEvent, Hold};
use serde_json::json;

use super::{Change, flap};
use crate::model::{EntryKind, NewEntry, Problem};

/// An event that may have to be told.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What happened.
    pub event: DispatchEvent,
    /// Severity before.
    pub previous: Severity,
    /// When it happened (sample time), UTC milliseconds.
    pub at_ms: i64,
    /// Server time, UTC milliseconds.
    pub now_ms: i64,
    /// What a person or script added.
    pub note: String,
}

/// Adds the dispatch with its hold, and remembers what is told and what is owed.
pub(crate) fn tell(change: &mut Change, draft: Draft) {
    let hold = hold(&change.problem, &draft);
    let problem = &mut change.problem;
    problem.seq += 1;
    let recovery = draft.event == DispatchEvent::Recovered;
    let severity = if recovery {
        problem.told.max(problem.severity)
    } else {
        problem.severity
    };
    change.entries.push(NewEntry::auto(
        EntryKind::Dispatched,
        draft.now_ms,
        json!({ "event": draft.event, "severity": severity, "hold": hold, "seq": problem.seq }),
    ));
    change.dispatches.push(Dispatch {
        problem: problem.id,
        number: problem.number,
        event: draft.event,
        seq: problem.seq,
        severity,
        previous: draft.previous,
        rule: problem.rule,
        rule_key: problem.rule_key.clone(),
        title: problem.title.clone(),
        target: problem.target.clone(),
        host: problem.host.clone(),
        observed: problem.observed.clone(),
        because: problem.because.clone(),
        at_ms: draft.at_ms,
        opened_ms: problem.opened_ms,
        hold: hold.clone(),
        note: draft.note,
    });
    remember(problem, hold, recovery, draft.now_ms);
}

fn remember(problem: &mut Problem, hold: Option<Hold>, recovery: bool, now_ms: i64) {
    if recovery {
        problem.owed = Severity::Normal;
        return;
    }
    match hold {
        None => {
            problem.told = problem.told.max(problem.severity);
            problem.told_ms = now_ms;
            problem.owed = Severity::Normal;
            problem.held = None;
            problem.flap_held_ms = 0;
        }
        // Nothing is owed below the rule's own threshold, nor for a fall.
        Some(Hold::BelowThreshold | Hold::Fall) => {
            if problem.owed == Severity::Normal {
                problem.held = hold;
            }
        }
        Some(hold) => {
            if hold == Hold::Flapping && problem.flap_held_ms == 0 {
                problem.flap_held_ms = now_ms;
            }
            problem.owed = problem.owed.max(problem.severity);
            problem.held = Some(hold);
        }
    }
}

/// Why this must not be told now, if so.
fn hold(problem: &Problem, draft: &Draft) -> Option<Hold> {
    match draft.event {
        // The recovery of a told problem always goes out; of an untold one it says why not.
        DispatchEvent::Recovered if problem.told > Severity::Normal => return None,
        DispatchEvent::Recovered => {
            return Some(problem.held.clone().unwrap_or(Hold::BelowThreshold));
        }
        DispatchEvent::Lowered if !problem.notify_on_fall => return Some(Hold::Fall),
        // A fall below the threshold of something told is worth as much as its rise was.
        DispatchEvent::Lowered if problem.told > Severity::Normal => {}
        _ if problem.severity < problem.notify_from => return Some(Hold::BelowThreshold),
        _ => {}
    }
    if let Some(hold) = covered(problem, draft.now_ms) {
        return Some(hold);
    }
    let repairing = problem
        .repair
        .filter(|repair| repair.ended_ms.is_none() && repair.holds);
    if repairing.is_some_and(|repair| draft.now_ms < repair.ordered_ms + super::REPAIR_HOLD_MS_MAX)
    {
        return Some(Hold::RepairRunning);
    }
    let guarded = !matches!(
        draft.event,
        DispatchEvent::Flapping | DispatchEvent::RepairFailed
    );
    (guarded && flap::holds(problem, draft.now_ms)).then_some(Hold::Flapping)
}

/// Maintenance, then silence, then snooze: what people asked for, the widest first.
pub(crate) fn covered(problem: &Problem, now_ms: i64) -> Option<Hold> {
    if let Some(name) = &problem.maintenance {
        return Some(Hold::Maintenance { name: name.clone() });
    }
    if let Some(name) = &problem.silence {
        return Some(Hold::Silence { name: name.clone() });
    }
    problem.is_snoozed(now_ms).then_some(Hold::Snoozed)
}
