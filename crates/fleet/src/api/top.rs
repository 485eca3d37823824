//! Which processes of a host use most right now.

use axum::extract::{Path, State};
use model::CiId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Json, Query};

use super::Api;
use crate::words::TopProcess;

/// Processes of one list unless another number is asked for.
const COUNT: u32 = 10;
/// Processes of one list.
const COUNT_MAX: u32 = 50;

/// How many.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopQuery {
    /// Processes of each list, at most 50.
    count: Option<u32>,
}

/// One process.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProcessBody {
    /// Its number.
    pid: u32,
    /// Its user.
    user: String,
    /// Its short name.
    name: String,
    /// Its command line, cut.
    command: String,
    /// Share of one CPU.
    cpu_ratio: f64,
    /// Resident memory in bytes.
    resident_bytes: u64,
}

/// The busiest processes of one moment.
#[derive(Serialize, ToSchema)]
pub(crate) struct TopBody {
    /// The largest by CPU.
    by_cpu: Vec<ProcessBody>,
    /// The largest by memory.
    by_memory: Vec<ProcessBody>,
}

impl From<TopProcess> for ProcessBody {
    fn from(process: TopProcess) -> Self {
        Self {
            pid: process.pid,
            user: process.user,
            name: process.name,
            command: process.command,
            cpu_ratio: process.cpu_ratio,
            resident_bytes: process.resident_bytes,
        }
    }
}

pub(crate) async fn top(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<TopQuery>,
) -> Result<Json<TopBody>, ApiError> {
    let host: CiId = web::path_id(&id, "this host")?;
    let count = query.count.unwrap_or(COUNT).clamp(1, COUNT_MAX);
    let top = api.fleet.top(host, count).await?;
    let all = |list: Vec<TopProcess>| list.into_iter().map(ProcessBody::from).collect();
    Ok(Json(TopBody {
        by_cpu: all(top.by_cpu),
        by_memory: all(top.by_memory),
    }))
}
