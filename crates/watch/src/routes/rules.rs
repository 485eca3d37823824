//! Rules: list, get, make, edit, revert, retire, switch, check, status, history.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use model::rule::Rule;
use model::{RuleId, Severity};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Ctx, Etag, FieldError, Json, Page, Query};

use super::Api;
use super::refusal::{rule_fields, rule_refusal};
use crate::{ApplyOptions, By, Change, RuleFilter, RuleRecord, WatchError, changes};

/// Edits shown of one record.
const EDITS_MAX: usize = 100;

/// Which rules.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RuleQuery {
    /// In the key or the title.
    text: String,
    /// Of this board column.
    group: String,
    /// `default` or `user`.
    origin: Option<String>,
    /// Only enabled or only disabled ones.
    enabled: Option<bool>,
    /// Also the retired.
    retired: bool,
    /// The cursor of the page before.
    cursor: Option<String>,
    /// Rows of a page, at most 500.
    limit: Option<usize>,
}

/// Why something is done.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// The reason; stands in the record's history.
    #[serde(default)]
    pub(super) why: String,
}

/// One value that differs.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangeBody {
    /// Which, as a path: `clear_count`, `levels.major.any`.
    what: String,
    /// Before; empty when it was absent.
    before: String,
    /// After; empty when it is absent now.
    after: String,
}

impl From<Change> for ChangeBody {
    fn from(change: Change) -> Self {
        Self {
            what: change.what,
            before: change.before,
            after: change.after,
        }
    }
}

/// A rule.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleBody {
    /// Its id, `rul_…`.
    id: String,
    /// `default` when it ships with a collector, `user` when a person wrote it.
    origin: &'static str,
    /// For a default the collector that ships it; empty otherwise.
    source: String,
    /// The rule in force before overrides, in the form of rule documents.
    #[schema(value_type = Object)]
    rule: Rule,
    /// Whether a person changed a default.
    edited: bool,
    /// Whether what ships changed after a person had edited it.
    outdated: bool,
    /// What differs from what ships.
    changes: Vec<ChangeBody>,
    /// When it was made, UTC milliseconds.
    created_ms: i64,
    /// When it was last changed, UTC milliseconds.
    updated_ms: i64,
    /// By whom.
    updated_by: String,
    /// When it was retired, UTC milliseconds; null while it judges.
    retired_ms: Option<i64>,
    /// The version; also the `ETag`.
    version: i64,
}

impl From<RuleRecord> for RuleBody {
    fn from(record: RuleRecord) -> Self {
        let changed = record.shipped.as_ref();
        let changed = changed.map(|shipped| changes(shipped, &record.rule));
        let changed = changed.unwrap_or_default().into_iter();
        Self {
            id: record.id.to_string(),
            origin: record.origin.name(),
            source: record.source,
            edited: record.edited,
            outdated: record.outdated,
            changes: changed.map(ChangeBody::from).collect(),
            created_ms: record.created_ms,
            updated_ms: record.updated_ms,
            updated_by: record.updated_by,
            retired_ms: record.retired_ms,
            version: record.version,
            rule: record.rule,
        }
    }
}

/// A rule as somebody writes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleEditBody {
    /// The rule, in the form of rule documents.
    #[schema(value_type = Object)]
    rule: Rule,
    /// The reason; stands in the rule's history.
    #[serde(default)]
    why: String,
}

/// A rule to be checked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckBody {
    /// The rule, in the form of rule documents.
    #[schema(value_type = Object)]
    rule: Rule,
}

/// What is wrong with a rule.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckAnswer {
    /// Whether it could be saved.
    ok: bool,
    /// What is wrong, with paths within the rule such as `levels[1].any`.
    errors: Vec<FieldError>,
}

/// An action on many rules.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleActionBody {
    /// Which, by id or key.
    ids: Vec<String>,
    /// `enable` or `disable`.
    #[serde(rename = "do")]
    what: String,
    /// The reason.
    #[serde(default)]
    why: String,
}

/// How many an action changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangedBody {
    /// Those that were not so already.
    pub(super) changed: usize,
}

/// How a rule is doing.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatusBody {
    /// Hosts in its scope.
    hosts: usize,
    /// Targets judged.
    targets: usize,
    /// Targets by severity.
    by_severity: BTreeMap<&'static str, usize>,
    /// Targets without data.
    no_data: usize,
    /// Targets that cannot be judged.
    cannot_judge: usize,
    /// Signals that select no series at all: allowed, but worth knowing.
    empty_signals: Vec<String>,
    /// Why the rule cannot be run; null when it can.
    wrong: Option<String>,
}

/// One edit of a record.
#[derive(Serialize, ToSchema)]
pub(crate) struct EditBody {
    /// UTC milliseconds.
    at_ms: i64,
    /// Who.
    actor: String,
    /// The reason that was given.
    why: String,
    /// The record before; null when it was made.
    before: Option<Value>,
    /// The record after; null when it was retired.
    after: Option<Value>,
}

/// Who edits.
pub(super) fn by<'a>(ctx: &'a Ctx, why: &'a str) -> By<'a> {
    By {
        actor: ctx.who(),
        why,
    }
}

pub(crate) async fn list(
    State(api): State<Api>,
    Query(query): Query<RuleQuery>,
) -> Result<Json<Page<RuleBody>>, ApiError> {
    let limit = web::page_rows(query.limit);
    let filter = RuleFilter {
        text: query.text,
        group: query.group,
        origin: web::optional_field(query.origin.as_deref(), "origin")?,
        enabled: query.enabled,
        retired: query.retired,
        after: query.cursor,
        limit: limit + 1,
    };
    let rows = api.watch.rules(&filter).await?;
    let cursor = |record: &RuleRecord| record.rule.key.clone();
    Ok(Json(Page::cut(rows, limit, cursor, RuleBody::from)))
}

pub(crate) async fn create(
    ctx: Ctx,
    State(api): State<Api>,
    Json(body): Json<RuleEditBody>,
) -> Result<Response, ApiError> {
    let rule = body.rule.clone();
    let made = api.watch.create_rule(body.rule, by(&ctx, &body.why)).await;
    let made = made.map_err(|error| rule_refusal(&rule, error))?;
    Ok((StatusCode::CREATED, answer(made)).into_response())
}

pub(crate) async fn get(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(answer(find(&api, &id).await?))
}

pub(crate) async fn change(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<RuleEditBody>,
) -> Result<Response, ApiError> {
    let id = find(&api, &id).await?.id;
    let seen = Etag::required(&headers)?.map(|etag| etag.0);
    let rule = body.rule.clone();
    let changed = api
        .watch
        .update_rule((id, seen), body.rule, by(&ctx, &body.why));
    let changed = changed.await.map_err(|error| rule_refusal(&rule, error))?;
    Ok(answer(changed))
}

pub(crate) async fn revert(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(reason): Query<Reason>,
) -> Result<Response, ApiError> {
    let id = find(&api, &id).await?.id;
    let seen = Etag::if_match(&headers)?.map(|etag| etag.0);
    let reverted = api.watch.revert_rule((id, seen), by(&ctx, &reason.why));
    Ok(answer(reverted.await?))
}

pub(crate) async fn retire(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(reason): Query<Reason>,
) -> Result<StatusCode, ApiError> {
    let id = find(&api, &id).await?.id;
    let seen = Etag::if_match(&headers)?.map(|etag| etag.0);
    let retired = api.watch.retire_rule((id, seen), by(&ctx, &reason.why));
    retired.await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn many(
    ctx: Ctx,
    State(api): State<Api>,
    Json(body): Json<RuleActionBody>,
) -> Result<Json<ChangedBody>, ApiError> {
    let enabled = switch(&body.what)?;
    let mut ids = Vec::with_capacity(body.ids.len());
    for text in &body.ids {
        ids.push(find(&api, text).await?.id);
    }
    let changed = api.watch.enable_rules(&ids, enabled, by(&ctx, &body.why));
    Ok(Json(ChangedBody {
        changed: changed.await?,
    }))
}

/// `enable` or `disable`.
pub(super) fn switch(what: &str) -> Result<bool, ApiError> {
    match what {
        "enable" => Ok(true),
        "disable" => Ok(false),
        other => {
            let message = format!("`{other}`: use enable or disable");
            Err(ApiError::invalid_field("do", message))
        }
    }
}

pub(crate) async fn check(
    ctx: Ctx,
    State(api): State<Api>,
    body: Result<Json<CheckBody>, ApiError>,
) -> Result<Json<CheckAnswer>, ApiError> {
    let mut errors = match body {
        Ok(Json(CheckBody { rule })) => match sound(&api, &ctx, &rule).await {
            Ok(()) => Vec::new(),
            Err(error) => {
                let fields = rule_fields(&rule, &error);
                if fields.is_empty() {
                    return Err(error.into());
                }
                fields
            }
        },
        Err(error) if error.fields.is_empty() => return Err(error),
        Err(error) => error.fields,
    };
    for error in &mut errors {
        if let Some(within) = error.field.strip_prefix("rule.") {
            error.field = within.to_owned();
        }
    }
    let ok = errors.is_empty();
    Ok(Json(CheckAnswer { ok, errors }))
}

/// Whether a rule could be saved.
pub(super) async fn sound(api: &Api, ctx: &Ctx, rule: &Rule) -> Result<(), WatchError> {
    let compare = ApplyOptions {
        dry_run: true,
        prune: false,
    };
    let compared = api
        .watch
        .apply_rules(vec![rule.clone()], compare, by(ctx, ""));
    compared.await.map(drop)
}

pub(crate) async fn status(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<StatusBody>, ApiError> {
    let status = api.driver.rule_status(find(&api, &id).await?.id);
    let named = Severity::ALL.into_iter().zip(status.by_severity);
    Ok(Json(StatusBody {
        hosts: status.hosts,
        targets: status.targets,
        by_severity: named
            .map(|(severity, count)| (severity.name(), count))
            .collect(),
        no_data: status.no_data,
        cannot_judge: status.cannot_judge,
        empty_signals: status.empty_signals,
        wrong: status.wrong,
    }))
}

pub(crate) async fn history(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<Page<EditBody>>, ApiError> {
    let id = find(&api, &id).await?.id.to_string();
    let edits = api.watch.history("rule", &id, EDITS_MAX).await?;
    let edits = edits.into_iter().map(|edit| EditBody {
        at_ms: edit.at_ms,
        actor: edit.actor,
        why: edit.why,
        before: edit.before,
        after: edit.after,
    });
    Ok(Json(Page::whole(edits)))
}

/// A rule by id or key.
pub(super) async fn find(api: &Api, text: &str) -> Result<RuleRecord, ApiError> {
    match text.parse::<RuleId>() {
        Ok(id) => Ok(api.watch.rule(id).await?),
        Err(_) => Ok(api.watch.rule_by_key(text).await?),
    }
}

fn answer(record: RuleRecord) -> Response {
    Etag(record.version).on(RuleBody::from(record))
}
