//! Channels: list, make, edit, retire, test, health; secrets go in and never come out.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use model::{ChannelId, Lang};
use notify::Settings;
use serde::{Deserialize, Serialize};
use serde_json::json;
use ui::FieldKind;
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, AuditDetail, Ctx, Etag, FieldError, Json, Page, Query};

use super::Api;
use super::refusal::{refusal, settings_refusal};
use crate::model::{Channel, Health, PER_MINUTE_DEFAULT};
use crate::service::{self, ChannelEdit};

/// The zone of times in a test message when the account has none.
const ZONE: &str = "Asia/Seoul";

/// Which channels.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelQuery {
    /// Also the retired.
    #[serde(default)]
    retired: bool,
}

const fn yes() -> bool {
    true
}

const fn per_minute() -> i64 {
    PER_MINUTE_DEFAULT
}

/// A new channel.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewChannelBody {
    /// Its kind, e.g. `mail`.
    kind: String,
    /// What it is called.
    name: String,
    /// Whether it is used; yes when left out.
    #[serde(default = "yes")]
    enabled: bool,
    /// Its settings by key, secrets among them.
    #[serde(default)]
    settings: BTreeMap<String, String>,
    /// The channel that takes over when it fails, `chn_…`.
    fallback: Option<String>,
    /// Notices a minute to one recipient; what is more becomes a digest.
    #[serde(default = "per_minute")]
    per_minute: i64,
}

/// A channel as somebody edits it; its kind stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelEditBody {
    /// What it is called.
    name: String,
    /// Whether it is used.
    enabled: bool,
    /// All its settings by key; secrets that are left out stay as they are.
    settings: BTreeMap<String, String>,
    /// The channel that takes over when it fails, `chn_…`.
    fallback: Option<String>,
    /// Notices a minute to one recipient; what is more becomes a digest.
    #[serde(default = "per_minute")]
    per_minute: i64,
}

/// Where a test message goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestBody {
    /// The address; may be empty where the channel allows it.
    #[serde(default)]
    address: String,
    /// `ko` or `en`; the caller's own when left out.
    lang: Option<String>,
}

/// How a channel does.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthBody {
    /// The channel, `chn_…`.
    channel: String,
    /// `good`, `failing` or `unused`.
    state: &'static str,
    /// When something last arrived, UTC milliseconds; null for never.
    last_ok_ms: Option<i64>,
    /// When something last failed, UTC milliseconds; null for never.
    last_fail_ms: Option<i64>,
    /// Since when nothing arrives, UTC milliseconds; null while it works.
    failing_since_ms: Option<i64>,
    /// How many sends failed in a row.
    failures: i64,
    /// What the last failure said.
    last_error: String,
}

/// A channel, without its secrets.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChannelBody {
    /// Its id, `chn_…`.
    id: String,
    /// Its kind, e.g. `mail`.
    kind: String,
    /// What it is called.
    name: String,
    /// Whether it is used.
    enabled: bool,
    /// Its settings by key, without secrets.
    settings: BTreeMap<String, String>,
    /// The secrets that are set, by key.
    secrets: Vec<String>,
    /// The channel that takes over when it fails.
    fallback: Option<String>,
    /// Notices a minute to one recipient.
    per_minute: i64,
    /// How it does.
    health: HealthBody,
    /// UTC milliseconds; null while it is used.
    retired_ms: Option<i64>,
    /// The version; also the `ETag`.
    version: i64,
}

impl From<Health> for HealthBody {
    fn from(health: Health) -> Self {
        let given = |ms: i64| (ms > 0).then_some(ms);
        let state = match (health.failures, health.last_ok_ms) {
            (1.., _) => "failing",
            (_, 0) => "unused",
            _ => "good",
        };
        Self {
            channel: health.channel.to_string(),
            state,
            last_ok_ms: given(health.last_ok_ms),
            last_fail_ms: given(health.last_fail_ms),
            failing_since_ms: given(health.failing_since_ms),
            failures: health.failures,
            last_error: health.last_error,
        }
    }
}

impl ChannelBody {
    fn new(channel: Channel, health: Health) -> Self {
        let fields = notify::by_kind(&channel.kind).map(|kind| kind.fields());
        let fields = fields.unwrap_or_default();
        let settings = channel.settings.visible(&fields);
        let secrets = fields.into_iter().filter(|field| {
            field.kind == FieldKind::Secret && !channel.settings.get(&field.key).is_empty()
        });
        Self {
            id: channel.id.to_string(),
            settings,
            secrets: secrets.map(|field| field.key.into_owned()).collect(),
            fallback: channel.fallback.map(|id| id.to_string()),
            per_minute: channel.per_minute,
            health: health.into(),
            retired_ms: channel.retired_ms,
            version: channel.version,
            enabled: channel.enabled,
            kind: channel.kind,
            name: channel.name,
        }
    }
}

/// Settings of a kind; unknown keys are refused, for a slip must not leave a setting at its default.
fn known(kind: &str, settings: BTreeMap<String, String>) -> Result<Settings, ApiError> {
    let Some(channel) = notify::by_kind(kind) else {
        // The service says so, in the caller's language.
        return Ok(Settings::new(settings));
    };
    let fields = channel.fields();
    let unknown = settings
        .keys()
        .filter(|key| !fields.iter().any(|field| field.key == key.as_str()));
    let wrong = unknown.map(|key| FieldError {
        field: format!("settings.{key}"),
        message: format!("`{kind}` has no such setting: see /api/v1/channel-types"),
    });
    let wrong: Vec<FieldError> = wrong.collect();
    if wrong.is_empty() {
        Ok(Settings::new(settings))
    } else {
        Err(ApiError::invalid(wrong))
    }
}

pub(crate) async fn list(
    ctx: Ctx,
    State(api): State<Api>,
    Query(query): Query<ChannelQuery>,
) -> Result<Json<Page<ChannelBody>>, ApiError> {
    let mut reader = api.db.reader();
    let mut channels = service::channels(&mut reader, &api.context)
        .await
        .map_err(refusal(ctx.lang))?;
    channels.retain(|channel| query.retired || channel.retired_ms.is_none());
    let health = service::health(&mut reader).await;
    let mut health: BTreeMap<ChannelId, Health> = health
        .map_err(refusal(ctx.lang))?
        .into_iter()
        .map(|health| (health.channel, health))
        .collect();
    Ok(Json(Page::whole(channels.into_iter().map(|channel| {
        let does = health.remove(&channel.id);
        let does = does.unwrap_or_else(|| Health::unknown(channel.id));
        ChannelBody::new(channel, does)
    }))))
}

pub(crate) async fn create(
    ctx: Ctx,
    State(api): State<Api>,
    Json(body): Json<NewChannelBody>,
) -> Result<Response, ApiError> {
    let edit = ChannelEdit {
        name: body.name,
        enabled: body.enabled,
        settings: known(&body.kind, body.settings)?,
        fallback: web::optional_field(body.fallback.as_deref(), "fallback")?,
        per_minute: body.per_minute,
    };
    let made = service::create_channel(&api.db, &api.context, &body.kind, edit, ctx.who()).await;
    let made = made.map_err(settings_refusal(ctx.lang, &body.kind))?;
    let detail = json!({"kind": made.kind, "name": made.name});
    let answer = answer(&ctx, &api, made).await?;
    Ok((StatusCode::CREATED, Extension(AuditDetail(detail)), answer).into_response())
}

pub(crate) async fn get(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let channel = one(&ctx, &api, id_of(&id)?).await?;
    answer(&ctx, &api, channel).await
}

pub(crate) async fn change(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<ChannelEditBody>,
) -> Result<Response, ApiError> {
    let before = one(&ctx, &api, id_of(&id)?).await?;
    let version = Etag::required(&headers)?.map_or(before.version, |seen| seen.0);
    let edit = ChannelEdit {
        name: body.name,
        enabled: body.enabled,
        settings: known(&before.kind, body.settings)?,
        fallback: web::optional_field(body.fallback.as_deref(), "fallback")?,
        per_minute: body.per_minute,
    };
    let seen = (before.id, version);
    let changed = service::edit_channel(&api.db, &api.context, seen, edit, ctx.who()).await;
    let changed = changed.map_err(settings_refusal(ctx.lang, &before.kind))?;
    answer(&ctx, &api, changed).await
}

pub(crate) async fn retire(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let retired = service::retire_channel(&api.db, &api.context, id_of(&id)?, ctx.who());
    retired.await.map_err(refusal(ctx.lang))?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn test(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(body): Json<TestBody>,
) -> Result<StatusCode, ApiError> {
    let lang = match body.lang.as_deref() {
        None => ctx.lang,
        Some(code) => Lang::from_code(code)
            .ok_or_else(|| ApiError::invalid_field("lang", format!("`{code}`: use ko or en")))?,
    };
    let own = ctx
        .actor
        .as_ref()
        .and_then(|actor| actor.time_zone.as_deref());
    let to = (body.address.trim(), lang, own.unwrap_or(ZONE));
    let sent = service::test_send(&api.db, &api.context, id_of(&id)?, to);
    sent.await.map_err(refusal(ctx.lang))?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn health(
    ctx: Ctx,
    State(api): State<Api>,
) -> Result<Json<Page<HealthBody>>, ApiError> {
    let all = service::health(&mut api.db.reader()).await;
    let all = all.map_err(refusal(ctx.lang))?.into_iter();
    Ok(Json(Page::whole(all.map(HealthBody::from))))
}

async fn one(ctx: &Ctx, api: &Api, id: ChannelId) -> Result<Channel, ApiError> {
    let found = service::channel(&mut api.db.reader(), &api.context, id).await;
    found.map_err(refusal(ctx.lang))
}

async fn answer(ctx: &Ctx, api: &Api, channel: Channel) -> Result<Response, ApiError> {
    let all = service::health(&mut api.db.reader()).await;
    let mut all = all.map_err(refusal(ctx.lang))?.into_iter();
    let does = all.find(|health| health.channel == channel.id);
    let does = does.unwrap_or_else(|| Health::unknown(channel.id));
    Ok(Etag(channel.version).on(ChannelBody::new(channel, does)))
}

fn id_of(text: &str) -> Result<ChannelId, ApiError> {
    web::path_id(text, "this channel")
}
