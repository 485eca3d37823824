//! What follows from a failed try: another one, another channel, or giving up visibly.

use notify::{Failure, SendError};
use stdx::{Backoff, Entropy};

/// The wait between tries: the first within seconds, later ones every ten minutes.
pub const RETRY: Backoff = Backoff {
    first_ms: 2_000,
    cap_ms: 10 * 60 * 1_000,
};
/// How long a notice is tried in all, in milliseconds.
pub const GIVE_UP_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long a channel is tried before the next of its chain takes over, in milliseconds.
pub const FALLBACK_AFTER_MS: i64 = 60 * 1_000;
/// How long a lane holds a row before another may take it over, in milliseconds: longer than any
/// send and the writing of its result.
pub const LEASE_MS: i64 = 60 * 1_000;

/// What to do after a failed try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Try again at this time, UTC milliseconds.
    Again(i64),
    /// Another channel takes over.
    Fallback,
    /// Nothing more is tried; it is visibly undelivered.
    GiveUp,
}

/// Decides after a failure of the try number `attempts` (from 1).
#[must_use]
pub fn after_failure(
    error: &SendError,
    (attempts, first_try_ms): (i64, i64),
    has_fallback: bool,
    now_ms: i64,
    entropy: &dyn Entropy,
) -> Next {
    let tried_ms = now_ms.saturating_sub(first_try_ms);
    if has_fallback && (error.failure == Failure::Permanent || tried_ms >= FALLBACK_AFTER_MS) {
        return Next::Fallback;
    }
    if error.failure == Failure::Permanent || tried_ms >= GIVE_UP_MS {
        return Next::GiveUp;
    }
    let attempt = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    let wait_ms = RETRY
        .wait_ms(attempt, entropy)
        .max(error.wait_ms.unwrap_or(0));
    Next::Again(now_ms.saturating_add_unsigned(wait_ms))
}
