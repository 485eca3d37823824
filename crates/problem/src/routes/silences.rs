//! Silences: list, make, edit, end early.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use db::Db;
use model::SilenceId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ApiError, Ctx, Etag, Json, Page, Query};

use super::maintenances::{PastQuery, selector};
use super::refusal::refusal;
use crate::model::Silence;
use crate::service::{self, SilenceEdit};

/// What a person says of a silence.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SilenceEditBody {
    /// Which problems, by the host's labels and by `host`, `rule`, `group`, `kind`, `key` and
    /// `severity`, e.g. `{host="web01",key="/var"}`.
    selector: String,
    /// Who answers for it; whoever makes it unless somebody else is named.
    owner: Option<String>,
    /// Why.
    reason: String,
    /// Begin, UTC milliseconds; now when left out.
    from_ms: Option<i64>,
    /// End, UTC milliseconds; every silence ends.
    to_ms: i64,
}

/// A silence.
#[derive(Serialize, ToSchema)]
pub(crate) struct SilenceBody {
    /// Its id, `sil_…`.
    id: String,
    /// Its number as people say it, `S-3`.
    number: String,
    /// Which problems.
    selector: String,
    /// Who answers for it.
    owner: String,
    /// Why.
    reason: String,
    /// UTC milliseconds.
    from_ms: i64,
    /// UTC milliseconds.
    to_ms: i64,
    /// `planned`, `running`, `over` or `cancelled`.
    state: &'static str,
    /// When it was ended early, UTC milliseconds.
    cancelled_ms: Option<i64>,
    /// The version; also the `ETag`.
    version: i64,
}

impl SilenceEditBody {
    fn edit(self, ctx: &Ctx) -> Result<SilenceEdit, ApiError> {
        Ok(SilenceEdit {
            selector: selector(&self.selector, "selector")?,
            owner: self.owner.unwrap_or_else(|| ctx.who().to_owned()),
            reason: self.reason,
            from_ms: self.from_ms.unwrap_or_else(|| ctx.now_ms()),
            to_ms: self.to_ms,
        })
    }
}

impl SilenceBody {
    fn new(one: Silence, now_ms: i64) -> Self {
        let state = match one.cancelled_ms {
            Some(_) => "cancelled",
            None if one.to_ms <= now_ms => "over",
            None if one.from_ms <= now_ms => "running",
            None => "planned",
        };
        Self {
            id: one.id.to_string(),
            number: one.label(),
            selector: one.selector.to_string(),
            owner: one.owner,
            reason: one.reason,
            from_ms: one.from_ms,
            to_ms: one.to_ms,
            state,
            cancelled_ms: one.cancelled_ms,
            version: one.version,
        }
    }
}

pub(crate) async fn list(
    ctx: Ctx,
    State(db): State<Db>,
    Query(query): Query<PastQuery>,
) -> Result<Json<Page<SilenceBody>>, ApiError> {
    let now_ms = ctx.now_ms();
    let found = service::silences(&mut db.reader(), query.past, now_ms).await;
    let found = found.map_err(refusal(ctx.lang))?.into_iter();
    Ok(Json(Page::whole(
        found.map(|one| SilenceBody::new(one, now_ms)),
    )))
}

pub(crate) async fn create(
    ctx: Ctx,
    State(db): State<Db>,
    Json(body): Json<SilenceEditBody>,
) -> Result<Response, ApiError> {
    let made = service::create_silence(&db, body.edit(&ctx)?, ctx.who()).await;
    let made = made.map_err(refusal(ctx.lang))?;
    Ok((StatusCode::CREATED, answer(&ctx, made)).into_response())
}

pub(crate) async fn get(
    ctx: Ctx,
    State(db): State<Db>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let found = service::silence(&mut db.reader(), id_of(&id)?).await;
    Ok(answer(&ctx, found.map_err(refusal(ctx.lang))?))
}

pub(crate) async fn change(
    ctx: Ctx,
    State(db): State<Db>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<SilenceEditBody>,
) -> Result<Response, ApiError> {
    let id = id_of(&id)?;
    let before = service::silence(&mut db.reader(), id).await;
    let before = before.map_err(refusal(ctx.lang))?;
    let version = Etag::required(&headers)?.map_or(before.version, |seen| seen.0);
    let edit = SilenceEdit {
        // An edit that leaves the begin out keeps it: it must not move a running silence.
        from_ms: body.from_ms.unwrap_or(before.from_ms),
        ..body.edit(&ctx)?
    };
    let changed = service::edit_silence(&db, id, version, edit, ctx.who()).await;
    Ok(answer(&ctx, changed.map_err(refusal(ctx.lang))?))
}

pub(crate) async fn end(
    ctx: Ctx,
    State(db): State<Db>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let ended = service::end_silence(&db, id_of(&id)?, ctx.who()).await;
    Ok(answer(&ctx, ended.map_err(refusal(ctx.lang))?))
}

fn answer(ctx: &Ctx, one: Silence) -> Response {
    Etag(one.version).on(SilenceBody::new(one, ctx.now_ms()))
}

fn id_of(text: &str) -> Result<SilenceId, ApiError> {
    web::path_id(text, "this silence")
}
