//! What the store says about itself.

use std::sync::atomic::Ordering;

use super::Tsdb;
use crate::guard::{lock, read};

/// Counts and states, for `/metrics` and the health page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Series known.
    pub series: u32,
    /// Samples appended since the store was opened.
    pub samples_appended: u64,
    /// Samples left out because they are older than the retention or too far in the future.
    pub samples_refused: u64,
    /// Samples in memory, not yet in a part.
    pub memory_samples: u64,
    /// Bytes they take.
    pub memory_bytes: u64,
    /// Bytes of the index and of the newest values, estimated.
    pub index_bytes: u64,
    /// Live parts.
    pub parts: usize,
    /// Their bytes on disk.
    pub part_bytes: u64,
    /// Samples in them.
    pub part_samples: u64,
    /// Bytes of the persistent index.
    pub series_log_bytes: u64,
    /// Bytes of the write-ahead log, waiting ones included.
    pub wal_bytes: u64,
    /// Segments of the log.
    pub wal_segments: usize,
    /// Bytes appended and not yet durable.
    pub wal_unsynced_bytes: u64,
    /// Bytes of the log that only the caller's checkpoint still holds; if it grows, `WalFull` is near.
    pub wal_held_by_checkpoint_bytes: u64,
    /// Number of fsyncs of the log.
    pub fsyncs: u64,
    /// Duration of the last, in milliseconds.
    pub last_fsync_ms: f64,
    /// Writes and fsyncs of the log that failed.
    pub wal_failures: u64,
    /// Why the log cannot be written now.
    pub wal_failure: Option<String>,
    /// Why the last flush failed; gone when one succeeds.
    pub flush_failure: Option<String>,
    /// Why the last merge failed; gone when one succeeds.
    pub merge_failure: Option<String>,
    /// Tables written to parts.
    pub flushes: u64,
    /// Merges done.
    pub merges: u64,
    /// Parts set aside at open, each with the reason.
    pub quarantined: Vec<String>,
    /// Parts with damaged blocks; their sound blocks are served.
    pub damaged: Vec<String>,
}

impl Tsdb {
    /// The store's counts and states at this moment.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let inner = &self.inner;
        let mut stats = Stats::default();
        {
            let index = read(&inner.index);
            stats.series = index.len();
            stats.index_bytes = index.size_bytes();
        }
        let parts = {
            let head = read(&inner.head);
            let frozen: u64 = head.frozen.iter().map(|table| table.samples).sum();
            stats.memory_samples = head.active.samples + frozen;
            stats.memory_bytes = head.memory_bytes();
            stats.index_bytes += head.last.size_bytes();
            head.parts.clone()
        };
        stats.parts = parts.len();
        stats.part_bytes = parts.iter().map(|part| part.size_bytes).sum();
        stats.part_samples = parts.iter().map(|part| part.meta().samples).sum();
        stats.damaged = parts.iter().filter_map(|part| part.damage()).collect();
        stats.quarantined.clone_from(&inner.quarantined);
        stats.series_log_bytes = lock(&inner.series_log).size_bytes();
        let counters = &inner.counters;
        stats.samples_appended = counters.appended.load(Ordering::Relaxed);
        stats.samples_refused = counters.refused.load(Ordering::Relaxed);
        stats.flushes = counters.flushes.load(Ordering::Relaxed);
        stats.merges = counters.merges.load(Ordering::Relaxed);
        stats
            .flush_failure
            .clone_from(&lock(&counters.flush_failure));
        stats
            .merge_failure
            .clone_from(&lock(&counters.merge_failure));
        self.add_wal(&mut stats);
        stats
    }

    fn add_wal(&self, stats: &mut Stats) {
        let inner = &self.inner;
        stats.wal_bytes = inner.wal.size_bytes();
        stats.wal_segments = inner.wal.segment_count();
        stats.wal_unsynced_bytes = inner.wal.end().saturating_sub(inner.wal.durable());
        if inner.options.hold_for_checkpoint {
            let flushed = inner.flushed.load(Ordering::Relaxed);
            let checkpoint = inner.checkpoint.load(Ordering::Relaxed);
            stats.wal_held_by_checkpoint_bytes = inner.wal.held_bytes(checkpoint, flushed);
        }
        stats.fsyncs = inner.wal.fsyncs.load(Ordering::Relaxed);
        let fsync_us = inner.wal.last_fsync_us.load(Ordering::Relaxed);
        stats.last_fsync_ms = f64::from(u32::try_from(fsync_us).unwrap_or(u32::MAX)) / 1_000.0;
        stats.wal_failures = inner.wal.failures.load(Ordering::Relaxed);
        stats.wal_failure = inner.wal.failure();
    }
}
