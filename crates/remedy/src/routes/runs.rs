//! Runs: list, get, start by hand.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::limits;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Ctx, Json, Page, Query};

use super::scripts::script_id;
use crate::{ManualRun, Remedies, Run, RunFilter};

/// Which runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunQuery {
    /// Of this script.
    script: Option<String>,
    /// For this problem.
    problem: Option<String>,
    /// On this host.
    host: Option<String>,
    /// The cursor of the page before.
    cursor: Option<String>,
    /// Rows of a page, at most 500.
    limit: Option<usize>,
}

/// A run.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunBody {
    /// Its id, `run_…`.
    id: String,
    /// Which script.
    script: String,
    /// Its name at that time.
    script_name: String,
    /// Its version at that time.
    script_version: i64,
    /// What it was to repair.
    problem: Option<String>,
    /// Where.
    host: String,
    /// Who started it; null when it started by itself.
    by: Option<String>,
    /// Only to say what would be done.
    dry_run: bool,
    /// `running`, `verifying`, `verified`, `not_verified`, `succeeded`, `failed`, `refused` or
    /// `unreachable`.
    state: &'static str,
    /// One line.
    summary: String,
    /// Everything it wrote.
    transcript: String,
    /// Its exit code.
    exit_code: Option<i32>,
    /// UTC milliseconds.
    ordered_ms: i64,
    /// UTC milliseconds.
    ended_ms: Option<i64>,
}

impl From<Run> for RunBody {
    fn from(run: Run) -> Self {
        Self {
            id: run.id.to_string(),
            script: run.script.to_string(),
            script_name: run.script_name,
            script_version: run.script_version,
            problem: run.problem.map(|id| id.to_string()),
            host: run.host.to_string(),
            by: run.by,
            dry_run: run.dry_run,
            state: run.state.name(),
            summary: run.summary,
            transcript: run.transcript,
            exit_code: run.exit_code,
            ordered_ms: run.ordered_ms,
            ended_ms: run.ended_ms,
        }
    }
}

/// What is to run where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartBody {
    /// Which script.
    script: String,
    /// Where, `ci_…`.
    host: String,
    /// What it is to repair.
    problem: Option<String>,
    /// Only to say what would be done.
    #[serde(default)]
    dry_run: bool,
}

/// The run that was ordered.
#[derive(Serialize, ToSchema)]
pub(crate) struct Started {
    /// Its id.
    run: String,
}

pub(crate) async fn list(
    State(remedies): State<Remedies>,
    Query(query): Query<RunQuery>,
) -> Result<Json<Page<RunBody>>, ApiError> {
    let limit = query.limit.unwrap_or(50).clamp(1, limits::PAGE_ROWS_MAX);
    let filter = RunFilter {
        script: query.script.as_deref().map(script_id).transpose()?,
        problem: read(query.problem.as_deref(), "problem")?,
        host: read(query.host.as_deref(), "host")?,
        before: read(query.cursor.as_deref(), "cursor")?,
        limit: limit + 1,
    };
    let mut runs = remedies.runs(&filter).await?;
    let more = runs.len() > limit;
    runs.truncate(limit);
    let next = runs.last().filter(|_| more).map(|run| run.id.to_string());
    Ok(Json(Page {
        items: runs.into_iter().map(RunBody::from).collect(),
        next,
    }))
}

pub(crate) async fn get(
    State(remedies): State<Remedies>,
    Path(id): Path<String>,
) -> Result<Json<RunBody>, ApiError> {
    let id = id.parse().map_err(|_| ApiError::not_found("this run"))?;
    Ok(Json(RunBody::from(remedies.run(id).await?)))
}

pub(crate) async fn start(
    ctx: Ctx,
    State(remedies): State<Remedies>,
    Json(body): Json<StartBody>,
) -> Result<(StatusCode, Json<Started>), ApiError> {
    let host = read(Some(&body.host), "host")?;
    let wanted = ManualRun {
        script: script_id(&body.script)?,
        host: host.ok_or_else(|| ApiError::invalid_field("host", "must be given"))?,
        problem: read(body.problem.as_deref(), "problem")?,
        target: None,
        dry_run: body.dry_run,
        by: ctx.actor()?.user,
    };
    let run = remedies.start(wanted).await?.to_string();
    Ok((StatusCode::ACCEPTED, Json(Started { run })))
}

/// An id from a query or body, with its field named when it is malformed.
fn read<T: std::str::FromStr<Err = model::IdError>>(
    text: Option<&str>,
    field: &str,
) -> Result<Option<T>, ApiError> {
    let read = text.map(str::parse).transpose();
    read.map_err(|error: model::IdError| ApiError::invalid_field(field, error.to_string()))
}
