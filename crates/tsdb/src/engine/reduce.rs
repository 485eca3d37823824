//! Reduced lines for graphs: what a pixel column needs.

use model::limits;

use super::Tsdb;
use crate::SeriesId;
use crate::error::Result;
use crate::memory::Point;

/// Series read at once: neighbours share blocks, and the answer in full stays small.
const GROUP: usize = 16;

/// One bucket of a graph's line. Markers of staleness and other NaNs do not count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReducedPoint {
    /// Where the bucket begins, UTC milliseconds.
    pub t_ms: i64,
    /// The least value in it.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The newest.
    pub last: f64,
    /// How many samples.
    pub count: u32,
}

impl Tsdb {
    /// At most `max_points` buckets for each series, also bounded by `GRAPH_POINTS_MAX`; empty
    /// buckets are left out. Buckets begin at multiples of their width, so that a graph that moves
    /// on does not flicker.
    ///
    /// # Errors
    /// As [`Tsdb::query`], for 16 series at a time.
    pub fn query_reduced(
        &self,
        series: &[SeriesId],
        from_ms: i64,
        to_ms: i64,
        max_points: usize,
    ) -> Result<Vec<Vec<ReducedPoint>>> {
        let width_ms = width_ms(from_ms, to_ms, max_points);
        let mut out = Vec::with_capacity(series.len());
        for group in series.chunks(GROUP) {
            let lines = self.query(group, from_ms, to_ms)?;
            out.extend(lines.iter().map(|points| reduce(points, width_ms)));
        }
        Ok(out)
    }
}

/// The width with which the range touches at most `max_points` buckets, wherever they begin.
fn width_ms(from_ms: i64, to_ms: i64, max_points: usize) -> i64 {
    let points = max_points.clamp(2, limits::GRAPH_POINTS_MAX);
    let span_ms = to_ms.saturating_sub(from_ms).max(0).saturating_add(1);
    let points = i64::try_from(points).unwrap_or(i64::MAX);
    span_ms.saturating_add(points - 2) / (points - 1)
}

fn reduce(points: &[Point], width_ms: i64) -> Vec<ReducedPoint> {
    let bucket = |point: &Point| point.t_ms.div_euclid(width_ms.max(1));
    let runs = points.chunk_by(|a, b| bucket(a) == bucket(b));
    runs.filter_map(|run| reduce_run(run, bucket(run.first()?).saturating_mul(width_ms)))
        .collect()
}

fn reduce_run(run: &[Point], t_ms: i64) -> Option<ReducedPoint> {
    let mut values = run
        .iter()
        .map(|point| point.value)
        .filter(|value| !value.is_nan());
    let first = values.next()?;
    let mut point = ReducedPoint {
        t_ms,
        min: first,
        max: first,
        mean: first,
        last: first,
        count: 1,
    };
    for value in values {
        point.count += 1;
        point.min = point.min.min(value);
        point.max = point.max.max(value);
        point.last = value;
        // Running mean: a sum of large counters would lose digits.
        point.mean += (value - point.mean) / f64::from(point.count);
    }
    Some(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_keeps_its_extremes_and_ignores_stale_marks() {
        let values = [3.0, f64::from_bits(crate::STALE_NAN_BITS), 1.0, 8.0];
        let points: Vec<Point> = (0..)
            .zip(values)
            .map(|(t_ms, value)| Point { t_ms, value })
            .collect();
        let got = reduce(&points, 10);
        assert_eq!(
            got,
            vec![ReducedPoint {
                t_ms: 0,
                min: 1.0,
                max: 8.0,
                mean: 4.0,
                last: 8.0,
                count: 3
            }]
        );
        assert_eq!(reduce(&points[1..2], 10), vec![]);
        assert_eq!(reduce(&points, 2).len(), 2);
    }

    #[test]
    fn no_range_gives_more_points_than_asked_for() {
        for (from, to, max) in [
            (0, 999, 10),
            (7, 1_006, 10),
            (-5, 5, 3),
            (0, 0, 1),
            (0, 86_399, 1_500),
        ] {
            let width = width_ms(from, to, max);
            let buckets = to.div_euclid(width) - from.div_euclid(width) + 1;
            assert!(
                buckets <= i64::try_from(max.max(2)).unwrap(),
                "{from}..{to}: {buckets}"
            );
        }
    }
}
