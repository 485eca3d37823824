//! Scripts: list, write, edit, approve, retire.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::ScriptId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ApiError, Ctx, Etag, Json, Page, Query};

use crate::{Mode, Remedies, Script, ScriptDraft};

/// What a person writes of a script; times as `90s`, `5m`, `1h`.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftBody {
    /// Its name.
    name: String,
    /// What it does and when it helps.
    #[serde(default)]
    help: String,
    /// The script itself, beginning with `#!`.
    body: String,
    /// A script that must exit 0 first.
    #[serde(default)]
    precondition: String,
    /// As whom it runs; empty is the runner's unprivileged default.
    #[serde(default)]
    run_as: String,
    /// How long it may take, in milliseconds.
    time_limit_ms: u64,
    /// At most so many runs on one host …
    max_runs: u32,
    /// … within this time, in milliseconds.
    window_ms: u64,
    /// Never two on one host within this time, in milliseconds.
    cooldown_ms: u64,
    /// Within which time the condition must clear, in milliseconds.
    verify_ms: u64,
    /// `automatic` or `off`.
    mode: String,
}

/// A script.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScriptBody {
    /// Its id, `scr_…`.
    id: String,
    /// What was written.
    #[serde(flatten)]
    draft: DraftBody,
    /// The hash that hosts put on their allow-list.
    hash: String,
    /// Its version; also the `ETag`.
    version: i64,
    /// Whether exactly this version is approved.
    approved: bool,
    /// Who approved a version last.
    approved_by: String,
    /// When, UTC milliseconds.
    approved_ms: Option<i64>,
    /// Who edited it last.
    changed_by: String,
}

/// Which version is approved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproveBody {
    /// The version that was read and understood.
    version: i64,
}

/// Why a script is retired.
#[derive(Deserialize)]
pub(crate) struct Reason {
    /// The reason.
    #[serde(default)]
    why: String,
}

impl From<Script> for ScriptBody {
    fn from(script: Script) -> Self {
        let (hash, approved) = (script.hash(), script.is_approved());
        let draft = script.draft;
        Self {
            id: script.id.to_string(),
            hash,
            version: script.version,
            approved,
            approved_by: script.approved_by,
            approved_ms: script.approved_ms,
            changed_by: script.changed_by,
            draft: DraftBody {
                name: draft.name,
                help: draft.help,
                body: draft.body,
                precondition: draft.precondition,
                run_as: draft.run_as,
                time_limit_ms: draft.time_limit_ms,
                max_runs: draft.max_runs,
                window_ms: draft.window_ms,
                cooldown_ms: draft.cooldown_ms,
                verify_ms: draft.verify_ms,
                mode: draft.mode.name().to_owned(),
            },
        }
    }
}

fn draft(body: DraftBody) -> Result<ScriptDraft, ApiError> {
    let mode = Mode::from_name(&body.mode).ok_or_else(|| {
        ApiError::invalid_field("mode", format!("`{}`: use automatic or off", body.mode))
    })?;
    Ok(ScriptDraft {
        name: body.name,
        help: body.help,
        body: body.body,
        precondition: body.precondition,
        run_as: body.run_as,
        time_limit_ms: body.time_limit_ms,
        max_runs: body.max_runs,
        window_ms: body.window_ms,
        cooldown_ms: body.cooldown_ms,
        verify_ms: body.verify_ms,
        mode,
    })
}

pub(crate) async fn list(
    State(remedies): State<Remedies>,
) -> Result<Json<Page<ScriptBody>>, ApiError> {
    let items = remedies
        .scripts()
        .await?
        .into_iter()
        .map(ScriptBody::from)
        .collect();
    Ok(Json(Page { items, next: None }))
}

pub(crate) async fn create(
    ctx: Ctx,
    State(remedies): State<Remedies>,
    Json(body): Json<DraftBody>,
) -> Result<Response, ApiError> {
    let script = remedies.create_script(draft(body)?, ctx.who()).await?;
    Ok((StatusCode::CREATED, with_etag(script)).into_response())
}

pub(crate) async fn get(
    State(remedies): State<Remedies>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(with_etag(remedies.script(script_id(&id)?).await?))
}

pub(crate) async fn change(
    ctx: Ctx,
    State(remedies): State<Remedies>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<DraftBody>,
) -> Result<Response, ApiError> {
    let seen = Etag::if_match(&headers)?.map(|etag| etag.0);
    let script = remedies
        .change_script(script_id(&id)?, seen, draft(body)?, ctx.who())
        .await?;
    Ok(with_etag(script))
}

pub(crate) async fn approve(
    ctx: Ctx,
    State(remedies): State<Remedies>,
    Path(id): Path<String>,
    Json(body): Json<ApproveBody>,
) -> Result<Response, ApiError> {
    let script = remedies
        .approve_script(script_id(&id)?, body.version, ctx.who())
        .await?;
    Ok(with_etag(script))
}

pub(crate) async fn retire(
    ctx: Ctx,
    State(remedies): State<Remedies>,
    Path(id): Path<String>,
    Query(reason): Query<Reason>,
) -> Result<StatusCode, ApiError> {
    remedies
        .retire_script(script_id(&id)?, &reason.why, ctx.who())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn with_etag(script: Script) -> Response {
    let etag = Etag(script.version).header();
    ([(header::ETAG, etag)], Json(ScriptBody::from(script))).into_response()
}

pub(crate) fn script_id(text: &str) -> Result<ScriptId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("this script"))
}
