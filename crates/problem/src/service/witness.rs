//! What a host was doing when a problem opened: its busiest processes, kept in the timeline.

use db::{Db, Query, params};
use model::ProblemId;
use serde_json::Value as Json;

use crate::decide::Change;
use crate::error::Result;
use crate::model::{EntryKind, NewEntry, Problem};
use crate::service::save;
use crate::store;

/// Problems that opened since, are still open, and of which nobody kept what the host was doing; the
/// newest first.
///
/// # Errors
/// When the store fails.
pub async fn unwitnessed(
    from: &mut impl Query,
    since_ms: i64,
    limit: usize,
) -> Result<Vec<Problem>> {
    const WHICH: &str = "closed_ms IS NULL AND opened_ms >= $1 AND NOT EXISTS (
        SELECT 1 FROM problem_entry
        WHERE problem_entry.problem = problem_problem.id AND kind = 'processes')
        ORDER BY opened_ms DESC LIMIT $2";
    Ok(store::problem::with(from, WHICH, params![since_ms, limit]).await?)
}

/// Keeps what the host of these problems was doing; those that closed meanwhile keep it too.
///
/// # Errors
/// When the store fails.
pub async fn witness(db: &Db, ids: Vec<ProblemId>, seen: Json) -> Result<()> {
    db.write(move |tx| {
        Box::pin(async move {
            let now_ms = tx.now_ms();
            let problems = store::problem::by_ids(tx, &ids).await?.into_values();
            let changes = problems.map(|problem| Change {
                entries: vec![NewEntry::auto(EntryKind::Processes, now_ms, seen.clone())],
                ..Change::of(problem)
            });
            save(tx, changes.collect()).await
        })
    })
    .await
}
