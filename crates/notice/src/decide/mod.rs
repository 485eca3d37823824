//! Every decision of this slice, as pure functions: no store, no clock, no randomness.

mod attempt;
mod hours;
mod matching;
mod pairing;
mod rate;
mod route;

pub use attempt::{FALLBACK_AFTER_MS, GIVE_UP_MS, LEASE_MS, Next, RETRY, after_failure};
pub use hours::{check_rule, fits_hours};
pub use pairing::{Pairing, pair};
pub use rate::{DIGEST_GAP_MS, Plan, Rate};
pub use route::{Decision, Roster, route};

#[cfg(test)]
mod tests;
