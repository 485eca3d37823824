//! Use cases of watching: rules, groups, overrides, watched things, rule documents.

mod document;
mod groups;
mod overrides;
mod rules;
mod watched;

use db::{Change, Db, DbError, Tx};
use model::limits::{BULK_ROWS_MAX, COMMENT_CHARS_MAX};
use serde_json::Value as Json;

pub use document::{Applied, ApplyOptions, DocumentError, RuleFile, read_rules, write_rules};
pub use groups::GroupEdit;
pub use overrides::{OverrideEdit, OverrideFilter};
pub use rules::{DefaultsReport, RuleFilter};
pub use watched::{WatchedEdit, config_for};

use crate::records::Config;
use crate::{CHANGED, WatchError, store};

/// The use cases, on one records store.
#[derive(Clone, Debug)]
pub struct Watch {
    db: Db,
}

/// Who edits, and why.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// A user id, a token id or the name of a job.
    pub actor: &'a str,
    /// The reason; may be empty where it is not demanded.
    pub why: &'a str,
}

/// The same, owned, for use cases that may run again.
#[derive(Clone, Debug)]
struct Author {
    actor: String,
    why: String,
}

impl From<By<'_>> for Author {
    fn from(by: By<'_>) -> Self {
        Self {
            actor: by.actor.to_owned(),
            why: by.why.chars().take(COMMENT_CHARS_MAX).collect(),
        }
    }
}

impl Watch {
    /// The use cases on `db`.
    #[must_use]
    pub const fn new(db: Db) -> Self {
        Self { db }
    }

    /// Everything the driver judges by, at one moment.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn config(&self) -> Result<Config, WatchError> {
        self.db
            .read(|at: &mut db::Snapshot| {
                Box::pin(async move {
                    let rules = store::rules::all(at, false).await?;
                    let groups = store::groups::all(at, false).await?;
                    let overrides = store::overrides::in_force(at).await?;
                    let groups = groups.into_iter().map(|g| (g.id, g.name, g.selector));
                    Ok(Config {
                        rules: rules.into_iter().map(|r| (r.id, r.rule)).collect(),
                        groups: groups.collect(),
                        overrides,
                    })
                })
            })
            .await
    }

    /// The history of one record, the latest edit first. `kind` is `rule`, `group`, `override` or
    /// `watched`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn history(
        &self,
        kind: &str,
        id: &str,
        limit: usize,
    ) -> Result<Vec<db::Revision>, WatchError> {
        Ok(db::revisions(&mut self.db.reader(), kind, id, limit).await?)
    }
}

/// The change row of an edit, and the hint that follows it.
async fn record(
    tx: &mut Tx,
    (kind, id): (&str, String),
    (before, after): (Option<Json>, Option<Json>),
    by: &Author,
) -> Result<(), DbError> {
    tx.record_change(Change {
        actor: &by.actor,
        object_kind: kind,
        object_id: id,
        before,
        after,
        why: &by.why,
    })
    .await?;
    tx.hint(CHANGED);
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Option<Json> {
    serde_json::to_value(value).ok()
}

/// The second of two editors learns that there was a first.
fn check_version(name: &str, found: i64, seen: Option<i64>) -> Result<(), WatchError> {
    match seen {
        Some(seen) if seen != found => Err(WatchError::ChangedMeanwhile {
            name: name.to_owned(),
            found,
            seen,
        }),
        _ => Ok(()),
    }
}

fn check_bulk(count: usize) -> Result<(), WatchError> {
    if count > BULK_ROWS_MAX {
        return Err(WatchError::TooMany(count));
    }
    Ok(())
}
