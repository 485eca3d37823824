//! Problems: the list with its filters, and one problem with everything around it.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use db::{Cursor, Db, Revision};
use model::{ProblemId, Severity, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Ctx, Query};

use super::refusal::refusal;
use crate::model::{Entry, Mark, Problem};
use crate::service::{self, Detail};
use crate::{Filter, Sort};

/// Rows of a page unless another number is asked for.
const ROWS: usize = 100;

/// Which problems, in which order; also the `filter` of an action on many.
#[derive(Clone, Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ProblemQuery {
    /// `open` (the default), `closed` or `all`.
    state: String,
    /// Any of these severities, with commas.
    severity: String,
    /// On any of these hosts (`ci_…`), with commas.
    host: String,
    /// Of this rule, `rul_…`.
    rule: Option<String>,
    /// Of this board column.
    group: Option<String>,
    /// All of these words, in number, host, title, rule or key.
    text: String,
    /// Assigned to or taken by this person: `usr_…`, or `me`.
    mine: Option<String>,
    /// Taken by somebody, or by nobody.
    acknowledged: Option<bool>,
    /// With this mark: `acknowledged`, `maintenance`, `suppressed`, `flapping`, `frozen`,
    /// `cannot_judge`, `snoozed` or `repairing`.
    mark: Option<String>,
    /// Opened at or after, UTC milliseconds.
    opened_from_ms: Option<i64>,
    /// Opened before, UTC milliseconds.
    opened_to_ms: Option<i64>,
    /// `severity` (the worst first, the default), `opened`, `changed`, `host` or `oldest`.
    pub(super) sort: Option<String>,
    /// The cursor of the page before.
    pub(super) cursor: Option<String>,
    /// Rows of a page, at most 500.
    pub(super) limit: Option<usize>,
}

impl ProblemQuery {
    /// The filter that is meant.
    pub(super) fn filter(&self, ctx: &Ctx) -> Result<Filter, ApiError> {
        let open = match self.state.as_str() {
            "" | "open" => Some(true),
            "closed" => Some(false),
            "all" => None,
            other => {
                let message = format!("`{other}`: use open, closed or all");
                return Err(ApiError::invalid_field("state", message));
            }
        };
        let hosts = web::list_field(&self.host, "host")?;
        Ok(Filter {
            open,
            severities: web::list_field(&self.severity, "severity")?,
            host: None,
            hosts: (!hosts.is_empty()).then_some(hosts),
            rule: web::optional_field(self.rule.as_deref(), "rule")?,
            group: self.group.clone(),
            text: self.text.clone(),
            mine: person(ctx, self.mine.as_deref(), "mine")?,
            acknowledged: self.acknowledged,
            mark: self.mark.as_deref().map(mark).transpose()?,
            opened_from_ms: self.opened_from_ms,
            opened_to_ms: self.opened_to_ms,
        })
    }
}

/// Somebody by id, or `me`.
pub(super) fn person(
    ctx: &Ctx,
    text: Option<&str>,
    field: &str,
) -> Result<Option<UserId>, ApiError> {
    match text {
        Some("me") => Ok(Some(ctx.actor()?.user)),
        other => web::optional_field(other, field),
    }
}

fn mark(name: &str) -> Result<Mark, ApiError> {
    serde_json::from_value(Json::from(name)).map_err(|_| {
        let message = format!("`{name}` is no mark: see the API document");
        ApiError::invalid_field("mark", message)
    })
}

fn sort(name: Option<&str>) -> Result<Sort, ApiError> {
    Ok(match name.unwrap_or_default() {
        "" | "severity" => Sort::Severity,
        "opened" => Sort::Opened,
        "changed" => Sort::Changed,
        "host" => Sort::Host,
        "oldest" => Sort::Oldest,
        other => {
            let message = format!("`{other}`: use severity, opened, changed, host or oldest");
            return Err(ApiError::invalid_field("sort", message));
        }
    })
}

/// A page of problems.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemPage {
    /// The rows.
    items: Vec<ProblemBody>,
    /// Hand this back as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// How many problems of each severity the filter finds when its `severity` is left out.
    counts: BTreeMap<&'static str, i64>,
}

/// Words in both languages.
#[derive(Serialize, ToSchema)]
pub(crate) struct TextBody {
    /// Korean.
    ko: String,
    /// English.
    en: String,
}

/// What a problem is about.
#[derive(Serialize, ToSchema)]
pub(crate) struct TargetBody {
    /// The host, `ci_…`.
    host: String,
    /// The host's name when the problem opened.
    host_name: String,
    /// `host`, `filesystem`, `process`, ….
    kind: String,
    /// The key within the host, e.g. `/var`; empty for the host itself.
    key: String,
}

/// A value that was seen.
#[derive(Serialize, ToSchema)]
pub(crate) struct ObservedBody {
    /// The signal's short name in the rule.
    signal: String,
    /// The value in its base unit.
    value: f64,
    /// The unit for screens.
    unit: String,
}

/// A problem.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// Its id, `prb_…`.
    id: String,
    /// Its number as people say it, `P-1042`.
    number: String,
    /// The rule, `rul_…`.
    rule: String,
    /// The rule's permanent key.
    rule_key: String,
    /// The rule's title when the problem opened.
    title: TextBody,
    /// The board column.
    group: String,
    /// What it is about.
    target: TargetBody,
    /// Severity now; the last one before the end when closed.
    severity: &'static str,
    /// The highest severity it ever had.
    highest: &'static str,
    /// `acknowledged`, `maintenance`, `suppressed`, `flapping`, `frozen`, `cannot_judge`, `snoozed`,
    /// `repairing`.
    marks: Vec<&'static str>,
    /// Sample time, UTC milliseconds.
    opened_ms: i64,
    /// When its severity last changed, UTC milliseconds.
    changed_ms: i64,
    /// When it ended, UTC milliseconds; null while open.
    closed_ms: Option<i64>,
    /// `recovered`, `hand`, `rule_retired`, `rule_disabled` or `host_retired`; null while open.
    close_reason: Option<&'static str>,
    /// How long it has lasted or lasted, in milliseconds.
    duration_ms: i64,
    /// What was last seen.
    observed: Vec<ObservedBody>,
    /// The condition that decided, as written in the rule.
    because: String,
    /// Who took it: a user id, a token id or a recipient's name; null when nobody.
    acknowledged_by: Option<String>,
    /// UTC milliseconds.
    acknowledged_ms: Option<i64>,
    /// Whose it is, `usr_…`.
    assignee: Option<String>,
    /// No notices until then, UTC milliseconds.
    snoozed_until_ms: Option<i64>,
    /// The maintenance that covers it, e.g. `M-12`.
    maintenance: Option<String>,
    /// The silence that covers it, e.g. `S-3`.
    silence: Option<String>,
    /// When its silent host was last seen, UTC milliseconds.
    last_seen_ms: Option<i64>,
    /// Why its rule cannot be judged now; empty when it can.
    cannot_judge: String,
    /// The run of the recovery script that is or was last at work on it.
    repair_run: Option<String>,
    /// The highest severity that was told; `normal` when nothing was.
    told: &'static str,
}

impl ProblemBody {
    pub(super) fn new(problem: Problem, now_ms: i64) -> Self {
        let (marks, duration_ms) = (problem.marks(now_ms), problem.duration_ms(now_ms));
        let acknowledged_ms = problem.acknowledged.as_ref().map(|taken| taken.at_ms);
        Self {
            id: problem.id.to_string(),
            number: problem.label(),
            rule: problem.rule.to_string(),
            rule_key: problem.rule_key,
            title: TextBody {
                ko: problem.title.ko,
                en: problem.title.en,
            },
            group: problem.group,
            target: TargetBody {
                host: problem.target.ci.to_string(),
                host_name: problem.host,
                kind: problem.target.kind.as_str().to_owned(),
                key: problem.target.key,
            },
            severity: problem.severity.name(),
            highest: problem.highest.name(),
            marks: marks.into_iter().map(Mark::name).collect(),
            opened_ms: problem.opened_ms,
            changed_ms: problem.changed_ms,
            closed_ms: problem.closed.as_ref().map(|closed| closed.at_ms),
            close_reason: problem.closed.map(|closed| closed.reason.name()),
            duration_ms,
            observed: problem
                .observed
                .into_iter()
                .map(|seen| ObservedBody {
                    signal: seen.signal,
                    value: seen.value,
                    unit: seen.unit,
                })
                .collect(),
            because: problem.because,
            acknowledged_by: problem.acknowledged.map(|taken| taken.by),
            acknowledged_ms,
            assignee: problem.assignee.map(|user| user.to_string()),
            snoozed_until_ms: problem.snoozed_until_ms,
            maintenance: problem.maintenance,
            silence: problem.silence,
            last_seen_ms: problem.last_seen_ms,
            cannot_judge: problem.cannot_judge,
            repair_run: problem.repair.map(|repair| repair.run.to_string()),
            told: problem.told.name(),
        }
    }
}

/// One entry of a timeline.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryBody {
    /// Its place, from 1.
    n: i64,
    /// What it tells: `opened`, `raised`, `acknowledged`, `comment`, ….
    kind: String,
    /// UTC milliseconds.
    at_ms: i64,
    /// Whether it happened by itself.
    auto: bool,
    /// Who did it; empty when it happened by itself.
    actor: String,
    /// What the person or script said.
    text: String,
    /// The facts of this kind of entry.
    data: Json,
}

impl From<Entry> for EntryBody {
    fn from(entry: Entry) -> Self {
        Self {
            n: entry.n,
            kind: entry.kind.name(),
            at_ms: entry.at_ms,
            auto: entry.auto,
            actor: entry.actor,
            text: entry.text,
            data: entry.data,
        }
    }
}

/// One edit of a rule or host.
#[derive(Serialize, ToSchema)]
pub(crate) struct EditBody {
    /// Its id, `rev_…`.
    id: String,
    /// UTC milliseconds.
    at_ms: i64,
    /// Who.
    actor: String,
    /// The reason that was given.
    why: String,
    /// The record before; null when it was made.
    before: Option<Json>,
    /// The record after; null when it was retired.
    after: Option<Json>,
}

impl From<Revision> for EditBody {
    fn from(edit: Revision) -> Self {
        Self {
            id: edit.id.to_string(),
            at_ms: edit.at_ms,
            actor: edit.actor,
            why: edit.why,
            before: edit.before,
            after: edit.after,
        }
    }
}

/// A problem and what an operator wants to see beside it.
#[derive(Serialize, ToSchema)]
pub(crate) struct DetailBody {
    /// The problem.
    problem: ProblemBody,
    /// Its timeline, oldest first.
    timeline: Vec<EntryBody>,
    /// Other open problems of the same host, the worst first.
    related: Vec<ProblemBody>,
    /// Earlier problems of the same rule and target, the newest first.
    earlier: Vec<ProblemBody>,
    /// The latest edits of the rule.
    rule_edits: Vec<EditBody>,
    /// The latest edits of the host.
    host_edits: Vec<EditBody>,
}

impl DetailBody {
    fn new(detail: Detail, now_ms: i64) -> Self {
        let all = |list: Vec<Problem>| {
            let bodies = list.into_iter().map(|one| ProblemBody::new(one, now_ms));
            bodies.collect()
        };
        Self {
            problem: ProblemBody::new(detail.problem, now_ms),
            timeline: detail.timeline.into_iter().map(EntryBody::from).collect(),
            related: all(detail.related),
            earlier: all(detail.earlier),
            rule_edits: detail.rule_edits.into_iter().map(EditBody::from).collect(),
            host_edits: detail.host_edits.into_iter().map(EditBody::from).collect(),
        }
    }
}

pub(crate) async fn list(
    ctx: Ctx,
    State(db): State<Db>,
    Query(query): Query<ProblemQuery>,
) -> Result<web::Json<ProblemPage>, ApiError> {
    let now_ms = ctx.now_ms();
    let (filter, sort) = (query.filter(&ctx)?, sort(query.sort.as_deref())?);
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose();
    let cursor = cursor.map_err(|error| ApiError::invalid_field("cursor", error.to_string()))?;
    let limit = query.limit.unwrap_or(ROWS);
    let mut reader = db.reader();
    let page = service::list(&mut reader, (&filter, sort), cursor.as_ref(), limit, now_ms);
    let page = page.await.map_err(refusal(ctx.lang))?;
    let of_all = Filter {
        severities: Vec::new(),
        ..filter
    };
    let counts = service::counts(&mut reader, &of_all, now_ms).await;
    let counts = counts.map_err(refusal(ctx.lang))?;
    let rows = page.rows.into_iter();
    Ok(web::Json(ProblemPage {
        items: rows.map(|one| ProblemBody::new(one, now_ms)).collect(),
        next: page.next.map(|cursor| cursor.encode()),
        counts: Severity::LEVELS
            .into_iter()
            .filter_map(|severity| {
                let count = counts.get(usize::from(severity.code()))?;
                Some((severity.name(), *count))
            })
            .collect(),
    }))
}

pub(crate) async fn get(
    ctx: Ctx,
    State(db): State<Db>,
    Path(id): Path<String>,
) -> Result<web::Json<DetailBody>, ApiError> {
    let mut reader = db.reader();
    let id = find(&mut reader, &ctx, &id).await?;
    let detail = service::detail(&mut reader, id).await;
    let detail = detail.map_err(refusal(ctx.lang))?;
    Ok(web::Json(DetailBody::new(detail, ctx.now_ms())))
}

/// A problem by its id, or by its number with or without `P-`.
pub(super) async fn find(
    from: &mut impl db::Query,
    ctx: &Ctx,
    text: &str,
) -> Result<ProblemId, ApiError> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let number = text
        .strip_prefix(['P', 'p'])
        .map_or(text, |rest| rest.strip_prefix('-').unwrap_or(rest));
    let number = web::path_id(number, &format!("the problem `{text}`"))?;
    let found = service::by_number(from, number).await;
    Ok(found.map_err(refusal(ctx.lang))?.id)
}
