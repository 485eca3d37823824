//! The promises of alerting.md as checks: while it runs, after every restart, and at the end.

mod account;
mod look;
mod restart;

use std::collections::{BTreeMap, HashMap};

use db::{Query, params};
use model::ProblemId;
use model::flow::{Dispatch, DispatchEvent, Message, decode};

pub(crate) use restart::Before;

use crate::config::{Invariant, Violation};
use crate::facts::Facts;
use crate::server::Installation;
use crate::sink::{Receipt, Sink};
use crate::trace::Trace;

/// Broken promises that a report names; the first ones tell the most.
const VIOLATIONS_MAX: usize = 8;
/// How long after a kill the receiver may still read what was sent before it.
const STRAY_MS: i64 = 5_000;
/// Messages of the outbox read at once.
const ROWS: usize = 2_000;

/// What the checks remember.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    violations: Vec<Violation>,
    /// Every message that arrived.
    receipts: Vec<Receipt>,
    /// The first clear yes of each key, and how often it was said.
    answered: HashMap<String, (i64, usize)>,
    /// Everything that problems left for notices.
    dispatches: BTreeMap<(ProblemId, i64), Dispatch>,
    last_message: String,
    /// Since when a problem that should be told is not, and whether it was covered before.
    untold_ms: HashMap<ProblemId, i64>,
    /// The board as it was last drawn.
    stale: Option<watch::BoardCells>,
}

impl Checks {
    /// Notes a broken promise.
    fn broken(&mut self, invariant: Invariant, what: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(Violation {
                invariant,
                step: 0,
                what,
            });
        }
    }

    pub(crate) fn is_broken(&self) -> bool {
        !self.violations.is_empty()
    }

    pub(crate) fn take_violations(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.violations)
    }

    /// Repeats are bounded: a message that was clearly accepted comes again only after a kill.
    pub(crate) fn receipts(&mut self, sink: &Sink, facts: &Facts, trace: &mut Trace) {
        for receipt in sink.receipts(self.receipts.len()) {
            let Receipt {
                nth,
                path,
                event,
                key,
                answered,
                ..
            } = &receipt;
            trace.note(format!(
                "receipt {nth} on {path}: {event} {key}, answered {answered}"
            ));
            if receipt.answered {
                let first = (receipt.at_ms, 0);
                let (first_ms, times) = self.answered.entry(receipt.key.clone()).or_insert(first);
                *times += 1;
                // What was on its way at the kill may arrive a moment after it.
                let since_ms = *first_ms - STRAY_MS;
                let kills = facts.kills_ms.iter().filter(|at| **at >= since_ms).count();
                if *times > 1 + kills {
                    let what = format!("{receipt:?} was accepted {times} times, {kills} kills");
                    self.broken(Invariant::Bounded, what);
                }
            }
            self.receipts.push(receipt);
        }
    }

    /// Nothing but recoveries leaves a problem untied inside a maintenance or a silence.
    pub(crate) async fn dispatches(
        &mut self,
        installation: &Installation,
        facts: &Facts,
        trace: &mut Trace,
    ) {
        const SQL: &str = "SELECT id, created_ms, payload FROM core_outbox
            WHERE topic = $1 AND id > $2 ORDER BY id LIMIT $3";
        let mut reader = installation.db.reader();
        let values = params![Dispatch::KIND, self.last_message.as_str(), ROWS];
        let rows = reader.fetch_all(SQL, values).await.expect("the outbox");
        for row in rows {
            self.last_message = row.text("id").expect("an id");
            let created_ms = row.int("created_ms").expect("a time");
            let text = row.str("payload").expect("a payload");
            let one: Dispatch = decode(text).expect("a dispatch");
            trace.note(format!(
                "P-{} {:?} {} {} on {} {} at {}, hold {:?}",
                one.number,
                one.event,
                one.severity,
                one.rule_key,
                one.host,
                one.target.key,
                one.at_ms,
                one.hold
            ));
            let told = one.hold.is_none() && one.event != DispatchEvent::Recovered;
            if told && facts.is_covered(one.rule, &one.target, created_ms) {
                let what = format!("{} was told while covered: {one:?}", one.number);
                self.broken(Invariant::Covered, what);
            }
            self.dispatches.insert((one.problem, one.seq), one);
        }
    }

    /// The worst severity of a problem that was given to be told.
    fn told_of(&self, id: ProblemId) -> Option<model::Severity> {
        let all = self.dispatches.range((id, i64::MIN)..=(id, i64::MAX));
        let told =
            all.filter(|(_, one)| one.hold.is_none() && one.event != DispatchEvent::Recovered);
        told.map(|(_, one)| one.severity).max()
    }
}
