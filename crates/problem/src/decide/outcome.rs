//! What a recovery script's result means for its problem.

use model::flow::{DispatchEvent, RunResult};
use model::{RunId, Severity};
use serde_json::json;

use super::Change;
use super::notice::{Draft, tell};
use crate::model::{EntryKind, NewEntry, Problem};

/// One result of a run, with the line that says it to people.
#[derive(Clone, Copy, Debug)]
pub struct RunNews<'a> {
    /// The run.
    pub run: RunId,
    /// The script's name.
    pub script: &'a str,
    /// How it went.
    pub result: RunResult,
    /// One line for the timeline and the notice.
    pub summary: &'a str,
    /// When, UTC milliseconds.
    pub at_ms: i64,
}

/// Notes the result; a repair that did not help is told.
#[must_use]
pub fn run_outcome(problem: &Problem, news: RunNews<'_>, now_ms: i64) -> Change {
    let mut change = Change::of(problem.clone());
    let mut entry = NewEntry::auto(
        EntryKind::Repair,
        news.at_ms,
        json!({ "run": news.run, "script": news.script, "result": news.result }),
    );
    news.summary.clone_into(&mut entry.text);
    change.entries.push(entry);
    let over = !matches!(news.result, RunResult::Started | RunResult::Succeeded);
    let ours = problem
        .repair
        .filter(|repair| repair.run == news.run && repair.ended_ms.is_none());
    let Some(repair) = ours.filter(|_| over) else {
        return change;
    };
    change.problem.repair = Some(crate::model::Repair {
        ended_ms: Some(now_ms),
        ..repair
    });
    let failed = news.result != RunResult::Verified;
    // A guard that refuses a further run is news only to people who still wait for one.
    let waiting = problem.owed > Severity::Normal;
    let worth_telling = news.result != RunResult::Refused || waiting;
    if problem.is_open() && failed && worth_telling {
        let draft = Draft {
            event: DispatchEvent::RepairFailed,
            previous: problem.severity,
            at_ms: news.at_ms,
            now_ms,
            note: format!("{}: {}", news.script, news.summary),
        };
        tell(&mut change, draft);
    }
    change
}
