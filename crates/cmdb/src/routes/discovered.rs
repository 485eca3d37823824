//! Discovered things of a host: list, ignore.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ApiError, Ctx, Json, Page};

use super::hosts::find;
use crate::{Cmdb, Ignore};

/// A discovered thing.
#[derive(Serialize, ToSchema)]
pub(crate) struct DiscoveredBody {
    /// `filesystem`, `interface`, `listener`, `unit`.
    kind: String,
    /// Its key within the host.
    key: String,
    /// What to call it.
    title: String,
    /// What else is known.
    attributes: BTreeMap<String, String>,
    /// UTC milliseconds.
    first_seen_ms: i64,
    /// UTC milliseconds.
    last_seen_ms: i64,
    /// Who ignores it; null when nobody.
    ignored_by: Option<String>,
    /// Why.
    ignored_why: Option<String>,
    /// Until when; null is without end.
    ignored_until_ms: Option<i64>,
}

/// Which thing is to be ignored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IgnoreBody {
    /// Its kind.
    kind: String,
    /// Its key.
    key: String,
    /// False takes it back.
    ignored: bool,
    /// The reason; required to ignore.
    #[serde(default)]
    why: String,
    /// Until when, UTC milliseconds; null is without end.
    until_ms: Option<i64>,
}

pub(crate) async fn list(
    State(cmdb): State<Cmdb>,
    Path(id): Path<String>,
) -> Result<Json<Page<DiscoveredBody>>, ApiError> {
    let host = find(&cmdb, &id).await?;
    let items = cmdb
        .discovered(Some(host.id))
        .await?
        .into_iter()
        .map(|thing| DiscoveredBody {
            kind: thing.seen.kind,
            key: thing.seen.key,
            title: thing.seen.title,
            attributes: thing.seen.attributes,
            first_seen_ms: thing.first_seen_ms,
            last_seen_ms: thing.last_seen_ms,
            ignored_until_ms: thing.ignored.as_ref().and_then(|ignore| ignore.until_ms),
            ignored_why: thing.ignored.as_ref().map(|ignore| ignore.why.clone()),
            ignored_by: thing.ignored.map(|ignore| ignore.by),
        });
    Ok(Json(Page {
        items: items.collect(),
        next: None,
    }))
}

pub(crate) async fn ignore(
    ctx: Ctx,
    State(cmdb): State<Cmdb>,
    Path(id): Path<String>,
    Json(body): Json<IgnoreBody>,
) -> Result<StatusCode, ApiError> {
    let host = find(&cmdb, &id).await?;
    let ignore = body.ignored.then(|| Ignore {
        by: ctx.who().to_owned(),
        why: body.why,
        until_ms: body.until_ms,
    });
    cmdb.ignore(host.id, &body.kind, &body.key, ignore).await?;
    Ok(StatusCode::NO_CONTENT)
}
