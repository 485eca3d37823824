//! Overrides: list, make for many, edit, take back.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use judge::Values;
use model::OverrideId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Ctx, Etag, Json, Page, Query};

use super::Api;
use super::refusal::refusal;
use super::rules::{ChangedBody, Reason, by, find};
use super::whom::{WhomBody, all, one_of};
use crate::{Override, OverrideEdit, OverrideFilter};

/// Which overrides.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OverrideQuery {
    /// Of this rule, by id or key.
    rule: Option<String>,
    /// Of this host, `ci_…`.
    host: Option<String>,
    /// Of this group, `grp_…`.
    group: Option<String>,
    /// Also those that ended.
    ended: bool,
    /// The cursor of the page before.
    cursor: Option<String>,
    /// Rows of a page, at most 500.
    limit: Option<usize>,
}

/// Other values of a rule for hosts or groups.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOverrideBody {
    /// The rule, by id or key.
    rule: String,
    /// For whom; one override is made for each.
    #[serde(rename = "for")]
    whom: Vec<WhomBody>,
    /// Only this target, e.g. `/var`.
    target_key: Option<String>,
    /// What changes; `{"enabled": false}` mutes.
    #[schema(value_type = Object)]
    values: Values,
    /// When it ends by itself, UTC milliseconds.
    until_ms: Option<i64>,
    /// Why; required.
    #[serde(default)]
    why: String,
}

/// An override as somebody edits it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideEditBody {
    /// The rule, by id or key.
    rule: String,
    /// For whom.
    #[serde(rename = "for")]
    whom: WhomBody,
    /// Only this target, e.g. `/var`.
    target_key: Option<String>,
    /// What changes.
    #[schema(value_type = Object)]
    values: Values,
    /// When it ends by itself, UTC milliseconds.
    until_ms: Option<i64>,
    /// Why; required.
    #[serde(default)]
    why: String,
}

/// An action on many overrides.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideActionBody {
    /// Which.
    ids: Vec<String>,
    /// `end`.
    #[serde(rename = "do")]
    what: String,
    /// The reason.
    #[serde(default)]
    why: String,
}

/// An override.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverrideBody {
    /// Its id, `ovr_…`.
    id: String,
    /// The rule, `rul_…`.
    rule: String,
    /// For whom.
    #[serde(rename = "for")]
    whom: WhomBody,
    /// Only this target; null for all.
    target_key: Option<String>,
    /// What changes.
    #[schema(value_type = Object)]
    values: Values,
    /// Why.
    why: String,
    /// Who made or last changed it.
    by: String,
    /// When it ends by itself, UTC milliseconds.
    until_ms: Option<i64>,
    /// UTC milliseconds.
    created_ms: i64,
    /// When it ended, UTC milliseconds; null while in force.
    ended_ms: Option<i64>,
    /// The version; also the `ETag`.
    version: i64,
}

impl From<Override> for OverrideBody {
    fn from(one: Override) -> Self {
        Self {
            id: one.id.to_string(),
            rule: one.rule.to_string(),
            whom: one.whom.into(),
            target_key: one.target_key,
            values: one.values,
            why: one.why,
            by: one.by,
            until_ms: one.until_ms,
            created_ms: one.created_ms,
            ended_ms: one.ended_ms,
            version: one.version,
        }
    }
}

pub(crate) async fn list(
    State(api): State<Api>,
    Query(query): Query<OverrideQuery>,
) -> Result<Json<Page<OverrideBody>>, ApiError> {
    let limit = web::page_rows(query.limit);
    let rule = match &query.rule {
        Some(rule) => Some(find(&api, rule).await?.id),
        None => None,
    };
    let filter = OverrideFilter {
        rule,
        whom: one_of(query.host.as_deref(), query.group.as_deref())?,
        ended: query.ended,
        after: web::optional_field(query.cursor.as_deref(), "cursor")?,
        limit: limit + 1,
    };
    let rows = api.watch.overrides(&filter).await?;
    let cursor = |one: &Override| one.id.to_string();
    Ok(Json(Page::cut(rows, limit, cursor, OverrideBody::from)))
}

pub(crate) async fn create(
    ctx: Ctx,
    State(api): State<Api>,
    Json(body): Json<NewOverrideBody>,
) -> Result<Response, ApiError> {
    let rule = find(&api, &body.rule).await?.id;
    let edits = all(&body.whom)?.into_iter().map(|whom| OverrideEdit {
        rule,
        whom,
        target_key: body.target_key.clone(),
        values: body.values.clone(),
        until_ms: body.until_ms,
    });
    let made = api
        .watch
        .create_overrides(edits.collect(), by(&ctx, &body.why));
    let made = made.await.map_err(refusal)?.into_iter();
    let page = Page::whole(made.map(OverrideBody::from));
    Ok((StatusCode::CREATED, Json(page)).into_response())
}

pub(crate) async fn get(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(answer(api.watch.override_by_id(id_of(&id)?).await?))
}

pub(crate) async fn change(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<OverrideEditBody>,
) -> Result<Response, ApiError> {
    let seen = Etag::required(&headers)?.map(|etag| etag.0);
    let edit = OverrideEdit {
        rule: find(&api, &body.rule).await?.id,
        whom: body.whom.whom("for")?,
        target_key: body.target_key,
        values: body.values,
        until_ms: body.until_ms,
    };
    let changed = api
        .watch
        .update_override((id_of(&id)?, seen), edit, by(&ctx, &body.why));
    Ok(answer(changed.await.map_err(refusal)?))
}

pub(crate) async fn end(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(reason): Query<Reason>,
) -> Result<StatusCode, ApiError> {
    let id = id_of(&id)?;
    api.watch
        .end_overrides(&[id], by(&ctx, &reason.why))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn many(
    ctx: Ctx,
    State(api): State<Api>,
    Json(body): Json<OverrideActionBody>,
) -> Result<Json<ChangedBody>, ApiError> {
    if body.what != "end" {
        let message = format!("`{}`: use end", body.what);
        return Err(ApiError::invalid_field("do", message));
    }
    let ids = body.ids.iter().map(|id| web::field(id, "ids"));
    let ids = ids.collect::<Result<Vec<OverrideId>, _>>()?;
    api.watch.end_overrides(&ids, by(&ctx, &body.why)).await?;
    Ok(Json(ChangedBody { changed: ids.len() }))
}

fn answer(one: Override) -> Response {
    Etag(one.version).on(OverrideBody::from(one))
}

fn id_of(text: &str) -> Result<OverrideId, ApiError> {
    web::path_id(text, "this override")
}
