//! How much one recipient gets on one channel: single notices up to a rate, then digests.

use std::collections::VecDeque;

/// The span that the rate is counted over, in milliseconds.
const MINUTE_MS: i64 = 60_000;
/// Between two digests to one recipient, in milliseconds.
pub const DIGEST_GAP_MS: i64 = 5_000;

/// What one recipient got on one channel within the last minute.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    sent_ms: VecDeque<i64>,
    digest_ms: Option<i64>,
}

/// How to send what waits for one recipient.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Plan {
    /// So many one by one, the first ones; the rest, if any, waits for the next look.
    Single(usize),
    /// All of it in one message.
    Digest,
    /// Nothing before this time, UTC milliseconds.
    Wait(i64),
}

impl Rate {
    /// Decides for `waiting` rows.
    #[must_use]
    pub fn plan(&mut self, waiting: usize, per_minute: i64, now_ms: i64) -> Plan {
        // A clock that was set back must not silence anybody.
        self.sent_ms
            .retain(|at_ms| (now_ms - MINUTE_MS..=now_ms).contains(at_ms));
        let per_minute = usize::try_from(per_minute).unwrap_or(usize::MAX).max(1);
        let free = per_minute.saturating_sub(self.sent_ms.len());
        if free > 0 {
            return Plan::Single(free.min(waiting));
        }
        let next_ms = self.digest_ms.map_or(now_ms, |at_ms| at_ms + DIGEST_GAP_MS);
        let set_back = self.digest_ms.is_some_and(|at_ms| at_ms > now_ms);
        if next_ms <= now_ms || set_back {
            Plan::Digest
        } else {
            Plan::Wait(next_ms)
        }
    }

    /// Notes a single notice.
    pub fn sent(&mut self, now_ms: i64) {
        self.sent_ms.push_back(now_ms);
    }

    /// Notes a digest.
    pub const fn digested(&mut self, now_ms: i64) {
        self.digest_ms = Some(now_ms);
    }

    /// Whether nothing is remembered any more.
    #[must_use]
    pub fn is_idle(&self, now_ms: i64) -> bool {
        let old = |at_ms: i64| now_ms - at_ms > MINUTE_MS;
        self.sent_ms.back().is_none_or(|at_ms| old(*at_ms)) && self.digest_ms.is_none_or(old)
    }
}
