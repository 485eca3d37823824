//! Results that later stages bring back: notices that arrived, scripts that ended.

use db::Tx;
use model::ProblemId;
use model::flow::Outcome;
use serde_json::json;

use crate::decide::{Change, RunNews, run_outcome};
use crate::error::Result;
use crate::model::{EntryKind, NewEntry};
use crate::service::save;
use crate::store;

/// Takes outcomes in their order; those of problems that do not exist are dropped. To be called once
/// per message: the outbox sees to that.
///
/// # Errors
/// When the store fails.
pub async fn take_outcome(tx: &mut Tx, outcomes: &[Outcome]) -> Result<()> {
    let mut ids: Vec<ProblemId> = outcomes.iter().filter_map(subject).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut problems = store::problem::by_ids(tx, &ids).await?;
    let now_ms = tx.now_ms();
    let mut changes = Vec::new();
    for outcome in outcomes {
        let Some(problem) = subject(outcome).and_then(|id| problems.get_mut(&id)) else {
            continue;
        };
        let change = match outcome {
            Outcome::Run {
                run,
                script,
                result,
                summary,
                at_ms,
                ..
            } => {
                let news = RunNews {
                    run: *run,
                    script,
                    result: *result,
                    summary,
                    at_ms: *at_ms,
                };
                run_outcome(problem, news, now_ms)
            }
            Outcome::Notice {
                recipient,
                delivered,
                summary,
                at_ms,
                ..
            } => {
                let data = json!({ "recipient": recipient, "delivered": delivered });
                let entry = NewEntry::auto(EntryKind::Notice, *at_ms, data);
                let entry = NewEntry {
                    text: summary.clone(),
                    ..entry
                };
                Change {
                    entries: vec![entry],
                    ..Change::of(problem.clone())
                }
            }
        };
        problem.clone_from(&change.problem);
        problem.entries += i64::try_from(change.entries.len()).unwrap_or(i64::MAX);
        changes.push(change);
    }
    save(tx, changes).await
}

const fn subject(outcome: &Outcome) -> Option<ProblemId> {
    match outcome {
        Outcome::Run { problem, .. } => *problem,
        Outcome::Notice { problem, .. } => Some(*problem),
    }
}
