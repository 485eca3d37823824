//! The write-ahead log: what was appended, in order, durable before it is acknowledged.

mod read;
mod record;
mod segment;
mod writer;

pub(crate) use read::{recover, replay};
pub use record::AppendBatch;
pub(crate) use record::{Record, decode_record, encode_batch, encode_new_series, is_batch};
pub(crate) use writer::{Wal, WalLimits, WalStart};

use std::fmt;
use std::path::Path;

use crate::error::Result;

/// Where the log ended when this segment was made; nothing when its header is damaged.
pub(crate) fn reaches_back(path: &Path, bytes: &[u8]) -> Result<Option<u64>> {
    Ok(segment::read_header(path, bytes)?.map(|(_, before)| before))
}

/// A place in the log: everything appended before it. Grows for the life of a store, restarts
/// included; a restart leaves a gap, so that a position given before is never given again.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct WalPosition(pub u64);

impl fmt::Display for WalPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
