//! The agent's disk queue: what was measured survives outages, kills and full disks.
//!
//! Owns one folder of append-only segment files and a cursor file beside them; knows nothing of
//! samples: a record is a time and some bytes. `docs/format/spool.md` describes the files.
//!
//! Invariants:
//! - A record that [`Spool::append`] took survives the death of the process at any instruction; what
//!   survives a power cut is what was synced ([`Fsync`]).
//! - The folder never grows beyond its limit: the oldest records go first, and the range that went is
//!   kept as a [`Gap`] until somebody was told.
//! - Numbers only grow, over restarts too, and no number is given twice, even after a power cut.
//! - Damage is found by CRC and becomes a gap; it never ends the program.
//! - A file is never appended to by two runs of the program: each run begins a new one.
//!
//! Absent on purpose: no thread, no clock, no compression, no index; one reader at a time.

mod cursor;
mod error;
mod ranges;
mod reader;
mod segment;
mod spool;
#[cfg(test)]
mod tests;

pub use cursor::{Gap, Reason};
pub use error::SpoolError;
pub use reader::{Record, SegmentReader};
pub use spool::{Fsync, Slot, Spool, SpoolOptions};
