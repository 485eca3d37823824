//! Silences: made, edited, ended early; every edit is kept.

use db::{Change, Db, Query, Tx};
use model::limits::PAGE_ROWS_MAX;
use model::{Selector, SilenceId};
use serde_json::json;

use super::maintenance::text;
use crate::decide::Matching;
use crate::error::{ProblemError, Result};
use crate::model::Silence;
use crate::store;

/// What a person says of a silence.
#[derive(Clone, Debug, PartialEq)]
pub struct SilenceEdit {
    /// Which problems.
    pub selector: Selector,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Begin, UTC milliseconds.
    pub from_ms: i64,
    /// End, UTC milliseconds; every silence ends.
    pub to_ms: i64,
}

fn check(edit: &SilenceEdit) -> Result<()> {
    let field = |field, reason| ProblemError::Field { field, reason };
    text("owner", &edit.owner)?;
    text("reason", &edit.reason)?;
    if edit.selector.0.is_empty() {
        return Err(field("selector", "problem.check.selector_empty"));
    }
    if edit.from_ms >= edit.to_ms {
        return Err(field("to_ms", "problem.check.end_before_begin"));
    }
    let matching = Matching::new(&edit.selector);
    matching
        .map(drop)
        .map_err(|_| field("selector", "problem.check.regex"))
}

/// Makes a silence.
///
/// # Errors
/// When a field is wrong or the store fails.
pub async fn create_silence(db: &Db, edit: SilenceEdit, actor: &str) -> Result<Silence> {
    check(&edit)?;
    let actor = actor.to_owned();
    db.write(move |tx| {
        Box::pin(async move {
            let one = Silence {
                id: SilenceId::from_bits(tx.new_bits()),
                number: tx.next_number("silence").await?,
                selector: edit.selector,
                owner: edit.owner,
                reason: edit.reason,
                from_ms: edit.from_ms,
                to_ms: edit.to_ms,
                cancelled_ms: None,
                version: 1,
            };
            keep(tx, None, &one, &actor).await?;
            Ok(one)
        })
    })
    .await
}

/// Edits a silence of which the editor saw `version`.
///
/// # Errors
/// When somebody else was faster, a field is wrong or the store fails.
pub async fn edit_silence(
    db: &Db,
    id: SilenceId,
    version: i64,
    edit: SilenceEdit,
    actor: &str,
) -> Result<Silence> {
    check(&edit)?;
    let actor = actor.to_owned();
    db.write(move |tx| {
        Box::pin(async move {
            let before = silence(tx, id).await?;
            if before.version != version {
                return Err(ProblemError::Version {
                    now: before.version,
                    of: version,
                });
            }
            let SilenceEdit {
                selector,
                owner,
                reason,
                from_ms,
                to_ms,
            } = edit;
            let version = version + 1;
            let after = Silence {
                selector,
                owner,
                reason,
                from_ms,
                to_ms,
                version,
                ..before.clone()
            };
            keep(tx, Some(&before), &after, &actor).await?;
            Ok(after)
        })
    })
    .await
}

/// Ends a silence early; what is still bad is told then.
///
/// # Errors
/// When there is none, or the store fails.
pub async fn end_silence(db: &Db, id: SilenceId, actor: &str) -> Result<Silence> {
    let actor = actor.to_owned();
    db.write(move |tx| {
        Box::pin(async move {
            let before = silence(tx, id).await?;
            if before.cancelled_ms.is_some() {
                return Ok(before);
            }
            let mut after = before.clone();
            after.cancelled_ms = Some(tx.now_ms());
            after.version += 1;
            keep(tx, Some(&before), &after, &actor).await?;
            Ok(after)
        })
    })
    .await
}

async fn keep(tx: &mut Tx, before: Option<&Silence>, after: &Silence, actor: &str) -> Result<()> {
    store::cover::save_silence(tx, after).await?;
    let change = Change {
        actor,
        object_kind: "silence",
        object_id: after.id.to_string(),
        before: before.map(|before| json!(before)),
        after: Some(json!(after)),
        why: &after.reason,
    };
    tx.record_change(change).await?;
    tx.hint(crate::COVERS);
    Ok(())
}

/// One silence.
///
/// # Errors
/// When there is none with this id.
pub async fn silence(from: &mut impl Query, id: SilenceId) -> Result<Silence> {
    let found = store::cover::silence(from, id).await?;
    found.ok_or_else(|| ProblemError::NotFound {
        what: "silence",
        id: id.to_string(),
    })
}

/// The latest silences; `past` brings those that are over too.
///
/// # Errors
/// When the store fails.
pub async fn silences(from: &mut impl Query, past: bool, now_ms: i64) -> Result<Vec<Silence>> {
    Ok(store::cover::silences(from, past, now_ms, PAGE_ROWS_MAX).await?)
}
