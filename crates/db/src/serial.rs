//! Ids of the store's own rows: `UUIDv7` that never goes back, so that rows sort as they were made.

use std::sync::{Mutex, PoisonError};

use stdx::Env;

/// Makes 128-bit values that grow, also within one millisecond and when the clock jumps back.
#[derive(Debug, Default)]
pub(crate) struct Serial {
    last: Mutex<u64>,
}

impl Serial {
    /// The next value: 48 bits of milliseconds, version, a 12-bit counter (RFC 9562, section 6.2,
    /// method 1), variant, 62 random bits.
    pub(crate) fn next(&self, env: &Env) -> u128 {
        let now_ms = u64::try_from(env.clock.now_ms()).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (now_ms << 12).max(*last + 1);
        let (ms, counter) = (*last >> 12, *last & 0xFFF);
        drop(last);
        let random = u128::from(env.entropy.next_u64() >> 2);
        (u128::from(ms) << 80) | (0x7 << 76) | (u128::from(counter) << 64) | (0b10 << 62) | random
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_grow_within_a_millisecond_and_when_the_clock_goes_back() {
        let (env, clock) = Env::simulated(1_700_000_000_000, 1);
        let serial = Serial::default();
        let mut last = serial.next(&env);
        for step in 0..10_000 {
            if step == 5_000 {
                clock.jump_to_ms(1_600_000_000_000);
            }
            let next = serial.next(&env);
            assert!(next > last);
            last = next;
        }
    }
}
