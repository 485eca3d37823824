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

/// How finely a computed quantity is told: steps in one unit, none for what is told as it is.
///
/// What is computed here has noise in its last digits, which costs bytes on the wire and on disk
/// and means nothing: a ratio of 0.4137 says what one of 0.413_702_881_5 says. Shares of packets
/// are small and their levels finer; a forecast of fullness is no better than a second.
#[must_use]
pub fn steps_per_unit(metric: &str) -> Option<f64> {
    const ENDS: [(&str, f64); 13] = [
        ("_age_seconds", 1.0),
        ("_full_seconds", 1.0),
        ("_per_second", 1.0),
        ("_duration_seconds", 1e3),
        ("_offset_seconds", 1e4),
        ("_seconds", 1e5),
        ("_agent_cpu_ratio", 1e6),
        ("_drop_ratio", 1e6),
        ("_error_ratio", 1e6),
        ("_retransmit_ratio", 1e6),
        ("_ratio", 1e4),
        ("_ratio_max", 1e4),
        ("_load_per_cpu", 1e4),
    ];
    // node_exporter's quantities are read, not computed, and its unit is theirs.
    metric.strip_prefix("bongsu")?;
    let end = ENDS.iter().find(|(end, _)| metric.ends_with(end));
    end.map(|(_, steps)| *steps)
}

/// The value at the nearest step; a value too large for steps stays as it is.
#[must_use]
pub fn to_step(value: f64, steps_per_unit: f64) -> f64 {
    // Adding zero makes of a negative zero the one that has no sign.
    let steps = (value * steps_per_unit).round() + 0.0;
    if steps.is_finite() {
        steps / steps_per_unit
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computed_quantities_have_few_digits_and_read_ones_all() {
        let told = |metric, value| steps_per_unit(metric).map(|steps| to_step(value, steps));
        assert_eq!(told("bongsu_cpu_used_ratio", 0.413_702_881), Some(0.4137));
        assert_eq!(told("bongsu_network_error_ratio", 2.0 / 3e5), Some(7e-6));
        assert_eq!(told("bongsu_disk_await_seconds", 0.010_49), Some(0.010_49));
        assert_eq!(told("bongsu_disk_read_bytes_per_second", 9.51), Some(10.0));
        let zero = told("bongsu_clock_offset_seconds", -1e-5).map(f64::to_bits);
        assert_eq!(zero, Some(0));
        assert_eq!(told("bongsu_memory_used_ratio", f64::MAX), Some(f64::MAX));
        assert_eq!(steps_per_unit("node_load1"), None);
        assert_eq!(steps_per_unit("node_disk_io_time_seconds_total"), None);
    }

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
