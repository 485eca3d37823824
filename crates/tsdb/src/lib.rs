//! The embedded metrics engine: a write-ahead log, small immutable parts, a persistent index.
//!
//! It owns one directory and knows series, samples and opaque batch tags; nothing of hosts, rules or
//! problems. Synchronous and thread-safe; with `Options::background` it runs three threads of its own
//! (fsync, flush, merge), without it the caller drives `sync` and `maintain`.
//!
//! Invariants:
//! - a position that was reported durable survives kill -9 and power loss, with every series that the
//!   batches before it use;
//! - an fsync that failed is loss: nothing after it is reported durable until all of it has been
//!   written and synced again into a new segment;
//! - a file takes its final name only when it is whole and on the device;
//! - of samples with one time the last appended wins; values keep every bit;
//! - a log segment is removed only when parts hold it *and* the caller's checkpoint covers it;
//! - readers and writers never wait for a flush or a merge;
//! - absent: no clock (`stdx::Env`), no async, no network, no deletion of single samples or series.
//!
//! The files are described in `docs/format/tsdb.md`.

mod codec;
mod copying;
mod disk;
mod engine;
mod error;
mod filenames;
mod guard;
mod memory;
mod options;
mod part;
mod series;
mod wal;

#[doc(hidden)]
pub mod bench;
#[doc(hidden)]
pub mod fuzz;

pub use copying::{Copied, copy_store};
pub use disk::{DiskHook, FileOp};
pub use engine::{RecoveryReport, ReducedPoint, ReplayRecord, ReplayReport, Stats, Tsdb};
pub use error::{Error, Result, WalHolder};
pub use memory::{Point, STALE_NAN_BITS};
pub use options::Options;
pub use series::SeriesId;
pub use wal::{AppendBatch, WalPosition};
