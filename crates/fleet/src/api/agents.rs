//! Agents: list, get, retire.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use db::Tx;
use model::{AgentId, CiId, limits};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, AuditDetail, Json, Page, Query};

use super::Api;
use super::refusal::broken;
use crate::words::{AgentRow, AgentWarning};

/// Rows of a page unless another number is asked for.
const ROWS: usize = 100;

/// Which agents.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentQuery {
    /// Connected now, or not.
    connected: Option<bool>,
    /// Of this host, `ci_…`.
    host: Option<String>,
    /// With warnings, or without.
    warned: Option<bool>,
    /// With exactly this version.
    version: Option<String>,
    /// Also the retired.
    #[serde(default)]
    retired: bool,
    /// The cursor of the page before.
    cursor: Option<String>,
    /// Rows of a page, at most 500.
    limit: Option<usize>,
}

/// Something about an agent that the operator should know.
#[derive(Serialize, ToSchema)]
pub(crate) struct WarningBody {
    /// For programs: `series-limit`, `future-samples`, `queue`, `settings`, ….
    code: String,
    /// What it is about.
    subject: String,
    /// For people.
    text: String,
    /// When it was seen last, UTC milliseconds.
    at_ms: i64,
}

/// An agent.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentBody {
    /// Its id, `agt_…`.
    id: String,
    /// Its host, `ci_…`.
    host: String,
    /// The host's name; null when the host is not in service any more.
    host_name: Option<String>,
    /// Its program's version.
    version: String,
    /// Where it last connected from.
    address: String,
    /// UTC milliseconds.
    enrolled_ms: i64,
    /// When it was last seen, UTC milliseconds; null when never.
    seen_ms: Option<i64>,
    /// Connected to this server now.
    connected: bool,
    /// Retired agents are refused.
    retired: bool,
    /// What is to be known about it.
    warnings: Vec<WarningBody>,
}

impl From<AgentWarning> for WarningBody {
    fn from(warning: AgentWarning) -> Self {
        Self {
            code: warning.code,
            subject: warning.subject,
            text: warning.text,
            at_ms: warning.at_ms,
        }
    }
}

impl Api {
    /// An agent with its host's name.
    async fn body(&self, row: AgentRow) -> AgentBody {
        AgentBody {
            id: row.id.to_string(),
            host: row.host.to_string(),
            host_name: self.fleet.shared().ports.hosts.name(row.host).await,
            version: row.version,
            address: row.address,
            enrolled_ms: row.enrolled_ms,
            seen_ms: row.seen_ms,
            connected: row.connected,
            retired: row.retired,
            warnings: row.warnings.into_iter().map(WarningBody::from).collect(),
        }
    }

    async fn agent(&self, text: &str) -> Result<AgentRow, ApiError> {
        let id: AgentId = web::path_id(text, "this agent")?;
        let rows = self.fleet.agents().await.map_err(broken)?;
        let found = rows.into_iter().find(|row| row.id == id);
        found.ok_or_else(|| ApiError::not_found("this agent"))
    }
}

impl AgentQuery {
    /// Whether a row is meant.
    fn filter(&self) -> Result<impl Fn(&AgentRow) -> bool, ApiError> {
        let host: Option<CiId> = web::optional_field(self.host.as_deref(), "host")?;
        let after: Option<AgentId> = web::optional_field(self.cursor.as_deref(), "cursor")?;
        Ok(move |row: &AgentRow| {
            (self.retired || !row.retired)
                && after.is_none_or(|after| row.id > after)
                && host.is_none_or(|host| row.host == host)
                && self.connected.is_none_or(|wanted| row.connected == wanted)
                && self
                    .warned
                    .is_none_or(|wanted| row.warnings.is_empty() != wanted)
                && self
                    .version
                    .as_ref()
                    .is_none_or(|wanted| row.version == *wanted)
        })
    }
}

pub(crate) async fn list(
    State(api): State<Api>,
    Query(query): Query<AgentQuery>,
) -> Result<Json<Page<AgentBody>>, ApiError> {
    let limit = query.limit.unwrap_or(ROWS).clamp(1, limits::PAGE_ROWS_MAX);
    let meant = query.filter()?;
    let mut rows = api.fleet.agents().await.map_err(broken)?;
    rows.retain(meant);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.id.to_string());
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(api.body(row).await);
    }
    Ok(Json(Page { items, next }))
}

pub(crate) async fn get(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<AgentBody>, ApiError> {
    let row = api.agent(&id).await?;
    Ok(Json(api.body(row).await))
}

pub(crate) async fn retire(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let mut row = api.agent(&id).await?;
    let agent = row.id;
    let write = api
        .fleet
        .shared()
        .db
        .write(move |tx: &mut Tx| Box::pin(async move { crate::retire(tx, agent).await }));
    write.await.map_err(broken)?;
    api.fleet.disconnect(agent);
    (row.retired, row.connected) = (true, false);
    let detail = json!({"agent": agent, "host": row.host});
    let body = Json(api.body(row).await);
    Ok((Extension(AuditDetail(detail)), body).into_response())
}
