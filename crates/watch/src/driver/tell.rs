//! From the engine's numbers to words: events become transitions and marks.

use judge::{Because, Event, Fired, PairIx};
use model::flow::{Observed, Transition};
use model::rule::Rule;
use model::{Severity, Target, Text};

use super::book::Plan;
use super::{Inner, Marked, OpenProblem, Update};

impl Inner {
    /// Words for events; the emptied list is kept for the next batch.
    pub(super) fn tell(&mut self, mut events: Vec<Event>) -> Vec<Update> {
        let updates = events
            .drain(..)
            .filter_map(|event| self.words(event))
            .collect();
        self.events = events;
        updates
    }

    fn words(&self, event: Event) -> Option<Update> {
        Some(match event {
            Event::Fired(fired) => Update::Transition(self.transition(fired.pair, &fired)?),
            Event::Mark(mark) => {
                let info = self.info(mark.pair)?;
                Update::Marked(Marked {
                    rule: info.plan.rule_id,
                    target: info.target.clone(),
                    at_ms: mark.at_ms,
                    kind: mark.kind,
                })
            }
        })
    }

    fn transition(&self, pair: PairIx, fired: &Fired) -> Option<Transition> {
        let info = self.info(pair)?;
        let rule = &info.plan.rule;
        Some(Transition {
            from: fired.from,
            to: fired.to,
            at_ms: fired.at_ms,
            flapping: fired.flapping,
            observed: observed(rule, &fired.values),
            because: because(rule, fired.because),
            ..blank(&info.plan, info.target.clone())
        })
    }
}

/// The values that were seen, by signal.
pub(crate) fn observed(rule: &Rule, values: &[f64]) -> Vec<Observed> {
    let seen = rule.signals.iter().zip(values);
    let seen = seen.filter(|(_, value)| !value.is_nan());
    seen.map(|((name, signal), value)| Observed {
        signal: name.clone(),
        value: *value,
        unit: signal.unit.clone(),
    })
    .collect()
}

/// The condition that decided, as written in the rule.
pub(crate) fn because(rule: &Rule, because: Because) -> String {
    let level = rule
        .levels
        .iter()
        .find(|level| level.severity == because.level);
    let Some(level) = level else {
        return format!("level {} removed", because.level);
    };
    let alternative = level.any.get(usize::from(because.alternative));
    let conditions = alternative.map(|alternative| alternative.all.as_slice());
    let conditions = conditions.unwrap_or_default().iter();
    let texts: Vec<String> = conditions.map(ToString::to_string).collect();
    texts.join(", ")
}

/// A problem ends because it is no longer watched.
pub(super) fn closed(
    plan: &Plan,
    target: Target,
    (from, at_ms): (Severity, i64),
    why: &str,
) -> Update {
    Update::Transition(Transition {
        from,
        at_ms,
        because: why.to_owned(),
        ..blank(plan, target)
    })
}

/// A problem of the records ends because nothing can watch it any more.
pub(super) fn orphaned(problem: &OpenProblem, why: &str, now_ms: i64) -> Update {
    Update::Transition(Transition {
        rule: problem.rule,
        rule_key: String::new(),
        title: Text::default(),
        group: String::new(),
        target: problem.target.clone(),
        from: problem.severity,
        to: Severity::Normal,
        at_ms: now_ms.max(problem.at_ms + 1),
        flapping: false,
        observed: Vec::new(),
        because: why.to_owned(),
        notify_from: Severity::Major,
        notify_on_fall: false,
    })
}

fn blank(plan: &Plan, target: Target) -> Transition {
    let rule = &plan.rule;
    Transition {
        rule: plan.rule_id,
        rule_key: rule.key.clone(),
        title: rule.title.clone(),
        group: rule.group.clone(),
        target,
        from: Severity::Normal,
        to: Severity::Normal,
        at_ms: 0,
        flapping: false,
        observed: Vec::new(),
        because: String::new(),
        notify_from: rule.notify_from,
        notify_on_fall: rule.notify_on_fall,
    }
}
