//! Stretches of a graph whose samples came late: an agent was cut off and sent them from its queue.

use model::{CiId, MatchOp, Selector};
use tsdb::Tsdb;
use web::ApiError;

use super::drawn::CI_LABEL;
use super::lines::{Span, refused};

/// The series in which the server notes the passes that came late: 1 at the time of each.
pub const LATE_SERIES: &str = "bongsu_agent_late";
/// Late passes not further apart than this belong to one stretch, whatever their distance.
const TOGETHER_MS: i64 = 30_000;
/// Beyond that, passes at most so many times the usual distance apart.
const TOGETHER_STEPS: i64 = 3;

/// The stretches of a host, ascending: start and end, UTC milliseconds.
pub(super) fn read(tsdb: &Tsdb, host: CiId, span: Span) -> Result<Vec<[i64; 2]>, ApiError> {
    let selector = Selector::default()
        .and(model::METRIC_NAME, MatchOp::Eq, LATE_SERIES)
        .and(CI_LABEL, MatchOp::Eq, &host.to_string());
    let series = tsdb.select(&selector).map_err(refused)?;
    let lines = tsdb.query_reduced(&series, span.from_ms, span.to_ms, span.points);
    let points = lines.map_err(refused)?.into_iter().flatten();
    let mut times: Vec<i64> = points.map(|point| point.t_ms).collect();
    times.sort_unstable();
    Ok(stretches(&times))
}

fn stretches(times: &[i64]) -> Vec<[i64; 2]> {
    let pairs = times.iter().zip(times.iter().skip(1));
    let least_ms = pairs.map(|(a, b)| b - a).filter(|ms| *ms > 0).min();
    let together_ms = TOGETHER_MS.max(least_ms.unwrap_or(0) * TOGETHER_STEPS);
    let mut found: Vec<[i64; 2]> = Vec::new();
    for &time in times {
        match found.last_mut() {
            Some([_, end]) if time - *end <= together_ms => *end = time,
            _ => found.push([time, time]),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::stretches;

    #[test]
    fn passes_near_each_other_are_one_stretch() {
        assert_eq!(stretches(&[]), [[0; 2]; 0]);
        let times = [0, 10_000, 20_000, 500_000, 510_000];
        assert_eq!(stretches(&times), [[0, 20_000], [500_000, 510_000]]);
        // A pass every five minutes: fifteen minutes are still one stretch.
        let rare = [0, 300_000, 1_200_000, 3_000_000];
        assert_eq!(stretches(&rare), [[0, 1_200_000], [3_000_000; 2]]);
    }
}
