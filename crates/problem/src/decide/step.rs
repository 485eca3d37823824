//! One transition meets the pair's latest problem: ignore, open, raise, lower, refresh or close.

use model::flow::{DispatchEvent, Transition};
use model::{ProblemId, RunId, ScriptId, Severity};
use serde_json::json;

use super::notice::{Draft, tell};
use super::{Change, flap};
use crate::model::{CloseReason, Closed, EntryKind, NewEntry, Problem, Repair};
use crate::ports::Binding;

/// What a transition is judged in the light of.
#[derive(Clone, Debug)]
pub struct Context {
    /// Server time, UTC milliseconds.
    pub now_ms: i64,
    /// The id of a problem, if one opens.
    pub id: ProblemId,
    /// The id of a run, if one is ordered.
    pub run: RunId,
    /// Its number, if one opens.
    pub number: i64,
    /// The host's name now.
    pub host: String,
    /// The maintenance that covers the target now.
    pub maintenance: Option<String>,
    /// The silence that covers it now.
    pub silence: Option<String>,
    /// The script bound to the rule at the severity that the transition leads to.
    pub binding: Option<Binding>,
}

/// A script to start.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Order {
    /// The run.
    pub run: RunId,
    /// The script.
    pub script: ScriptId,
}

/// What a transition makes of a pair.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It is not newer than what was applied, or nothing is open that it could close.
    Nothing,
    /// A new problem.
    Open(Box<Change>),
    /// The pair's open problem changed.
    Update(Box<Change>),
}

/// Applies a transition to the pair's latest problem, open or closed.
#[must_use]
pub fn step(latest: Option<&Problem>, transition: &Transition, context: &Context) -> Step {
    if latest.is_some_and(|problem| transition.at_ms <= problem.last_at_ms) {
        return Step::Nothing;
    }
    let open = latest.filter(|problem| problem.is_open());
    match (open, transition.to) {
        (None, Severity::Normal) => Step::Nothing,
        (None, _) => Step::Open(Box::new(opened(latest, transition, context))),
        (Some(problem), Severity::Normal) => {
            Step::Update(Box::new(recovered(problem, transition, context)))
        }
        (Some(problem), _) => Step::Update(Box::new(moved(problem, transition, context))),
    }
}

fn opened(latest: Option<&Problem>, transition: &Transition, context: &Context) -> Change {
    let mut problem = Problem {
        id: context.id,
        number: context.number,
        rule: transition.rule,
        rule_key: transition.rule_key.clone(),
        title: transition.title.clone(),
        group: transition.group.clone(),
        target: transition.target.clone(),
        host: context.host.clone(),
        severity: transition.to,
        highest: transition.to,
        opened_ms: transition.at_ms,
        changed_ms: transition.at_ms,
        last_at_ms: transition.at_ms,
        closed: None,
        observed: Vec::new(),
        because: String::new(),
        notify_from: transition.notify_from,
        notify_on_fall: transition.notify_on_fall,
        flapping: transition.flapping,
        acknowledged: None,
        assignee: None,
        snoozed_until_ms: None,
        maintenance: None,
        silence: None,
        last_seen_ms: None,
        cannot_judge: String::new(),
        repair: None,
        told: Severity::Normal,
        told_ms: 0,
        owed: Severity::Normal,
        held: None,
        flap_held_ms: 0,
        seq: 0,
        entries: 0,
    };
    if let Some(before) = latest {
        flap::inherit(&mut problem, before);
    }
    let mut change = Change::of(problem);
    take_over(&mut change, transition, context);
    change.entries.push(entry(EntryKind::Opened, transition));
    repair(&mut change, context);
    // A pair whose notices were held long enough says so at once, instead of "opened" again.
    let event = match flap::is_due(&change.problem, context.now_ms) {
        true => DispatchEvent::Flapping,
        false => DispatchEvent::Opened,
    };
    tell(
        &mut change,
        draft(event, Severity::Normal, transition, context),
    );
    change
}

fn moved(problem: &Problem, transition: &Transition, context: &Context) -> Change {
    let previous = problem.severity;
    let mut change = Change::of(problem.clone());
    take_over(&mut change, transition, context);
    let (kind, event) = match transition.to.cmp(&previous) {
        std::cmp::Ordering::Equal => return change,
        std::cmp::Ordering::Greater => (EntryKind::Raised, DispatchEvent::Raised),
        std::cmp::Ordering::Less => (EntryKind::Lowered, DispatchEvent::Lowered),
    };
    change.problem.changed_ms = transition.at_ms;
    change.problem.severity = transition.to;
    change.problem.highest = problem.highest.max(transition.to);
    change.entries.push(entry(kind, transition));
    if event == DispatchEvent::Raised {
        repair(&mut change, context);
    }
    tell(&mut change, draft(event, previous, transition, context));
    change
}

fn recovered(problem: &Problem, transition: &Transition, context: &Context) -> Change {
    let mut change = Change::of(problem.clone());
    take_over(&mut change, transition, context);
    change.problem.changed_ms = transition.at_ms;
    end(&mut change, CloseReason::Recovered, transition.at_ms);
    let draft = draft(
        DispatchEvent::Recovered,
        problem.severity,
        transition,
        context,
    );
    tell(&mut change, draft);
    change
}

/// Marks the end and its entry.
pub(crate) fn end(change: &mut Change, reason: CloseReason, at_ms: i64) {
    change.problem.closed = Some(Closed { at_ms, reason });
    let data = json!({ "reason": reason.name(), "from": change.problem.severity });
    change
        .entries
        .push(NewEntry::auto(EntryKind::Closed, at_ms, data));
}

/// What every transition brings, whatever it does: what was seen, and that it can be judged again.
fn take_over(change: &mut Change, transition: &Transition, context: &Context) {
    let problem = &mut change.problem;
    problem.last_at_ms = transition.at_ms;
    problem.flapping = transition.flapping;
    problem.notify_from = transition.notify_from;
    problem.notify_on_fall = transition.notify_on_fall;
    problem.observed.clone_from(&transition.observed);
    problem.because.clone_from(&transition.because);
    problem.maintenance.clone_from(&context.maintenance);
    problem.silence.clone_from(&context.silence);
    if problem.last_seen_ms.take().is_some() {
        let data = json!({});
        change
            .entries
            .push(NewEntry::auto(EntryKind::Thawed, context.now_ms, data));
    }
    let problem = &mut change.problem;
    if !std::mem::take(&mut problem.cannot_judge).is_empty() {
        let data = json!({});
        change
            .entries
            .push(NewEntry::auto(EntryKind::JudgedAgain, context.now_ms, data));
    }
}

/// Orders the bound script, unless one is at work or somebody works there by plan.
pub(crate) fn repair(change: &mut Change, context: &Context) {
    let Some(binding) = context.binding else {
        return;
    };
    if change.problem.is_repairing() {
        return;
    }
    if let Some(name) = &change.problem.maintenance {
        let data = json!({ "maintenance": name, "script": binding.script });
        change.entries.push(NewEntry::auto(
            EntryKind::RepairSkipped,
            context.now_ms,
            data,
        ));
        return;
    }
    change.problem.repair = Some(Repair {
        run: context.run,
        ordered_ms: context.now_ms,
        ended_ms: None,
        holds: binding.holds_notice,
    });
    let data = json!({ "run": context.run, "script": binding.script });
    change.entries.push(NewEntry::auto(
        EntryKind::RepairOrdered,
        context.now_ms,
        data,
    ));
    change.order = Some(Order {
        run: context.run,
        script: binding.script,
    });
}

fn entry(kind: EntryKind, transition: &Transition) -> NewEntry {
    let data = json!({
        "from": transition.from,
        "to": transition.to,
        "observed": transition.observed,
        "because": transition.because,
    });
    NewEntry::auto(kind, transition.at_ms, data)
}

fn draft(
    event: DispatchEvent,
    previous: Severity,
    transition: &Transition,
    context: &Context,
) -> Draft {
    Draft {
        event,
        previous,
        at_ms: transition.at_ms,
        now_ms: context.now_ms,
        note: String::new(),
    }
}
