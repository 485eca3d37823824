//! The clock: wall time in UTC milliseconds and a monotonic reading, as an argument.

use std::fmt::Debug;
use std::sync::Mutex;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A source of time. Records carry wall time; durations and timers use the monotonic reading.
pub trait Clock: Debug + Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z; may jump when an administrator sets the clock.
    fn now_ms(&self) -> i64;

    /// Nanoseconds since an arbitrary start; never goes back.
    fn mono_ns(&self) -> u64;
}

/// The machine's own clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic reading starts at zero now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn mono_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A clock that stands still until it is told to move; for tests and simulation.
#[derive(Debug)]
pub struct VirtualClock {
    now: Mutex<(i64, u64)>,
}

impl VirtualClock {
    /// A clock that shows `start_ms` (UTC milliseconds) and a monotonic reading of zero.
    #[must_use]
    pub const fn new(start_ms: i64) -> Self {
        Self {
            now: Mutex::new((start_ms, 0)),
        }
    }

    /// Moves both readings forward by `by_ms` milliseconds.
    pub fn advance_ms(&self, by_ms: u64) {
        let mut now = self.lock();
        now.0 = now.0.saturating_add_unsigned(by_ms);
        now.1 = now.1.saturating_add(by_ms.saturating_mul(1_000_000));
    }

    /// Sets the wall clock only, as an administrator or a bad time server would.
    pub fn jump_to_ms(&self, wall_ms: i64) {
        self.lock().0 = wall_ms;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (i64, u64)> {
        self.now
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now_ms(&self) -> i64 {
        self.lock().0
    }

    fn mono_ns(&self) -> u64 {
        self.lock().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_moves_only_when_told() {
        let clock = VirtualClock::new(1_000);
        assert_eq!((clock.now_ms(), clock.mono_ns()), (1_000, 0));
        clock.advance_ms(250);
        assert_eq!((clock.now_ms(), clock.mono_ns()), (1_250, 250_000_000));
        clock.jump_to_ms(5);
        assert_eq!((clock.now_ms(), clock.mono_ns()), (5, 250_000_000));
    }

    #[test]
    fn the_system_clock_is_after_2020_and_monotonic() {
        let clock = SystemClock::new();
        assert!(clock.now_ms() > 1_577_836_800_000);
        let first = clock.mono_ns();
        assert!(clock.mono_ns() >= first);
    }
}
