//! Exponential back-off with full jitter and a cap.

use crate::Entropy;

/// How long to wait before try number `n`: doubling from `first_ms` up to `cap_ms`, then jittered.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Upper bound of the first wait, in milliseconds.
    pub first_ms: u64,
    /// Upper bound of every wait, in milliseconds.
    pub cap_ms: u64,
}

impl Backoff {
    /// The wait before retry `attempt` (0 = first retry), without jitter, in milliseconds.
    #[must_use]
    pub fn ceiling_ms(self, attempt: u32) -> u64 {
        self.first_ms
            .saturating_mul(1_u64 << attempt.min(32))
            .min(self.cap_ms)
    }

    /// The wait before retry `attempt`, drawn between half the ceiling and the ceiling, so that a
    /// thousand clients of one dead server do not come back in the same second.
    #[must_use]
    pub fn wait_ms(self, attempt: u32, entropy: &dyn Entropy) -> u64 {
        let ceiling = self.ceiling_ms(attempt);
        let half = ceiling / 2;
        half + entropy.next_u64() % (ceiling - half + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    #[test]
    fn waits_double_up_to_the_cap_and_stay_within_half() {
        let backoff = Backoff {
            first_ms: 500,
            cap_ms: 60_000,
        };
        assert_eq!(backoff.ceiling_ms(0), 500);
        assert_eq!(backoff.ceiling_ms(3), 4_000);
        assert_eq!(backoff.ceiling_ms(40), 60_000);
        let entropy = SeededEntropy::new(1);
        for attempt in 0..20 {
            let wait = backoff.wait_ms(attempt, &entropy);
            assert!(wait >= backoff.ceiling_ms(attempt) / 2 && wait <= backoff.ceiling_ms(attempt));
        }
    }
}
