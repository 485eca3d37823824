//! Maintenances: list, plan, edit, call off.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use db::Db;
use model::{MaintenanceId, Selector};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Ctx, Etag, Json, Page, Query};

use super::refusal::refusal;
use crate::decide::{next_windows, window_at};
use crate::model::{Days, Maintenance, Scope, When};
use crate::service::{self, MaintenanceEdit};

/// Coming windows shown of a maintenance.
const WINDOWS: usize = 3;

/// Which maintenances or silences.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PastQuery {
    /// Also those that are over or called off.
    #[serde(default)]
    pub(super) past: bool,
}

/// When a maintenance takes place.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum WhenBody {
    /// Once.
    Once {
        /// Begin, UTC milliseconds.
        from_ms: i64,
        /// End, UTC milliseconds.
        to_ms: i64,
    },
    /// Again and again, by the calendar of a time zone.
    Repeat {
        /// On which days.
        days: DaysBody,
        /// Local time of day of the begin, minutes after midnight.
        at_min: u16,
        /// Length in minutes.
        for_min: u32,
        /// The zone, an IANA name.
        zone: String,
        /// Windows that begin before are not meant, UTC milliseconds.
        from_ms: i64,
        /// Windows that begin at or after are not meant, UTC milliseconds; every recurrence ends.
        until_ms: i64,
    },
}

/// The days of a recurring maintenance.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DaysBody {
    /// Every day.
    Daily,
    /// On these days of the week: 1 Monday … 7 Sunday.
    Weekly(Vec<u8>),
    /// On this day of the month; 29–31 mean the last day of shorter months.
    Monthly(u8),
    /// On the nth (1–4, or 5 for the last) weekday (1 Monday … 7 Sunday) of the month.
    MonthlyNth(u8, u8),
}

/// What a maintenance covers; any host part, and one of the rules when some are named.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ScopeBody {
    /// Everything; must be said outright.
    everything: bool,
    /// These hosts, `ci_…`.
    hosts: Vec<String>,
    /// Hosts of these groups, by name.
    groups: Vec<String>,
    /// Hosts whose labels fit, e.g. `{env="prod"}`.
    labels: Option<String>,
    /// Only these rules, `rul_…`.
    rules: Vec<String>,
}

/// What a person says of a maintenance.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaintenanceEditBody {
    /// What it is called.
    name: String,
    /// Who answers for it; whoever plans it unless somebody else is named.
    owner: Option<String>,
    /// Why.
    reason: String,
    /// When.
    when: WhenBody,
    /// For what.
    scope: ScopeBody,
}

/// A span of time.
#[derive(Serialize, ToSchema)]
pub(crate) struct WindowBody {
    /// UTC milliseconds.
    from_ms: i64,
    /// UTC milliseconds.
    to_ms: i64,
}

/// A maintenance.
#[derive(Serialize, ToSchema)]
pub(crate) struct MaintenanceBody {
    /// Its id, `mnt_…`.
    id: String,
    /// Its number as people say it, `M-12`.
    number: String,
    /// What it is called.
    name: String,
    /// Who answers for it.
    owner: String,
    /// Why.
    reason: String,
    /// When.
    when: WhenBody,
    /// For what.
    scope: ScopeBody,
    /// `planned`, `running`, `over` or `cancelled`.
    state: &'static str,
    /// The windows that run or come next.
    windows: Vec<WindowBody>,
    /// When it was called off, UTC milliseconds.
    cancelled_ms: Option<i64>,
    /// The version; also the `ETag`.
    version: i64,
}

impl From<WhenBody> for When {
    fn from(body: WhenBody) -> Self {
        match body {
            WhenBody::Once { from_ms, to_ms } => Self::Once { from_ms, to_ms },
            WhenBody::Repeat {
                days,
                at_min,
                for_min,
                zone,
                from_ms,
                until_ms,
            } => Self::Repeat {
                days: match days {
                    DaysBody::Daily => Days::Daily,
                    DaysBody::Weekly(days) => Days::Weekly(days),
                    DaysBody::Monthly(day) => Days::Monthly(day),
                    DaysBody::MonthlyNth(nth, day) => Days::MonthlyNth(nth, day),
                },
                at_min,
                for_min,
                zone,
                from_ms,
                until_ms,
            },
        }
    }
}

impl From<When> for WhenBody {
    fn from(when: When) -> Self {
        match when {
            When::Once { from_ms, to_ms } => Self::Once { from_ms, to_ms },
            When::Repeat {
                days,
                at_min,
                for_min,
                zone,
                from_ms,
                until_ms,
            } => Self::Repeat {
                days: match days {
                    Days::Daily => DaysBody::Daily,
                    Days::Weekly(days) => DaysBody::Weekly(days),
                    Days::Monthly(day) => DaysBody::Monthly(day),
                    Days::MonthlyNth(nth, day) => DaysBody::MonthlyNth(nth, day),
                },
                at_min,
                for_min,
                zone,
                from_ms,
                until_ms,
            },
        }
    }
}

impl ScopeBody {
    fn scope(self) -> Result<Scope, ApiError> {
        let hosts = self.hosts.iter().map(|id| web::field(id, "scope.hosts"));
        let rules = self.rules.iter().map(|id| web::field(id, "scope.rules"));
        let labels = self.labels.filter(|text| !text.trim().is_empty());
        Ok(Scope {
            everything: self.everything,
            hosts: hosts.collect::<Result<_, _>>()?,
            groups: self.groups,
            labels: labels
                .as_deref()
                .map(|text| selector(text, "scope.labels"))
                .transpose()?,
            rules: rules.collect::<Result<_, _>>()?,
        })
    }
}

impl From<Scope> for ScopeBody {
    fn from(scope: Scope) -> Self {
        Self {
            everything: scope.everything,
            hosts: scope.hosts.iter().map(ToString::to_string).collect(),
            groups: scope.groups,
            labels: scope.labels.map(|labels| labels.to_string()),
            rules: scope.rules.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Reads a selector of a field.
pub(super) fn selector(text: &str, field: &str) -> Result<Selector, ApiError> {
    Selector::parse(text).map_err(|error| ApiError::invalid_field(field, error.to_string()))
}

impl MaintenanceEditBody {
    fn edit(self, ctx: &Ctx) -> Result<MaintenanceEdit, ApiError> {
        Ok(MaintenanceEdit {
            name: self.name,
            owner: self.owner.unwrap_or_else(|| ctx.who().to_owned()),
            reason: self.reason,
            when: self.when.into(),
            scope: self.scope.scope()?,
        })
    }
}

impl MaintenanceBody {
    fn new(one: Maintenance, now_ms: i64) -> Self {
        let ahead = match one.cancelled_ms {
            Some(_) => Vec::new(),
            None => next_windows(&one.when, now_ms, WINDOWS),
        };
        let state = match (one.cancelled_ms, ahead.is_empty()) {
            (Some(_), _) => "cancelled",
            (None, true) => "over",
            (None, false) if window_at(&one.when, now_ms).is_some() => "running",
            (None, false) => "planned",
        };
        let windows = ahead.into_iter();
        Self {
            id: one.id.to_string(),
            number: one.label(),
            name: one.name,
            owner: one.owner,
            reason: one.reason,
            when: one.when.into(),
            scope: one.scope.into(),
            state,
            windows: windows
                .map(|(from_ms, to_ms)| WindowBody { from_ms, to_ms })
                .collect(),
            cancelled_ms: one.cancelled_ms,
            version: one.version,
        }
    }
}

pub(crate) async fn list(
    ctx: Ctx,
    State(db): State<Db>,
    Query(query): Query<PastQuery>,
) -> Result<Json<Page<MaintenanceBody>>, ApiError> {
    let now_ms = ctx.now_ms();
    let found = service::maintenances(&mut db.reader(), query.past, now_ms).await;
    let found = found.map_err(refusal(ctx.lang))?.into_iter();
    let bodies = found.map(|one| MaintenanceBody::new(one, now_ms));
    Ok(Json(Page::whole(bodies)))
}

pub(crate) async fn create(
    ctx: Ctx,
    State(db): State<Db>,
    Json(body): Json<MaintenanceEditBody>,
) -> Result<Response, ApiError> {
    let made = service::create_maintenance(&db, body.edit(&ctx)?, ctx.who()).await;
    let made = made.map_err(refusal(ctx.lang))?;
    Ok((StatusCode::CREATED, answer(&ctx, made)).into_response())
}

pub(crate) async fn get(
    ctx: Ctx,
    State(db): State<Db>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let found = service::maintenance(&mut db.reader(), id_of(&id)?).await;
    Ok(answer(&ctx, found.map_err(refusal(ctx.lang))?))
}

pub(crate) async fn change(
    ctx: Ctx,
    State(db): State<Db>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<MaintenanceEditBody>,
) -> Result<Response, ApiError> {
    let id = id_of(&id)?;
    let version = match Etag::required(&headers)? {
        Some(seen) => seen.0,
        None => {
            let found = service::maintenance(&mut db.reader(), id).await;
            found.map_err(refusal(ctx.lang))?.version
        }
    };
    let edit = body.edit(&ctx)?;
    let changed = service::edit_maintenance(&db, id, version, edit, ctx.who()).await;
    Ok(answer(&ctx, changed.map_err(refusal(ctx.lang))?))
}

pub(crate) async fn cancel(
    ctx: Ctx,
    State(db): State<Db>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let ended = service::cancel_maintenance(&db, id_of(&id)?, ctx.who()).await;
    Ok(answer(&ctx, ended.map_err(refusal(ctx.lang))?))
}

fn answer(ctx: &Ctx, one: Maintenance) -> Response {
    Etag(one.version).on(MaintenanceBody::new(one, ctx.now_ms()))
}

fn id_of(text: &str) -> Result<MaintenanceId, ApiError> {
    web::path_id(text, "this maintenance")
}
