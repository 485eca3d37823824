//! What the standard library could have: clocks, entropy, back-off, human numbers.
//!
//! Nothing here knows a host, a metric or a problem. Invariant: no other crate reads a clock or asks
//! the operating system for randomness; both are arguments everywhere else.

mod backoff;
mod clock;
mod entropy;
mod quantity;

pub use backoff::Backoff;
pub use clock::{Clock, SystemClock, VirtualClock};
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
pub use quantity::{Dimension, Quantity, QuantityError, parse_duration_ms, parse_quantity};

use std::sync::Arc;

/// The two sources of surprise, handed down together: a clock and randomness.
#[derive(Clone, Debug)]
pub struct Env {
    /// Time; real in programs, virtual in tests and simulation.
    pub clock: Arc<dyn Clock>,
    /// Randomness; the operating system's in programs, seeded in tests and simulation.
    pub entropy: Arc<dyn Entropy>,
}

impl Env {
    /// The environment of a real program.
    #[must_use]
    pub fn system() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(OsEntropy),
        }
    }

    /// The environment of a test: time stands still until it is advanced, randomness repeats.
    #[must_use]
    pub fn simulated(start_ms: i64, seed: u64) -> (Self, Arc<VirtualClock>) {
        let clock = Arc::new(VirtualClock::new(start_ms));
        let env = Self {
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(seed)),
        };
        (env, clock)
    }
}
