//! What the whole installation looks like now, kept in memory for every page and every open board.

use std::sync::{Arc, PoisonError, RwLock};

use console::views::BoardCounts;
use ui::Beacon;

/// The picture that pages draw from; cheap to clone, kept current by one task.
#[derive(Clone, Debug, Default)]
pub struct Live(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    counts: RwLock<BoardCounts>,
}

impl Live {
    /// Open problems by severity.
    pub(crate) fn beacon(&self) -> Beacon {
        Beacon(self.counts().problems)
    }

    fn counts(&self) -> BoardCounts {
        *self.0.counts.read().unwrap_or_else(PoisonError::into_inner)
    }
}
