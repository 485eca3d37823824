//! Overrides: other values for a group or a host, with an author, a reason and perhaps an end.

use db::Tx;
use judge::{Values, apply, compile};
use model::{OverrideId, RuleId};

use super::{Author, By, Watch, check_bulk, check_version, json, record};
use crate::records::{For, Override};
use crate::{WatchError, store};

/// An override as a person writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct OverrideEdit {
    /// The rule.
    pub rule: RuleId,
    /// For whom.
    pub whom: For,
    /// Only this target, e.g. `/var`.
    pub target_key: Option<String>,
    /// What changes.
    pub values: Values,
    /// When it ends by itself, UTC milliseconds.
    pub until_ms: Option<i64>,
}

/// Which overrides a list shows.
#[derive(Clone, Debug, Default)]
pub struct OverrideFilter {
    /// Of this rule.
    pub rule: Option<RuleId>,
    /// Of this host or group.
    pub whom: Option<For>,
    /// The ended too.
    pub ended: bool,
    /// Made before this one.
    pub after: Option<OverrideId>,
    /// At most so many.
    pub limit: usize,
}

impl Watch {
    /// Overrides, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn overrides(&self, filter: &OverrideFilter) -> Result<Vec<Override>, WatchError> {
        Ok(store::overrides::list(&mut self.db.reader(), filter).await?)
    }

    /// One override.
    ///
    /// # Errors
    /// When it does not exist, or the store fails.
    pub async fn override_by_id(&self, id: OverrideId) -> Result<Override, WatchError> {
        let found = store::overrides::by_id(&mut self.db.reader(), id).await?;
        found.ok_or(WatchError::NotFound("this override"))
    }

    /// Makes overrides, all or none: the same values for many hosts are one call.
    ///
    /// # Errors
    /// When a reason is missing, the rule or group does not exist, values do not fit the rule, the
    /// end is past, there are too many, or the store fails.
    pub async fn create_overrides(
        &self,
        edits: Vec<OverrideEdit>,
        by: By<'_>,
    ) -> Result<Vec<Override>, WatchError> {
        check_bulk(edits.len())?;
        let by = reasoned(by)?;
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let mut made = Vec::with_capacity(edits.len());
                    for edit in edits {
                        let id = OverrideId::from_bits(tx.new_bits());
                        check_edit(tx, &edit).await?;
                        made.push(save(tx, (None, id), (edit, None), &by).await?);
                    }
                    Ok(made)
                })
            })
            .await
    }

    /// Changes an override, if it still has the version the caller saw.
    ///
    /// # Errors
    /// As [`Watch::create_overrides`], and when it ended or was changed meanwhile.
    pub async fn update_override(
        &self,
        (id, seen): (OverrideId, Option<i64>),
        edit: OverrideEdit,
        by: By<'_>,
    ) -> Result<Override, WatchError> {
        let by = reasoned(by)?;
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let before = live(tx, id).await?;
                    check_version("override", before.version, seen)?;
                    check_edit(tx, &edit).await?;
                    save(tx, (Some(&before), id), (edit, None), &by).await
                })
            })
            .await
    }

    /// Takes overrides back.
    ///
    /// # Errors
    /// When one does not exist or has ended, there are too many, or the store fails.
    pub async fn end_overrides(&self, ids: &[OverrideId], by: By<'_>) -> Result<(), WatchError> {
        check_bulk(ids.len())?;
        let (ids, by) = (ids.to_vec(), Author::from(by));
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    for id in ids {
                        let before = live(tx, id).await?;
                        end(tx, &before, &by).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Ends the overrides whose time has come; returns how many. The driver already judges without
    /// them: this writes it down.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn expire_overrides(&self) -> Result<usize, WatchError> {
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let by = Author {
                        actor: "expiry".to_owned(),
                        why: "its end has come".to_owned(),
                    };
                    let now_ms = tx.now_ms();
                    let due = store::overrides::due(tx, now_ms).await?;
                    for one in &due {
                        end(tx, one, &by).await?;
                    }
                    Ok(due.len())
                })
            })
            .await
    }
}

/// Overrides are exceptions: somebody will ask why.
fn reasoned(by: By<'_>) -> Result<Author, WatchError> {
    if by.why.trim().is_empty() {
        return Err(WatchError::Field {
            field: "why",
            what: "say why these values differ: somebody will ask".to_owned(),
        });
    }
    Ok(Author::from(by))
}

async fn live(tx: &mut Tx, id: OverrideId) -> Result<Override, WatchError> {
    let found = store::overrides::by_id(tx, id).await?;
    let found = found.filter(|one| one.ended_ms.is_none());
    found.ok_or(WatchError::NotFound("this override"))
}

async fn check_edit(tx: &mut Tx, edit: &OverrideEdit) -> Result<(), WatchError> {
    let rule = super::rules::live(tx, edit.rule).await?;
    if edit.values == Values::default() {
        return Err(WatchError::Field {
            field: "values",
            what: "nothing is changed: give at least one value".to_owned(),
        });
    }
    if edit
        .until_ms
        .is_some_and(|until_ms| until_ms <= tx.now_ms())
    {
        return Err(WatchError::Field {
            field: "until",
            what: "the end is past".to_owned(),
        });
    }
    let merged = apply(&rule.rule, &[&edit.values])?;
    if merged.enabled {
        compile(&merged).map_err(|error| WatchError::Compile {
            key: rule.rule.key,
            error,
        })?;
    }
    if let For::Group(id) = edit.whom {
        let group = store::groups::by_id(tx, id).await?;
        let live = group.is_some_and(|group| group.retired_ms.is_none());
        if !live {
            return Err(WatchError::NotFound("this group"));
        }
    }
    Ok(())
}

async fn end(tx: &mut Tx, before: &Override, by: &Author) -> Result<(), WatchError> {
    let edit = OverrideEdit {
        rule: before.rule,
        whom: before.whom,
        target_key: before.target_key.clone(),
        values: before.values.clone(),
        until_ms: before.until_ms,
    };
    let now_ms = tx.now_ms();
    save(tx, (Some(before), before.id), (edit, Some(now_ms)), by).await?;
    Ok(())
}

async fn save(
    tx: &mut Tx,
    (before, id): (Option<&Override>, OverrideId),
    (edit, ended_ms): (OverrideEdit, Option<i64>),
    by: &Author,
) -> Result<Override, WatchError> {
    // The end of an override does not rewrite who made it and why.
    let kept = before.filter(|_| ended_ms.is_some());
    let after = Override {
        id,
        rule: edit.rule,
        whom: edit.whom,
        target_key: edit.target_key,
        values: edit.values,
        why: kept.map_or_else(|| by.why.clone(), |kept| kept.why.clone()),
        by: kept.map_or_else(|| by.actor.clone(), |kept| kept.by.clone()),
        until_ms: edit.until_ms,
        version: before.map_or(0, |before| before.version) + 1,
        created_ms: before.map_or_else(|| tx.now_ms(), |before| before.created_ms),
        ended_ms,
    };
    store::overrides::save(tx, before, &after).await?;
    let (was, is) = (
        before.and_then(json),
        json(&after).filter(|_| ended_ms.is_none()),
    );
    record(tx, ("override", id.to_string()), (was, is), by).await?;
    Ok(after)
}
