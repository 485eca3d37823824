//! Maintenances: made, edited, called off; every edit is kept.

use db::{Change, Db, Query, Tx};
use model::MaintenanceId;
use model::limits::{COMMENT_CHARS_MAX, PAGE_ROWS_MAX};
use serde_json::json;

use crate::decide::{Matching, check_when};
use crate::error::{ProblemError, Result};
use crate::model::{Maintenance, Scope, When};
use crate::store;

/// What a person says of a maintenance.
#[derive(Clone, Debug, PartialEq)]
pub struct MaintenanceEdit {
    /// What it is called.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// When.
    pub when: When,
    /// For what.
    pub scope: Scope,
}

fn field(field: &'static str, reason: &'static str) -> ProblemError {
    ProblemError::Field { field, reason }
}

/// A text that must be there and has a limit.
pub(super) fn text(name: &'static str, text: &str) -> Result<()> {
    match text.trim().chars().count() {
        0 => Err(field(name, "problem.check.empty")),
        COMMENT_CHARS_MAX.. => Err(field(name, "problem.check.comment_long")),
        _ => Ok(()),
    }
}

fn check(edit: &MaintenanceEdit) -> Result<()> {
    for (name, value) in [
        ("name", &edit.name),
        ("owner", &edit.owner),
        ("reason", &edit.reason),
    ] {
        text(name, value)?;
    }
    check_when(&edit.when).map_err(|error| field(error.0, error.1))?;
    let scope = &edit.scope;
    let names_hosts = scope.everything
        || !scope.hosts.is_empty()
        || !scope.groups.is_empty()
        || scope.labels.is_some();
    if !names_hosts {
        return Err(field("scope", "problem.check.scope_empty"));
    }
    let labels = scope.labels.as_ref().map(Matching::new).transpose();
    labels
        .map(drop)
        .map_err(|_| field("scope", "problem.check.regex"))
}

/// Makes a maintenance.
///
/// # Errors
/// When a field is wrong or the store fails.
pub async fn create_maintenance(
    db: &Db,
    edit: MaintenanceEdit,
    actor: &str,
) -> Result<Maintenance> {
    check(&edit)?;
    let actor = actor.to_owned();
    db.write(move |tx| {
        Box::pin(async move {
            let one = Maintenance {
                id: MaintenanceId::from_bits(tx.new_bits()),
                number: tx.next_number("maintenance").await?,
                name: edit.name,
                owner: edit.owner,
                reason: edit.reason,
                when: edit.when,
                scope: edit.scope,
                cancelled_ms: None,
                version: 1,
            };
            keep(tx, None, &one, &actor).await?;
            Ok(one)
        })
    })
    .await
}

/// Edits a maintenance of which the editor saw `version`.
///
/// # Errors
/// When somebody else was faster, a field is wrong or the store fails.
pub async fn edit_maintenance(
    db: &Db,
    id: MaintenanceId,
    version: i64,
    edit: MaintenanceEdit,
    actor: &str,
) -> Result<Maintenance> {
    check(&edit)?;
    let actor = actor.to_owned();
    db.write(move |tx| {
        Box::pin(async move {
            let before = maintenance(tx, id).await?;
            if before.version != version {
                return Err(ProblemError::Version {
                    now: before.version,
                    of: version,
                });
            }
            let MaintenanceEdit {
                name,
                owner,
                reason,
                when,
                scope,
            } = edit;
            let after = Maintenance {
                name,
                owner,
                reason,
                when,
                scope,
                version: version + 1,
                ..before.clone()
            };
            keep(tx, Some(&before), &after, &actor).await?;
            Ok(after)
        })
    })
    .await
}

/// Calls a maintenance off, or ends it early; what is still bad is told then.
///
/// # Errors
/// When there is none, or the store fails.
pub async fn cancel_maintenance(db: &Db, id: MaintenanceId, actor: &str) -> Result<Maintenance> {
    let actor = actor.to_owned();
    db.write(move |tx| {
        Box::pin(async move {
            let before = maintenance(tx, id).await?;
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

async fn keep(
    tx: &mut Tx,
    before: Option<&Maintenance>,
    after: &Maintenance,
    actor: &str,
) -> Result<()> {
    store::cover::save_maintenance(tx, after).await?;
    let change = Change {
        actor,
        object_kind: "maintenance",
        object_id: after.id.to_string(),
        before: before.map(|before| json!(before)),
        after: Some(json!(after)),
        why: &after.reason,
    };
    tx.record_change(change).await?;
    tx.hint(crate::COVERS);
    Ok(())
}

/// One maintenance.
///
/// # Errors
/// When there is none with this id.
pub async fn maintenance(from: &mut impl Query, id: MaintenanceId) -> Result<Maintenance> {
    let found = store::cover::maintenance(from, id).await?;
    found.ok_or_else(|| ProblemError::NotFound {
        what: "maintenance",
        id: id.to_string(),
    })
}

/// The latest maintenances; `past` brings those that are over too.
///
/// # Errors
/// When the store fails.
pub async fn maintenances(
    from: &mut impl Query,
    past: bool,
    now_ms: i64,
) -> Result<Vec<Maintenance>> {
    Ok(store::cover::maintenances(from, past, now_ms, PAGE_ROWS_MAX).await?)
}
