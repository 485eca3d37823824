//! The flap guard: the first notice always goes out, later ones wait at most ten minutes.
//!
//! A pair that flaps opens one problem after another, so what was told and since when notices are
//! held goes on from a pair's closed problem to its next one.

use model::limits::FLAP_HOLD_MS_MAX;

use crate::model::Problem;

/// Whether a notice of this problem waits: the state changes too often and something was told
/// less than ten minutes ago.
pub(crate) fn holds(problem: &Problem, now_ms: i64) -> bool {
    problem.flapping
        && problem.told_ms > 0
        && now_ms.saturating_sub(problem.told_ms) < FLAP_HOLD_MS_MAX
        && !is_due(problem, now_ms)
}

/// Whether notices were held so long that "it flaps" must be told.
pub(crate) fn is_due(problem: &Problem, now_ms: i64) -> bool {
    problem.flap_held_ms > 0 && now_ms.saturating_sub(problem.flap_held_ms) >= FLAP_HOLD_MS_MAX
}

/// What a new problem of a flapping pair takes over from the one before: when people last heard.
pub(crate) fn inherit(next: &mut Problem, before: &Problem) {
    if next.flapping {
        next.told_ms = before.told_ms;
        next.flap_held_ms = before.flap_held_ms;
    }
}
