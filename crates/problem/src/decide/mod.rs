//! Every decision of this slice, as pure functions: no store, no clock, no randomness.

mod command;
mod cover;
mod flap;
mod matching;
mod notice;
mod outcome;
mod settle;
mod step;
mod window;

pub use command::{CommandError, check_fields, close, command};
pub use cover::{Cover, CoverSet};
pub use matching::Matching;
pub use notice::Draft;
pub use outcome::{RunNews, run_outcome};
pub use settle::{Settled, settle};
pub use step::{Context, Order, Step, step};
pub use window::{WhenError, check_when, next_windows, window_at};

use model::ProblemId;
use model::flow::Dispatch;

use crate::model::{NewEntry, Problem};

/// How long a notice waits for a recovery script at most, in milliseconds; then it is told anyway.
pub const REPAIR_HOLD_MS_MAX: i64 = 10 * 60 * 1_000;
/// How long after a verified repair a still open problem is told, in milliseconds.
pub const REPAIR_GRACE_MS: i64 = 60 * 1_000;

/// A problem after a decision, with everything that is to be written beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The problem as it is now.
    pub problem: Problem,
    /// New timeline entries, in order.
    pub entries: Vec<NewEntry>,
    /// Messages to `notice`, in order.
    pub dispatches: Vec<Dispatch>,
    /// A script to start.
    pub order: Option<Order>,
}

impl Change {
    /// A change of which nothing is known yet.
    #[must_use]
    pub const fn of(problem: Problem) -> Self {
        Self {
            problem,
            entries: Vec::new(),
            dispatches: Vec::new(),
            order: None,
        }
    }

    /// The problem's id.
    #[must_use]
    pub const fn id(&self) -> ProblemId {
        self.problem.id
    }
}

#[cfg(test)]
mod tests;
