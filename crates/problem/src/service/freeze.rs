//! Hosts that fall silent and rules that cannot be judged: their problems stay, marked.

use db::{Db, Tx, Value, params};
use model::{CiId, RuleId};
use serde_json::json;

use crate::decide::Change;
use crate::error::Result;
use crate::model::{EntryKind, NewEntry, Problem};
use crate::service::save;
use crate::store;

/// Freezes the open problems of a silent host: they stand as they were last seen. The problem that
/// tells of the silence itself (`except`) stays as it is.
///
/// # Errors
/// When the store fails.
pub async fn freeze_host(
    db: &Db,
    host: CiId,
    last_seen_ms: i64,
    except: Option<RuleId>,
) -> Result<usize> {
    mark(
        db,
        "ci = $1 AND last_seen_ms IS NULL",
        params![host],
        move |problem, now_ms| {
            if Some(problem.rule) == except {
                return None;
            }
            problem.last_seen_ms = Some(last_seen_ms);
            let data = json!({ "last_seen_ms": last_seen_ms });
            Some(NewEntry::auto(EntryKind::Frozen, now_ms, data))
        },
    )
    .await
}

/// The host is heard again; what is still bad will be said by its next samples.
///
/// # Errors
/// When the store fails.
pub async fn thaw_host(db: &Db, host: CiId) -> Result<usize> {
    mark(
        db,
        "ci = $1 AND last_seen_ms IS NOT NULL",
        params![host],
        |problem, now_ms| {
            problem.last_seen_ms = None;
            Some(NewEntry::auto(EntryKind::Thawed, now_ms, json!({})))
        },
    )
    .await
}

/// Marks the open problems of a rule that cannot be judged, or takes the mark back (empty `why`).
///
/// # Errors
/// When the store fails.
pub async fn cannot_judge(db: &Db, rule: RuleId, why: &str) -> Result<usize> {
    let why = why.trim().to_owned();
    mark(
        db,
        "rule = $1 AND cannot_judge <> $2",
        params![rule, &why],
        move |problem, now_ms| {
            problem.cannot_judge.clone_from(&why);
            let kind = if why.is_empty() {
                EntryKind::JudgedAgain
            } else {
                EntryKind::CannotJudge
            };
            let entry = NewEntry::auto(kind, now_ms, json!({}));
            Some(NewEntry {
                text: why.clone(),
                ..entry
            })
        },
    )
    .await
}

async fn mark<F>(db: &Db, which: &'static str, values: Vec<Value>, mark: F) -> Result<usize>
where
    F: Fn(&mut Problem, i64) -> Option<NewEntry> + Clone + Send + Sync + 'static,
{
    db.write(move |tx| Box::pin(async move { mark_in(tx, which, values, &mark).await }))
        .await
}

async fn mark_in(
    tx: &mut Tx,
    which: &str,
    values: Vec<Value>,
    mark: &(impl Fn(&mut Problem, i64) -> Option<NewEntry> + Send + Sync),
) -> Result<usize> {
    let condition = format!("closed_ms IS NULL AND {which}");
    let problems = store::problem::with(tx, &condition, values).await?;
    let now_ms = tx.now_ms();
    let mut changes = Vec::new();
    for mut problem in problems {
        if let Some(entry) = mark(&mut problem, now_ms) {
            changes.push(Change {
                entries: vec![entry],
                ..Change::of(problem)
            });
        }
    }
    let count = changes.len();
    save(tx, changes).await?;
    Ok(count)
}
