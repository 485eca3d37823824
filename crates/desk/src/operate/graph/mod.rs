//! The data of graphs, `GET /api/v1/graph`; the format is `docs/format/graph.md`.

mod drawn;
mod late;
mod lines;
mod marks;

use axum::extract::State;
use model::limits;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Action, ApiError, Ctx, Endpoint, Json, Query, Routes};

use crate::Desk;

pub(super) use drawn::of_rule;
pub use late::LATE_SERIES;

const READ: Action = Action::view("graph.read");
/// Points of a line unless another number is asked for.
const POINTS: usize = 600;

/// Which lines, and of which time. Exactly one of `graph`, `problem` and `series` is given.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct GraphQuery {
    /// A graph of the host page by its key, e.g. `cpu-modes`; with `host`.
    #[serde(default)]
    graph: String,
    /// The host, `ci_…`.
    #[serde(default)]
    host: String,
    /// What a problem's rule looks at, on the problem's target: `prb_…`.
    #[serde(default)]
    problem: String,
    /// Selectors in Prometheus notation, several with `;`: `node_load1{instance="web01"}`.
    #[serde(default)]
    series: String,
    /// The unit of `series`: `plain`, `ratio`, `bytes`, `bytes_per_second`, `per_second`, `seconds`.
    #[serde(default)]
    unit: String,
    /// From when, UTC milliseconds.
    from: i64,
    /// Until when, UTC milliseconds.
    to: i64,
    /// At most so many points a line; 600 when left out, 1,500 at the most.
    points: Option<usize>,
}

/// A graph's data.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct GraphBody {
    /// `plain`, `ratio`, `bytes`, `bytes_per_second`, `per_second`, `seconds`.
    unit: &'static str,
    /// Series are drawn on top of one another, in order.
    stacked: bool,
    /// Width of one step.
    step_ms: i64,
    /// The top of the scale, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    y_max: Option<i64>,
    /// Start of each step, UTC seconds, ascending.
    t: Vec<i64>,
    /// The lines.
    series: Vec<LineBody>,
    /// Dashed lines with their word.
    thresholds: Vec<ThresholdBody>,
    /// Problems: stripes behind the lines.
    marks: Vec<MarkBody>,
    /// Stretches that arrived late and were not judged: start and end, UTC milliseconds.
    late: Vec<[i64; 2]>,
    /// How many series there are beside those drawn.
    left_out: usize,
}

/// One line; the columns are as long as `t`, null is a gap.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct LineBody {
    /// Its name in the legend.
    label: String,
    /// The mean of each step.
    mean: Vec<Option<f64>>,
    /// The least.
    min: Vec<Option<f64>>,
    /// The greatest.
    max: Vec<Option<f64>>,
}

/// A threshold in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ThresholdBody {
    /// The severity it leads to.
    severity: &'static str,
    /// Its value in the graph's unit.
    value: f64,
    /// Its words, in the reader's language.
    label: String,
}

/// A problem on what is drawn.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct MarkBody {
    /// Since when, UTC milliseconds.
    from: i64,
    /// Until when; null while it is open.
    to: Option<i64>,
    /// Its severity.
    severity: &'static str,
    /// Its number and title.
    title: String,
    /// Its page.
    url: String,
}

pub(super) fn routes() -> Routes<Desk> {
    Routes::new().add(
        Endpoint::get("/api/v1/graph", READ)
            .summary("Reduced lines of a host's graph, of a problem, or of any series")
            .query::<GraphQuery>()
            .returns::<GraphBody>(200),
        graph,
    )
}

async fn graph(
    ctx: Ctx,
    State(desk): State<Desk>,
    Query(query): Query<GraphQuery>,
) -> Result<Json<GraphBody>, ApiError> {
    if query.to <= query.from {
        return Err(ApiError::invalid_field("to", "must be later than `from`"));
    }
    let range = lines::Span {
        from_ms: query.from,
        to_ms: query.to,
        points: query
            .points
            .unwrap_or(POINTS)
            .clamp(2, limits::GRAPH_POINTS_MAX),
    };
    let drawn = drawn::find(&desk, &ctx, &query).await?;
    let marks = match drawn.host {
        Some(host) => marks::marks(&desk, &ctx, (host, &drawn), range).await?,
        None => Vec::new(),
    };
    let tsdb = desk.tsdb.clone();
    let mut body = GraphBody {
        unit: drawn.unit.name(),
        stacked: drawn.stacked,
        y_max: drawn.y_max,
        thresholds: drawn.thresholds.clone(),
        marks,
        ..GraphBody::default()
    };
    let read = tokio::task::spawn_blocking(move || {
        let late = drawn.host.map(|host| late::read(&tsdb, host, range));
        let lines = lines::read(&tsdb, &drawn, range)?;
        Ok::<_, ApiError>((lines, late.transpose()?.unwrap_or_default()))
    });
    let read = read
        .await
        .map_err(|error| ApiError::internal(error.to_string()))?;
    let (lines, late) = read?;
    body.late = late;
    body.step_ms = lines.step_ms;
    body.t = lines.t;
    body.series = lines.series;
    body.left_out = lines.left_out;
    Ok(Json(body))
}
