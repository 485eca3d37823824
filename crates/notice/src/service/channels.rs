//! Channels: made, edited, retired; their secrets never come back.

use std::collections::BTreeMap;

use db::{Change, Db, Query, Tx};
use model::ChannelId;
use notify::Settings;
use serde_json::json;

use crate::Context;
use crate::error::{NoticeError, Result};
use crate::model::{Channel, Health};
use crate::store;

/// What a person says of a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelEdit {
    /// What it is called.
    pub name: String,
    /// Whether it is used.
    pub enabled: bool,
    /// Its settings; secrets left empty stay as they are.
    pub settings: Settings,
    /// The channel that takes over when it fails.
    pub fallback: Option<ChannelId>,
    /// Notices a minute to one recipient; what is more becomes a digest.
    pub per_minute: i64,
}

/// Characters of a name.
pub(super) const NAME_CHARS_MAX: usize = 100;

pub(super) fn field(field: &'static str, reason: &'static str) -> NoticeError {
    NoticeError::Field { field, reason }
}

pub(super) fn check_name(name: &str) -> Result<()> {
    let fits = (1..=NAME_CHARS_MAX).contains(&name.trim().chars().count());
    if fits {
        Ok(())
    } else {
        Err(field("name", "notice.check.name"))
    }
}

fn kind_of(kind: &str) -> Result<&'static dyn notify::Channel> {
    notify::by_kind(kind).ok_or_else(|| field("kind", "notice.check.kind"))
}

fn check(channel: &Channel) -> Result<()> {
    check_name(&channel.name)?;
    if !(1..=1_000).contains(&channel.per_minute) {
        return Err(field("per_minute", "notice.check.per_minute"));
    }
    if channel.fallback == Some(channel.id) {
        return Err(field("fallback", "notice.check.fallback"));
    }
    let wrong = kind_of(&channel.kind)?.check(&channel.settings).err();
    let first = wrong.into_iter().flatten().next();
    first.map_or(Ok(()), |error| Err(field(error.field, error.reason)))
}

/// Makes a channel of this kind.
///
/// # Errors
/// When a field is wrong or the store fails.
pub async fn create_channel(
    db: &Db,
    context: &Context,
    kind: &str,
    edit: ChannelEdit,
    actor: &str,
) -> Result<Channel> {
    let fields = kind_of(kind)?.fields();
    let (kind, actor, context) = (kind.to_owned(), actor.to_owned(), context.clone());
    db.write(move |tx| {
        Box::pin(async move {
            let channel = Channel {
                id: ChannelId::from_bits(tx.new_bits()),
                kind,
                name: edit.name.trim().to_owned(),
                enabled: edit.enabled,
                settings: Settings::default().updated(&fields, &edit.settings),
                fallback: edit.fallback,
                per_minute: edit.per_minute,
                retired_ms: None,
                version: 1,
            };
            keep(tx, &context, None, &channel, &actor).await?;
            Ok(channel)
        })
    })
    .await
}

/// Edits a channel of which the editor saw `version`.
///
/// # Errors
/// When somebody else was faster, a field is wrong or the store fails.
pub async fn edit_channel(
    db: &Db,
    context: &Context,
    (id, version): (ChannelId, i64),
    edit: ChannelEdit,
    actor: &str,
) -> Result<Channel> {
    let (actor, context) = (actor.to_owned(), context.clone());
    db.write(move |tx| {
        Box::pin(async move {
            let before = channel(tx, &context, id).await?;
            if before.version != version {
                return Err(NoticeError::Version {
                    now: before.version,
                    of: version,
                });
            }
            let fields = kind_of(&before.kind)?.fields();
            let after = Channel {
                name: edit.name.trim().to_owned(),
                enabled: edit.enabled,
                settings: before.settings.updated(&fields, &edit.settings),
                fallback: edit.fallback,
                per_minute: edit.per_minute,
                version: version + 1,
                ..before.clone()
            };
            keep(tx, &context, Some(&before), &after, &actor).await?;
            Ok(after)
        })
    })
    .await
}

/// Retires a channel: nothing new is sent on it, its ledger stays.
///
/// # Errors
/// When there is none, or the store fails.
pub async fn retire_channel(
    db: &Db,
    context: &Context,
    id: ChannelId,
    actor: &str,
) -> Result<Channel> {
    let (actor, context) = (actor.to_owned(), context.clone());
    db.write(move |tx| {
        Box::pin(async move {
            let before = channel(tx, &context, id).await?;
            if before.retired_ms.is_some() {
                return Ok(before);
            }
            let mut after = before.clone();
            after.retired_ms = Some(tx.now_ms());
            after.version += 1;
            store::channel::save(tx, &context.sealer, &after).await?;
            record(tx, Some(&before), &after, &actor).await?;
            Ok(after)
        })
    })
    .await
}

async fn keep(
    tx: &mut Tx,
    context: &Context,
    before: Option<&Channel>,
    after: &Channel,
    actor: &str,
) -> Result<()> {
    check(after)?;
    if let Some(fallback) = after.fallback {
        channel(tx, context, fallback)
            .await
            .map_err(|_| field("fallback", "notice.check.fallback"))?;
    }
    store::channel::save(tx, &context.sealer, after).await?;
    record(tx, before, after, actor).await
}

/// The change row shows what the API shows: no secret, but that there was an edit.
async fn record(tx: &mut Tx, before: Option<&Channel>, after: &Channel, actor: &str) -> Result<()> {
    let change = Change {
        actor,
        object_kind: "channel",
        object_id: after.id.to_string(),
        before: before.map(shown),
        after: Some(shown(after)),
        why: "",
    };
    tx.record_change(change).await?;
    tx.hint(crate::CHANNELS);
    Ok(())
}

fn shown(channel: &Channel) -> serde_json::Value {
    json!({
        "kind": channel.kind,
        "name": channel.name,
        "enabled": channel.enabled,
        "settings": visible_settings(channel),
        "fallback": channel.fallback,
        "per_minute": channel.per_minute,
        "retired_ms": channel.retired_ms,
        "version": channel.version,
    })
}

/// The settings without secrets, for forms and the API.
#[must_use]
pub(crate) fn visible_settings(channel: &Channel) -> BTreeMap<String, String> {
    let fields = notify::by_kind(&channel.kind)
        .map(|kind| kind.fields())
        .unwrap_or_default();
    channel.settings.visible(&fields)
}

/// One channel, its settings opened.
///
/// # Errors
/// When there is none with this id, or its settings cannot be opened.
pub async fn channel(from: &mut impl Query, context: &Context, id: ChannelId) -> Result<Channel> {
    store::channel::one(from, &context.sealer, id).await
}

/// All channels by name, the retired ones too.
///
/// # Errors
/// When the store fails or settings cannot be opened.
pub async fn channels(from: &mut impl Query, context: &Context) -> Result<Vec<Channel>> {
    store::channel::all(from, &context.sealer).await
}

/// The channels that lanes serve: all of them, because a retired or disabled one may still owe a
/// decision on what waits there.
///
/// # Errors
/// When the store fails.
pub async fn lanes(from: &mut impl Query) -> Result<Vec<ChannelId>> {
    let channels = store::channel::outlines(from).await?;
    Ok(channels.into_iter().map(|channel| channel.id).collect())
}

/// How every channel does that was ever used.
///
/// # Errors
/// When the store fails.
pub async fn health(from: &mut impl Query) -> Result<Vec<Health>> {
    Ok(store::health::all(from).await?)
}
