//! What can be set when a store is opened, with defaults and where they come from.

use std::sync::Arc;

use crate::DiskHook;

/// Settings of one store.
#[derive(Clone, Debug)]
pub struct Options {
    /// Samples older than this are dropped with their part, in milliseconds.
    pub retention_ms: i64,
    /// How far after the clock a sample may lie, in milliseconds; later ones are refused, counted.
    pub future_ms_max: i64,
    /// Memory for samples not yet in a part; a quarter of it starts a flush.
    pub memory_bytes: u64,
    /// Bound of the write-ahead log; replay after a crash reads at most this much.
    pub wal_bytes_max: u64,
    /// Log written since the last flush that starts the next one.
    pub wal_flush_bytes: u64,
    /// Size at which a segment of the log is closed.
    pub wal_segment_bytes: u64,
    /// Bytes that may wait for fsync before `append` says `Busy`.
    pub unsynced_bytes_max: u64,
    /// Shortest time between two fsyncs, in milliseconds; the first after a pause is at once.
    pub sync_idle_ms: u64,
    /// Longest time between two fsyncs under load, in milliseconds.
    pub sync_busy_ms: u64,
    /// Time between two tries after a write or fsync failed, in milliseconds.
    pub retry_ms: u64,
    /// Age of the oldest sample in memory that starts a flush, in milliseconds.
    pub flush_interval_ms: u64,
    /// Largest part that a merge makes, in bytes.
    pub merge_bytes_max: u64,
    /// Most samples one query may read.
    pub query_samples_max: u64,
    /// Most series the store may hold.
    pub series_max: u32,
    /// Keep the log until the caller's checkpoint covers it; without, a flush is enough.
    pub hold_for_checkpoint: bool,
    /// Run own threads for fsync, flush and merge; without, call `sync` and `maintain`.
    pub background: bool,
    /// Sees every file operation before it happens and may refuse it; for tests.
    pub disk_hook: Option<Arc<dyn DiskHook>>,
}

impl Default for Options {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            retention_ms: 30 * 24 * 3_600 * 1_000,
            future_ms_max: 24 * 3_600 * 1_000,
            memory_bytes: 256 * MIB,
            // 64 MiB replay in well under half a second (measured by the bench).
            wal_bytes_max: 64 * MIB,
            // Two tables of memory may be under way at once: 2 × 16 leaves room for the checkpoint.
            wal_flush_bytes: 16 * MIB,
            wal_segment_bytes: 4 * MIB,
            unsynced_bytes_max: 16 * MIB,
            sync_idle_ms: 20,
            sync_busy_ms: 200,
            retry_ms: 250,
            flush_interval_ms: 10 * 60 * 1_000,
            merge_bytes_max: 512 * MIB,
            // 20 M points are 320 MiB in the answer.
            query_samples_max: 20_000_000,
            series_max: 5_000_000,
            hold_for_checkpoint: true,
            background: true,
            disk_hook: None,
        }
    }
}
