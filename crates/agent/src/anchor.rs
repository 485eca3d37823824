//! What time it is: the server's clock, carried on by this host's monotonic one.
//!
//! The host's own wall clock is only a signal. Before the first answer of a server it stands in,
//! corrected by the offset that an earlier run measured.

/// Pings with a round trip this much longer than the best are not believed, in nanoseconds.
const SLACK_NS: u64 = 2_000_000;
/// After so many unbelieved pings in a row the road has changed: the next is believed.
const UNBELIEVED_MAX: u32 = 5;

/// How good a time is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Quality {
    /// The host's wall clock alone, or with an offset of an earlier run.
    Guessed,
    /// Anchored to the server's clock.
    Anchored,
}

/// Two readings of this host's clocks, taken together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Reading {
    pub(crate) wall_ms: i64,
    pub(crate) mono_ns: u64,
}

impl Reading {
    pub(crate) fn now(clock: &dyn stdx::Clock) -> Self {
        Self {
            wall_ms: clock.now_ms(),
            mono_ns: clock.mono_ns(),
        }
    }
}

/// The relation between this host's clocks and the server's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Anchor {
    /// Server time minus monotonic time, in nanoseconds.
    base_ns: Option<i128>,
    best_trip_ns: u64,
    unbelieved: u32,
    /// Server time minus wall time, in milliseconds, as last measured; by this run or an earlier.
    offset_ms: Option<i64>,
}

impl Anchor {
    /// With the offset that an earlier run measured.
    pub(crate) fn new(offset_ms: Option<i64>) -> Self {
        Self {
            offset_ms,
            ..Self::default()
        }
    }

    /// A ping sent at `sent_ns` came back now with the server's time; true when it is believed.
    pub(crate) fn pong(&mut self, sent_ns: u64, now: Reading, server_ms: i64) -> bool {
        let trip_ns = now.mono_ns.saturating_sub(sent_ns);
        let believed = self.base_ns.is_none()
            || trip_ns <= self.best_trip_ns.saturating_mul(2).saturating_add(SLACK_NS)
            || self.unbelieved >= UNBELIEVED_MAX;
        if !believed {
            self.unbelieved += 1;
            return false;
        }
        if self.base_ns.is_none() || self.unbelieved >= UNBELIEVED_MAX {
            self.best_trip_ns = trip_ns;
        }
        self.unbelieved = 0;
        // The best of late, not of all time: a road may become longer.
        self.best_trip_ns = trip_ns.min(self.best_trip_ns + self.best_trip_ns / 64 + 1);
        let middle_ns = i128::from(sent_ns) + i128::from(trip_ns / 2);
        self.base_ns = Some(i128::from(server_ms) * 1_000_000 - middle_ns);
        self.offset_ms = Some(self.at_mono(now.mono_ns).unwrap_or(server_ms) - now.wall_ms);
        true
    }

    /// The server's time at a monotonic reading of this run, once anchored.
    pub(crate) fn at_mono(&self, mono_ns: u64) -> Option<i64> {
        let ns = self.base_ns? + i128::from(mono_ns);
        i64::try_from(ns.div_euclid(1_000_000)).ok()
    }

    /// The best estimate of the server's time now.
    pub(crate) fn time_ms(&self, now: Reading) -> (i64, Quality) {
        match self.at_mono(now.mono_ns) {
            Some(time_ms) => (time_ms, Quality::Anchored),
            None => (
                now.wall_ms.saturating_add(self.offset_ms.unwrap_or(0)),
                Quality::Guessed,
            ),
        }
    }

    /// How far the host's wall clock is ahead of the server's, in seconds, once anchored.
    pub(crate) fn clock_offset_s(&self, now: Reading) -> Option<f64> {
        let ahead_ms = now.wall_ms.saturating_sub(self.at_mono(now.mono_ns)?);
        Some(ahead_ms as f64 / 1_000.0)
    }

    /// Server time minus wall time, to be kept for the next run.
    pub(crate) const fn offset_ms(&self) -> Option<i64> {
        self.offset_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR_MS: i64 = 365 * 86_400_000;
    const NOW_MS: i64 = 1_700_000_000_000;

    fn at(mono_ms: u64) -> Reading {
        let wall_ms = NOW_MS - YEAR_MS + mono_ms as i64;
        Reading {
            wall_ms,
            mono_ns: mono_ms * 1_000_000,
        }
    }

    #[test]
    fn a_wall_clock_a_year_off_is_only_a_signal() {
        let mut anchor = Anchor::default();
        assert_eq!(anchor.time_ms(at(0)), (NOW_MS - YEAR_MS, Quality::Guessed));
        assert_eq!(anchor.clock_offset_s(at(0)), None);
        assert!(anchor.pong(0, at(20), NOW_MS + 10));
        assert_eq!(
            anchor.time_ms(at(1_000)),
            (NOW_MS + 1_000, Quality::Anchored)
        );
        assert_eq!(
            anchor.clock_offset_s(at(1_000)),
            Some(-(YEAR_MS as f64) / 1_000.0)
        );
        let next_run = Anchor::new(anchor.offset_ms());
        assert_eq!(
            next_run.time_ms(at(5_000)),
            (NOW_MS + 5_000, Quality::Guessed)
        );
    }

    #[test]
    fn slow_pings_are_not_believed_unless_the_road_has_changed() {
        let mut anchor = Anchor::default();
        assert!(anchor.pong(0, at(2), NOW_MS + 1));
        for n in 1..=u64::from(UNBELIEVED_MAX) {
            let sent_ms = n * 1_000;
            assert!(!anchor.pong(sent_ms * 1_000_000, at(sent_ms + 400), NOW_MS));
        }
        assert!(anchor.pong(9_000_000_000, at(9_400), NOW_MS + 9_200));
        assert!(anchor.pong(10_000_000_000, at(10_400), NOW_MS + 10_200));
    }

    #[test]
    fn a_jump_of_the_servers_clock_is_followed() {
        let mut anchor = Anchor::default();
        anchor.pong(0, at(2), NOW_MS + 1);
        anchor.pong(60_000_000_000, at(60_002), NOW_MS + 60_001 + 3_600_000);
        assert_eq!(anchor.time_ms(at(61_000)).0, NOW_MS + 61_000 + 3_600_000);
    }
}
