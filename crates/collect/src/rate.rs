//! Speed from counters: the difference of two readings over the monotonic time between them.

use crate::collector::Tick;
use crate::scan::as_f64;

/// The increase of a counter that may start again at zero; a fall counts as a restart: no value.
#[must_use]
pub fn increase(before: u64, after: u64) -> Option<f64> {
    after.checked_sub(before).map(as_f64)
}

/// Seconds from one tick to the next; none when no time passed.
#[must_use]
pub fn seconds_between(before: &Tick, after: &Tick) -> Option<f64> {
    let ns = after
        .mono_ns
        .checked_sub(before.mono_ns)
        .filter(|&ns| ns > 0)?;
    Some(as_f64(ns) / 1e9)
}

/// `part / whole`, none when the whole is not positive.
#[must_use]
pub fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restarted_counter_gives_no_speed() {
        assert_eq!(increase(10, 15), Some(5.0));
        assert_eq!(increase(15, 10), None);
        assert_eq!(ratio(1.0, 0.0), None);
        let at = |mono_ns| Tick {
            mono_ns,
            ..Tick::default()
        };
        assert_eq!(seconds_between(&at(0), &at(2_000_000_000)), Some(2.0));
        assert_eq!(seconds_between(&at(5), &at(5)), None);
    }
}
