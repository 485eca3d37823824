//! Reduced lines on one axis of time: steps as wide as a pixel or a sample, gaps where nothing came.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{Labels, METRIC_NAME, limits};
use tsdb::{ReducedPoint, SeriesId, Tsdb};
use web::ApiError;

use super::LineBody;
use super::drawn::Drawn;

/// A silence of more than so many steps is a gap.
const GAP_STEPS: i64 = 3;

/// The time asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
    pub(super) points: usize,
}

/// The lines of a graph.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) step_ms: i64,
    pub(super) t: Vec<i64>,
    pub(super) series: Vec<LineBody>,
    pub(super) left_out: usize,
}

/// Reads what is to be drawn.
pub(super) fn read(tsdb: &Tsdb, drawn: &Drawn, span: Span) -> Result<Lines, ApiError> {
    let mut found: Vec<(Arc<Labels>, SeriesId)> = Vec::new();
    for selector in &drawn.selectors {
        let ids = tsdb.select(selector).map_err(refused)?;
        // In the order of the selectors, so that stacked parts stand as the graph lists them.
        let mut part: Vec<_> = ids
            .into_iter()
            .filter_map(|id| Some((tsdb.labels(id)?, id)))
            .collect();
        part.sort();
        found.extend(part);
    }
    let ids: Vec<SeriesId> = found.iter().map(|(_, id)| *id).collect();
    let kept = ids.len().min(limits::GRAPH_SERIES_MAX * 4);
    let ids = ids.get(..kept).unwrap_or(&ids);
    let mut points = reduced(tsdb, ids, span)?;
    let spacing_ms = points
        .iter()
        .filter_map(|line| spacing(line))
        .max()
        .unwrap_or(0);
    let width_ms = (span.to_ms - span.from_ms) / i64::try_from(span.points.max(2)).unwrap_or(2);
    if width_ms > 0 && spacing_ms > width_ms * 3 / 2 {
        // Samples are rarer than pixels: a step is as wide as their distance.
        let fewer = (span.to_ms - span.from_ms) / spacing_ms;
        let points_max = usize::try_from(fewer).unwrap_or(span.points).max(2);
        points = reduced(
            tsdb,
            ids,
            Span {
                points: points_max,
                ..span
            },
        )?;
    }
    if drawn.rate {
        points = points.iter().map(|line| rates(line)).collect();
    }
    let named = found
        .into_iter()
        .zip(points)
        .filter(|(_, line)| !line.is_empty());
    let mut named: Vec<_> = named.map(|((labels, _), line)| (labels, line)).collect();
    let left_out = named.len().saturating_sub(limits::GRAPH_SERIES_MAX);
    if left_out > 0 {
        named.sort_by(|(_, a), (_, b)| top(b).total_cmp(&top(a)));
        named.truncate(limits::GRAPH_SERIES_MAX);
    }
    Ok(assemble(named, drawn, width_ms.max(spacing_ms), left_out))
}

fn reduced(tsdb: &Tsdb, ids: &[SeriesId], span: Span) -> Result<Vec<Vec<ReducedPoint>>, ApiError> {
    tsdb.query_reduced(ids, span.from_ms, span.to_ms, span.points)
        .map_err(refused)
}

fn top(line: &[ReducedPoint]) -> f64 {
    line.iter().map(|point| point.max).fold(f64::MIN, f64::max)
}

/// The usual distance of a line's points, in milliseconds.
fn spacing(line: &[ReducedPoint]) -> Option<i64> {
    let pairs = line.iter().zip(line.iter().skip(1));
    let mut distances: Vec<i64> = pairs.map(|(a, b)| b.t_ms - a.t_ms).collect();
    distances.sort_unstable();
    distances.get(distances.len() / 2).copied()
}

/// The increase per second between steps; a counter that fell began again at zero.
fn rates(line: &[ReducedPoint]) -> Vec<ReducedPoint> {
    let pairs = line.iter().zip(line.iter().skip(1));
    let rate = |(a, b): (&ReducedPoint, &ReducedPoint)| {
        let grown = if b.last < a.last {
            b.last
        } else {
            b.last - a.last
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "a distance of steps is far below 2^52"
        )]
        let seconds = (b.t_ms - a.t_ms) as f64 / 1_000.0;
        let value = grown / seconds;
        ReducedPoint {
            min: value,
            max: value,
            mean: value,
            last: value,
            ..*b
        }
    };
    pairs.map(rate).collect()
}

fn assemble(
    named: Vec<(Arc<Labels>, Vec<ReducedPoint>)>,
    drawn: &Drawn,
    step_ms: i64,
    left_out: usize,
) -> Lines {
    let times: BTreeSet<i64> = named
        .iter()
        .flat_map(|(_, line)| line.iter().map(|point| point.t_ms))
        .collect();
    let t = with_gaps(&times, step_ms);
    let metrics: Vec<&str> = named.iter().map(|(labels, _)| labels.name()).collect();
    let shared = shared_part(&metrics);
    let series = named
        .iter()
        .map(|(labels, line)| {
            let label = label(labels, &drawn.legend, shared);
            column(label, line, &t)
        })
        .collect();
    Lines {
        step_ms: step_ms.max(1),
        t: t.into_iter().map(|t_ms| t_ms.div_euclid(1_000)).collect(),
        series,
        left_out,
    }
}

/// The times with one empty step in every long silence, so that lines break there.
fn with_gaps(times: &BTreeSet<i64>, step_ms: i64) -> Vec<i64> {
    let mut out: Vec<i64> = Vec::with_capacity(times.len());
    for &t_ms in times {
        if let Some(&before) = out.last()
            && step_ms > 0
            && t_ms - before > step_ms * GAP_STEPS
        {
            out.push(before + step_ms);
        }
        out.push(t_ms);
    }
    out
}

fn column(label: String, line: &[ReducedPoint], t: &[i64]) -> LineBody {
    let mut body = LineBody {
        label,
        ..LineBody::default()
    };
    let mut points = line.iter().peekable();
    for &t_ms in t {
        let point = points.next_if(|point| point.t_ms == t_ms);
        body.mean.push(point.and_then(|point| short(point.mean)));
        body.min.push(point.and_then(|point| short(point.min)));
        body.max.push(point.and_then(|point| short(point.max)));
    }
    body
}

/// The value with five significant digits; none when it is no number.
fn short(value: f64) -> Option<f64> {
    let rounded: f64 = format!("{value:.4e}").parse().ok()?;
    rounded.is_finite().then_some(rounded)
}

/// What the metrics' names have in common at their start and at their end, cut at underscores.
fn shared_part<'a>(names: &[&'a str]) -> (&'a str, &'a str) {
    let Some(&first) = names.first() else {
        return ("", "");
    };
    if names.iter().all(|name| *name == first) {
        return (first, "");
    }
    let starts = first.match_indices('_').map(|(at, _)| at + 1).rev();
    let start = starts
        .filter_map(|at| first.get(..at))
        .find(|start| names.iter().all(|name| name.starts_with(start)))
        .unwrap_or("");
    let ends = first.match_indices('_').map(|(at, _)| at);
    let fits = |end: &&str| {
        names
            .iter()
            .all(|name| name.ends_with(end) && name.len() > start.len() + end.len())
    };
    let end = ends.filter_map(|at| first.get(at..)).find(fits);
    (start, end.unwrap_or(""))
}

/// A line's name: the labels of the legend, and the metric where there are several.
fn label(labels: &Labels, legend: &[String], (start, end): (&str, &str)) -> String {
    let metric = labels.name();
    let metric = metric.strip_prefix(start).unwrap_or(metric);
    let metric = metric.strip_suffix(end).unwrap_or(metric).replace('_', " ");
    let named = legend.iter().filter_map(|name| labels.get(name));
    let mut parts: Vec<String> = named
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .collect();
    if !metric.is_empty() {
        parts.push(metric);
    }
    if parts.is_empty() && legend.is_empty() {
        let others = labels.iter().filter(|label| {
            !matches!(label.name.as_str(), METRIC_NAME | "ci" | "instance" | "job")
        });
        parts.extend(others.map(|label| label.value.clone()));
    }
    if parts.is_empty() {
        parts.push(labels.name().replace('_', " "));
    }
    parts.join(" ")
}

pub(super) fn refused(error: tsdb::Error) -> ApiError {
    match error {
        tsdb::Error::BadRegex { .. } => ApiError::invalid_field("series", error.to_string()),
        tsdb::Error::QueryTooLarge { .. } => {
            ApiError::bad_request("query_too_large", error.to_string())
        }
        other => ApiError::internal(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(t_ms: i64, value: f64) -> ReducedPoint {
        ReducedPoint {
            t_ms,
            min: value,
            max: value,
            mean: value,
            last: value,
            count: 1,
        }
    }

    #[test]
    fn values_have_five_significant_digits() {
        for (value, shown) in [
            (0.123_456_78, "0.12346"),
            (1_234_567.0, "1234600.0"),
            (0.0, "0.0"),
            (98.0, "98.0"),
        ] {
            let text = serde_json::to_string(&short(value).unwrap()).unwrap();
            assert_eq!(text, shown);
        }
        assert_eq!(short(f64::NAN), None);
    }

    #[test]
    fn a_silence_breaks_the_line_and_a_missed_step_does_not() {
        let times = BTreeSet::from([0, 10, 30, 100]);
        assert_eq!(with_gaps(&times, 10), [0, 10, 30, 40, 100]);
        let column = column(
            "a".to_owned(),
            &[point(0, 1.0), point(100, 2.0)],
            &[0, 40, 100],
        );
        assert_eq!(column.mean, [Some(1.0), None, Some(2.0)]);
    }

    #[test]
    fn a_counter_that_began_again_is_not_negative() {
        let line = [point(0, 100.0), point(10_000, 200.0), point(20_000, 50.0)];
        let found: Vec<f64> = rates(&line).iter().map(|point| point.mean).collect();
        assert_eq!(found, [10.0, 5.0]);
    }

    #[test]
    fn lines_are_named_by_what_tells_them_apart() {
        let labels = |name: &str, pairs: &[(&str, &str)]| Labels::metric(name, pairs).unwrap();
        let names = ["node_load1", "node_load5", "node_load15"];
        let one = labels(names[0], &[("ci", "x")]);
        assert_eq!(label(&one, &[], shared_part(&names)), "load1");
        let names = ["a_read_bytes_per_second", "a_written_bytes_per_second"];
        let legend = ["device".to_owned()];
        let one = labels(names[1], &[("device", "sda")]);
        assert_eq!(label(&one, &legend, shared_part(&names)), "sda written");
        let names = ["used_ratio", "used_ratio"];
        let one = labels(names[0], &[("mountpoint", "/var")]);
        let legend = ["mountpoint".to_owned()];
        assert_eq!(label(&one, &legend, shared_part(&names)), "/var");
        assert_eq!(
            label(&labels("used_ratio", &[]), &[], shared_part(&names)),
            "used ratio"
        );
    }
}
