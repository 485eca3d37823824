//! Lines for graphs: reduced on the server to what a pixel column needs.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use model::{Labels, METRIC_NAME, Selector, limits};
use serde::{Deserialize, Serialize};
use tsdb::{ReducedPoint, SeriesId};
use utoipa::{IntoParams, ToSchema};
use web::ApiError;

use super::Own;

/// Which lines.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct GraphQuery {
    /// Selectors in Prometheus notation, several with `;`: `node_load1{instance="web01"}`.
    series: String,
    /// From when, UTC milliseconds.
    from: i64,
    /// Until when, UTC milliseconds.
    to: i64,
    /// At most so many points a line; 600 when left out, 1,500 at the most.
    points: Option<usize>,
}

/// The lines.
#[derive(Serialize, ToSchema)]
pub(crate) struct GraphBody {
    /// From when, UTC milliseconds.
    from_ms: i64,
    /// Until when.
    to_ms: i64,
    /// The lines, sorted by their labels.
    series: Vec<Line>,
    /// How many series matched but are not shown, for the limit of one graph.
    left_out: usize,
}

/// One series, as columns of the same length.
#[derive(Serialize, ToSchema)]
pub(crate) struct Line {
    /// The metric.
    name: String,
    /// Its labels.
    labels: BTreeMap<String, String>,
    /// Where each bucket begins, UTC milliseconds.
    t_ms: Vec<i64>,
    /// The least value of each bucket.
    min: Vec<f64>,
    /// The greatest.
    max: Vec<f64>,
    /// The mean.
    mean: Vec<f64>,
}

pub(crate) async fn graph(
    State(own): State<Own>,
    Query(query): Query<GraphQuery>,
) -> Result<Json<GraphBody>, ApiError> {
    if query.to <= query.from {
        return Err(ApiError::invalid_field("to", "must be later than `from`"));
    }
    let selectors = query
        .series
        .split(';')
        .filter(|text| !text.trim().is_empty());
    let selectors = selectors
        .map(Selector::parse)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| ApiError::invalid_field("series", error.to_string()))?;
    let work = tokio::task::spawn_blocking(move || lines(&own, &selectors, &query));
    let body = work
        .await
        .map_err(|error| ApiError::internal(error.to_string()))??;
    Ok(Json(body))
}

fn lines(own: &Own, selectors: &[Selector], query: &GraphQuery) -> Result<GraphBody, ApiError> {
    let mut found: Vec<(std::sync::Arc<Labels>, SeriesId)> = Vec::new();
    for selector in selectors {
        let ids = own.tsdb.select(selector).map_err(refused)?;
        found.extend(
            ids.into_iter()
                .filter_map(|id| Some((own.tsdb.labels(id)?, id))),
        );
    }
    found.sort();
    found.dedup_by_key(|(_, id)| *id);
    let left_out = found.len().saturating_sub(limits::GRAPH_SERIES_MAX);
    found.truncate(limits::GRAPH_SERIES_MAX);
    let ids: Vec<SeriesId> = found.iter().map(|(_, id)| *id).collect();
    let points = query.points.unwrap_or(600);
    let reduced = own
        .tsdb
        .query_reduced(&ids, query.from, query.to, points)
        .map_err(refused)?;
    let series = found
        .iter()
        .zip(reduced)
        .filter(|(_, points)| !points.is_empty());
    Ok(GraphBody {
        from_ms: query.from,
        to_ms: query.to,
        series: series
            .map(|((labels, _), points)| line(labels, &points))
            .collect(),
        left_out,
    })
}

fn line(labels: &Labels, points: &[ReducedPoint]) -> Line {
    let kept = labels.iter().filter(|label| label.name != METRIC_NAME);
    Line {
        name: labels.name().to_owned(),
        labels: kept
            .map(|label| (label.name.clone(), label.value.clone()))
            .collect(),
        t_ms: points.iter().map(|point| point.t_ms).collect(),
        min: points.iter().map(|point| point.min).collect(),
        max: points.iter().map(|point| point.max).collect(),
        mean: points.iter().map(|point| point.mean).collect(),
    }
}

fn refused(error: tsdb::Error) -> ApiError {
    match error {
        tsdb::Error::BadRegex { .. } => ApiError::invalid_field("series", error.to_string()),
        tsdb::Error::QueryTooLarge { .. } => {
            ApiError::bad_request("query_too_large", error.to_string())
        }
        other => ApiError::internal(other.to_string()),
    }
}
