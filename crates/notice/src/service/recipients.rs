//! Recipients: made, edited, retired; every edit is kept.

use std::collections::BTreeMap;

use db::{Change, Db, Query, Tx};
use model::{Lang, RecipientId, UserId};
use serde_json::json;

use super::channels::{check_name, field};
use crate::decide::check_rule;
use crate::error::{NoticeError, Result};
use crate::model::{Recipient, Rule};
use crate::store;

/// Rules of one recipient.
const RULES_MAX: usize = 20;

/// What a person says of a recipient.
#[derive(Clone, Debug, PartialEq)]
pub struct RecipientEdit {
    /// The name.
    pub name: String,
    /// Whether it is a shared box.
    pub shared: bool,
    /// The person's account, if any.
    pub user: Option<UserId>,
    /// The language of notices.
    pub lang: Lang,
    /// The time zone, an IANA name.
    pub zone: String,
    /// Whether anything new is told.
    pub enabled: bool,
    /// A channel's id, or a kind, and the address there.
    pub addresses: BTreeMap<String, String>,
    /// What reaches them when and where.
    pub rules: Vec<Rule>,
}

fn check(edit: &RecipientEdit) -> Result<()> {
    check_name(&edit.name)?;
    if jiff::tz::TimeZone::get(&edit.zone).is_err() {
        return Err(field("zone", "notice.check.zone"));
    }
    if edit.rules.len() > RULES_MAX {
        return Err(field("rules", "notice.check.rules_many"));
    }
    for rule in &edit.rules {
        check_rule(rule).map_err(|reason| field("rules", reason))?;
    }
    Ok(())
}

/// Makes a recipient.
///
/// # Errors
/// When a field is wrong or the store fails.
pub async fn create_recipient(db: &Db, edit: RecipientEdit, actor: &str) -> Result<Recipient> {
    check(&edit)?;
    let actor = actor.to_owned();
    db.write(move |tx| {
        Box::pin(async move {
            let id = RecipientId::from_bits(tx.new_bits());
            let one = filled(id, 1, edit);
            keep(tx, None, &one, &actor).await?;
            Ok(one)
        })
    })
    .await
}

/// Edits a recipient of which the editor saw `version`.
///
/// # Errors
/// When somebody else was faster, a field is wrong or the store fails.
pub async fn edit_recipient(
    db: &Db,
    (id, version): (RecipientId, i64),
    edit: RecipientEdit,
    actor: &str,
) -> Result<Recipient> {
    check(&edit)?;
    let actor = actor.to_owned();
    db.write(move |tx| {
        Box::pin(async move {
            let before = recipient(tx, id).await?;
            if before.version != version {
                return Err(NoticeError::Version {
                    now: before.version,
                    of: version,
                });
            }
            let after = Recipient {
                retired_ms: before.retired_ms,
                ..filled(id, version + 1, edit)
            };
            keep(tx, Some(&before), &after, &actor).await?;
            Ok(after)
        })
    })
    .await
}

/// Retires a recipient: nothing new is told; recoveries of what was told still go out.
///
/// # Errors
/// When there is none, or the store fails.
pub async fn retire_recipient(db: &Db, id: RecipientId, actor: &str) -> Result<Recipient> {
    let actor = actor.to_owned();
    db.write(move |tx| {
        Box::pin(async move {
            let before = recipient(tx, id).await?;
            if before.retired_ms.is_some() {
                return Ok(before);
            }
            let mut after = before.clone();
            after.retired_ms = Some(tx.now_ms());
            after.version += 1;
            keep(tx, Some(&before), &after, &actor).await?;
            Ok(after)
        })
    })
    .await
}

fn filled(id: RecipientId, version: i64, edit: RecipientEdit) -> Recipient {
    let trimmed = |(channel, address): (String, String)| (channel, address.trim().to_owned());
    let addresses = edit.addresses.into_iter().map(trimmed);
    Recipient {
        id,
        name: edit.name.trim().to_owned(),
        shared: edit.shared,
        user: edit.user,
        lang: edit.lang,
        zone: edit.zone,
        enabled: edit.enabled,
        addresses: addresses
            .filter(|(_, address)| !address.is_empty())
            .collect(),
        rules: edit.rules,
        retired_ms: None,
        version,
    }
}

async fn keep(
    tx: &mut Tx,
    before: Option<&Recipient>,
    after: &Recipient,
    actor: &str,
) -> Result<()> {
    store::recipient::save(tx, after).await?;
    let change = Change {
        actor,
        object_kind: "recipient",
        object_id: after.id.to_string(),
        before: before.map(shown),
        after: Some(shown(after)),
        why: "",
    };
    tx.record_change(change).await?;
    Ok(())
}

fn shown(one: &Recipient) -> serde_json::Value {
    json!({
        "name": one.name,
        "shared": one.shared,
        "user": one.user,
        "lang": one.lang,
        "zone": one.zone,
        "enabled": one.enabled,
        "addresses": one.addresses,
        "rules": one.rules,
        "retired_ms": one.retired_ms,
        "version": one.version,
    })
}

/// One recipient, retired or not.
///
/// # Errors
/// When there is none with this id.
pub async fn recipient(from: &mut impl Query, id: RecipientId) -> Result<Recipient> {
    store::recipient::one(from, id).await
}

/// Everybody who is not retired.
///
/// # Errors
/// When the store fails.
pub async fn recipients(from: &mut impl Query) -> Result<Vec<Recipient>> {
    Ok(store::recipient::current(from).await?)
}
