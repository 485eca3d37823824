//! When a file system will be full: a robust slope over the recent hours.
//!
//! The slope is that of Theil and Sen, the median of the slopes between all pairs of points, so
//! that one large file made and deleted does not bend it: up to 29 % of the points may lie.

/// Points kept; when all are used every second one is dropped and the step doubles.
const POINTS: usize = 48;
/// The first distance between points, in milliseconds.
const STEP_MS_MIN: i64 = 30_000;
/// The greatest distance between points: 48 of them then span eight hours.
const STEP_MS_MAX: i64 = 600_000;
/// No forecast from less than this much history, in milliseconds.
const HISTORY_MS_MIN: i64 = 15 * 60 * 1_000;
/// What stands for "not filling up": a year, in seconds. A rule compares it like any other value.
pub const NEVER_S: f64 = 365.0 * 86_400.0;

/// The recent history of the bytes available, and the forecast from it.
#[derive(Clone, Debug)]
pub struct Trend {
    points: Vec<(i64, f64)>,
    step_ms: i64,
    slope_per_s: Option<f64>,
    slopes: Vec<f64>,
}

impl Default for Trend {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            step_ms: STEP_MS_MIN,
            slope_per_s: None,
            slopes: Vec::new(),
        }
    }
}

impl Trend {
    /// Takes a measurement; most passes only compare the time with the last point's.
    pub fn push(&mut self, now_ms: i64, available_bytes: f64) {
        if let Some(&(last_ms, _)) = self.points.last() {
            if now_ms < last_ms {
                // The clock was set back: the history means nothing any more.
                *self = Self::default();
            } else if now_ms - last_ms < self.step_ms {
                return;
            }
        }
        if self.points.len() >= POINTS {
            if self.step_ms < STEP_MS_MAX {
                self.step_ms = (self.step_ms * 2).min(STEP_MS_MAX);
                let mut keep = false;
                self.points.retain(|_| {
                    keep = !keep;
                    keep
                });
            } else {
                self.points.remove(0);
            }
        }
        self.points.push((now_ms, available_bytes));
        self.slope_per_s = self.slope();
    }

    fn slope(&mut self) -> Option<f64> {
        let (first, last) = (self.points.first()?.0, self.points.last()?.0);
        if last - first < HISTORY_MS_MIN {
            return None;
        }
        self.slopes.clear();
        for (i, &(from_ms, from)) in self.points.iter().enumerate() {
            for &(to_ms, to) in self.points.iter().skip(i + 1) {
                #[expect(clippy::cast_precision_loss, reason = "milliseconds of some hours")]
                let seconds = (to_ms - from_ms) as f64 / 1_000.0;
                if seconds > 0.0 {
                    self.slopes.push((to - from) / seconds);
                }
            }
        }
        let middle = self.slopes.len() / 2;
        if middle == 0 {
            return None;
        }
        let (_, median, _) = self.slopes.select_nth_unstable_by(middle, f64::total_cmp);
        Some(*median)
    }

    /// Seconds until nothing is available, [`NEVER_S`] when it is not filling up; none while the
    /// history is too short to tell.
    #[must_use]
    pub fn full_s(&self, available_bytes: f64) -> Option<f64> {
        let slope = self.slope_per_s?;
        if slope >= 0.0 {
            return Some(NEVER_S);
        }
        Some((available_bytes / -slope).clamp(0.0, NEVER_S))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: f64 = 1_073_741_824.0;

    fn fill(hours: i64, bytes_at: impl Fn(i64) -> f64) -> (Trend, f64) {
        let mut trend = Trend::default();
        let mut last = 0.0;
        for second in (0..hours * 3_600).step_by(10) {
            last = bytes_at(second);
            trend.push(second * 1_000, last);
        }
        (trend, last)
    }

    #[test]
    fn a_steady_fill_is_forecast() {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let (trend, left) = fill(6, |s| 100.0 * GIB - s as f64 * 0.001 * GIB);
        let full_s = trend.full_s(left).unwrap();
        assert!((full_s - left / (0.001 * GIB)).abs() < 60.0, "{full_s}");
        assert!(trend.points.len() <= POINTS);
    }

    #[test]
    fn one_large_file_made_and_deleted_does_not_bend_it() {
        let spike = |s: i64| {
            if (9_000..11_000).contains(&s) {
                40.0 * GIB
            } else {
                100.0 * GIB
            }
        };
        let (trend, left) = fill(4, spike);
        assert_eq!(trend.full_s(left), Some(NEVER_S));
    }

    #[test]
    fn too_little_history_gives_no_forecast() {
        let mut trend = Trend::default();
        for minute in 0..14 {
            trend.push(minute * 60_000, 1e9);
        }
        assert_eq!(trend.full_s(1e9), None);
        trend.push(15 * 60_000, 1e9);
        assert_eq!(trend.full_s(1e9), Some(NEVER_S));
        trend.push(0, 1e9);
        assert_eq!(trend.full_s(1e9), None);
    }
}
