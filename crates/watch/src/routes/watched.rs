//! Watched things: list, make for many, edit, switch, retire.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use model::WatchedId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Ctx, Etag, Json, Page, Query};

use super::Api;
use super::refusal::refusal;
use super::rules::{ChangedBody, Reason, by, switch};
use super::whom::{WhomBody, all, one_of};
use crate::{Watched, WatchedEdit, WatchedKind};

/// Which watched things.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WatchedQuery {
    /// Of this host, `ci_…`.
    host: Option<String>,
    /// Of this group, `grp_…`.
    group: Option<String>,
    /// `process`, `unit`, `file`, `directory` or `check`.
    kind: Option<String>,
    /// Also the retired.
    retired: bool,
}

/// What is watched, and how it is found.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "lowercase", tag = "kind")]
pub(crate) enum WhatBody {
    /// Processes whose command line fits.
    Process {
        /// A regular expression over the command line; not anchored.
        pattern: String,
        /// Only processes of this user; any when empty.
        #[serde(default)]
        user: String,
        /// At least so many must run; 1 when left out.
        #[serde(default = "one")]
        min: u32,
        /// At most so many may run; no limit when null.
        #[serde(default)]
        max: Option<u32>,
    },
    /// A unit of the service manager.
    Unit {
        /// Its name, e.g. `nginx.service`.
        unit: String,
    },
    /// A file.
    File {
        /// Its absolute path.
        path: String,
    },
    /// A directory.
    Directory {
        /// Its absolute path.
        path: String,
        /// Only entries that fit this pattern with `*` and `?`; all when empty.
        #[serde(default)]
        entries: String,
    },
    /// A check command in Nagios' form, run by the runner.
    Check {
        /// The program's absolute path.
        command: String,
        /// Its arguments.
        #[serde(default)]
        args: Vec<String>,
        /// How often, in seconds; 60 when left out.
        #[serde(default = "minute")]
        interval_s: u32,
        /// How long it may take, in seconds; 10 when left out.
        #[serde(default = "ten")]
        timeout_s: u32,
    },
}

const fn one() -> u32 {
    1
}

const fn ten() -> u32 {
    10
}

const fn minute() -> u32 {
    60
}

const fn yes() -> bool {
    true
}

/// A thing to be watched on hosts or groups.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWatchedBody {
    /// Its name, the key of its target.
    name: String,
    /// What is watched and how.
    what: WhatBody,
    /// Where; one watched thing is made for each.
    #[serde(rename = "for")]
    whom: Vec<WhomBody>,
    /// Whether it is watched now; yes when left out.
    #[serde(default = "yes")]
    enabled: bool,
    /// The reason.
    #[serde(default)]
    why: String,
}

/// A watched thing as somebody edits it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchedEditBody {
    /// Its name, the key of its target.
    name: String,
    /// What is watched and how.
    what: WhatBody,
    /// Where.
    #[serde(rename = "for")]
    whom: WhomBody,
    /// Whether it is watched now.
    enabled: bool,
    /// The reason.
    #[serde(default)]
    why: String,
}

/// An action on many watched things.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchedActionBody {
    /// Which.
    ids: Vec<String>,
    /// `enable`, `disable` or `retire`.
    #[serde(rename = "do")]
    what: String,
    /// The reason.
    #[serde(default)]
    why: String,
}

/// A watched thing.
#[derive(Serialize, ToSchema)]
pub(crate) struct WatchedBody {
    /// Its id, `wtc_…`.
    id: String,
    /// Its name.
    name: String,
    /// What is watched and how.
    what: WhatBody,
    /// Where.
    #[serde(rename = "for")]
    whom: WhomBody,
    /// Whether it is watched now.
    enabled: bool,
    /// UTC milliseconds.
    updated_ms: i64,
    /// By whom.
    updated_by: String,
    /// UTC milliseconds; null while it is kept.
    retired_ms: Option<i64>,
    /// The version; also the `ETag`.
    version: i64,
}

impl From<WhatBody> for WatchedKind {
    fn from(body: WhatBody) -> Self {
        match body {
            WhatBody::Process {
                pattern,
                user,
                min,
                max,
            } => Self::Process {
                pattern,
                user,
                min,
                max,
            },
            WhatBody::Unit { unit } => Self::Unit { unit },
            WhatBody::File { path } => Self::File { path },
            WhatBody::Directory { path, entries } => Self::Directory { path, entries },
            WhatBody::Check {
                command,
                args,
                interval_s,
                timeout_s,
            } => Self::Check {
                command,
                args,
                interval_s,
                timeout_s,
            },
        }
    }
}

impl From<WatchedKind> for WhatBody {
    fn from(kind: WatchedKind) -> Self {
        match kind {
            WatchedKind::Process {
                pattern,
                user,
                min,
                max,
            } => Self::Process {
                pattern,
                user,
                min,
                max,
            },
            WatchedKind::Unit { unit } => Self::Unit { unit },
            WatchedKind::File { path } => Self::File { path },
            WatchedKind::Directory { path, entries } => Self::Directory { path, entries },
            WatchedKind::Check {
                command,
                args,
                interval_s,
                timeout_s,
            } => Self::Check {
                command,
                args,
                interval_s,
                timeout_s,
            },
        }
    }
}

impl From<Watched> for WatchedBody {
    fn from(one: Watched) -> Self {
        Self {
            id: one.id.to_string(),
            name: one.name,
            what: one.what.into(),
            whom: one.whom.into(),
            enabled: one.enabled,
            updated_ms: one.updated_ms,
            updated_by: one.updated_by,
            retired_ms: one.retired_ms,
            version: one.version,
        }
    }
}

pub(crate) async fn list(
    State(api): State<Api>,
    Query(query): Query<WatchedQuery>,
) -> Result<Json<Page<WatchedBody>>, ApiError> {
    let whom = one_of(query.host.as_deref(), query.group.as_deref())?;
    let mut found = api.watch.watched(whom, query.retired).await?;
    if let Some(kind) = &query.kind {
        found.retain(|one| one.what.name() == kind);
    }
    let bodies = found.into_iter().map(WatchedBody::from);
    Ok(Json(Page::whole(bodies)))
}

pub(crate) async fn create(
    ctx: Ctx,
    State(api): State<Api>,
    Json(body): Json<NewWatchedBody>,
) -> Result<Response, ApiError> {
    let what = WatchedKind::from(body.what);
    let edits = all(&body.whom)?.into_iter().map(|whom| WatchedEdit {
        name: body.name.clone(),
        what: what.clone(),
        whom,
        enabled: body.enabled,
    });
    let made = api
        .watch
        .create_watched(edits.collect(), by(&ctx, &body.why));
    let made = made.await.map_err(refusal)?.into_iter();
    let page = Page::whole(made.map(WatchedBody::from));
    Ok((StatusCode::CREATED, Json(page)).into_response())
}

pub(crate) async fn get(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(answer(api.watch.watched_by_id(id_of(&id)?).await?))
}

pub(crate) async fn change(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<WatchedEditBody>,
) -> Result<Response, ApiError> {
    let seen = Etag::required(&headers)?.map(|etag| etag.0);
    let edit = WatchedEdit {
        name: body.name,
        what: body.what.into(),
        whom: body.whom.whom("for")?,
        enabled: body.enabled,
    };
    let changed = api
        .watch
        .update_watched((id_of(&id)?, seen), edit, by(&ctx, &body.why));
    Ok(answer(changed.await.map_err(refusal)?))
}

pub(crate) async fn retire(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(reason): Query<Reason>,
) -> Result<StatusCode, ApiError> {
    let id = id_of(&id)?;
    api.watch
        .retire_watched(&[id], by(&ctx, &reason.why))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn many(
    ctx: Ctx,
    State(api): State<Api>,
    Json(body): Json<WatchedActionBody>,
) -> Result<Json<ChangedBody>, ApiError> {
    let ids = body.ids.iter().map(|id| web::field(id, "ids"));
    let ids = ids.collect::<Result<Vec<WatchedId>, _>>()?;
    let by = by(&ctx, &body.why);
    let changed = if body.what == "retire" {
        api.watch.retire_watched(&ids, by).await?;
        ids.len()
    } else {
        let enabled = switch(&body.what)?;
        api.watch.enable_watched(&ids, enabled, by).await?
    };
    Ok(Json(ChangedBody { changed }))
}

fn answer(one: Watched) -> Response {
    Etag(one.version).on(WatchedBody::from(one))
}

fn id_of(text: &str) -> Result<WatchedId, ApiError> {
    web::path_id(text, "this watched thing")
}
