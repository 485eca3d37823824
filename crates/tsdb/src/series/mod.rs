//! Which series exist: their labels, their dense numbers, and the index that finds them.

mod index;
mod intern;
mod log;
mod postings;
mod select;

pub(crate) use index::SeriesIndex;
pub(crate) use log::{SeriesLog, decode_series, encode_series};

use std::fmt;

/// The number of a series: dense from 0, never reused, the same after every restart.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SeriesId(pub u32);

impl SeriesId {
    /// The number as an index into a dense array.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for SeriesId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
