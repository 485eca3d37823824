//! The store: opening, appending, asking.

mod flush;
mod merging;
mod open;
mod query;
mod reduce;
mod stats;

pub use open::RecoveryReport;
pub use reduce::ReducedPoint;
pub use stats::Stats;

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, RwLock};
use std::thread::JoinHandle;

use model::{Labels, Selector, limits};
use stdx::Env;

use crate::disk::Disk;
use crate::error::{Error, Result, WalHolder};
use crate::guard::{lock, read, wait_ms, write};
use crate::memory::{LastPoints, MemTable};
use crate::part::{Manifest, Part};
use crate::series::{SeriesIndex, SeriesLog};
use crate::wal::{self, Wal};
use crate::{AppendBatch, Options, SeriesId, WalPosition};

/// One open store. Dropping it makes the log durable and ends its threads.
#[derive(Debug)]
pub struct Tsdb {
    inner: Arc<Inner>,
    threads: Vec<JoinHandle<()>>,
}

/// What is shared with the threads.
#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    options: Options,
    env: Env,
    disk: Disk,
    index: RwLock<SeriesIndex>,
    series_log: Mutex<SeriesLog>,
    head: RwLock<Head>,
    wal: Wal,
    manifest: Mutex<Manifest>,
    /// Held by the one flush, and by the one merge, that runs.
    flushing: Mutex<()>,
    merging: Mutex<()>,
    checkpoint: AtomicU64,
    flushed: AtomicU64,
    /// Log position at the last freeze.
    frozen_upto: AtomicU64,
    wake: Mutex<Wake>,
    woken: Condvar,
    counters: Counters,
    quarantined: Vec<String>,
    /// Released by the operating system with the process, however it ends.
    _lock: File,
}

/// Samples in memory and the list of parts: what a query sees at one moment.
#[derive(Debug, Default)]
struct Head {
    active: MemTable,
    frozen: Vec<Arc<MemTable>>,
    /// In order of day and age.
    parts: Arc<Vec<Arc<Part>>>,
    last: LastPoints,
}

impl Head {
    fn memory_bytes(&self) -> u64 {
        self.active.bytes + self.frozen.iter().map(|table| table.bytes).sum::<u64>()
    }
}

#[derive(Debug, Default)]
struct Wake {
    flush: bool,
    merge: bool,
    stopped: bool,
}

#[derive(Debug, Default)]
struct Counters {
    appended: AtomicU64,
    refused: AtomicU64,
    flushes: AtomicU64,
    merges: AtomicU64,
    flush_failure: Mutex<Option<String>>,
    merge_failure: Mutex<Option<String>>,
    retention_checked_ms: AtomicU64,
    scrubbed: AtomicU64,
}

/// A batch handed back by `replay_from`.
#[derive(Debug)]
pub struct ReplayRecord {
    /// The position after it: the checkpoint to set once it is dealt with.
    pub position: WalPosition,
    /// The batch as it was appended.
    pub batch: AppendBatch,
}

/// What a replay covered.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ReplayReport {
    /// Batches handed back.
    pub batches: u64,
    /// Samples in them.
    pub samples: u64,
    /// Position after the last.
    pub position: WalPosition,
    /// The log no longer reaches back to the position asked for: something is missing before.
    pub gap: bool,
}

impl Tsdb {
    /// The number of the series with these labels; a new one is logged before it is returned.
    ///
    /// # Errors
    /// When the log cannot take a new series, or there are too many.
    pub fn resolve(&self, labels: &Labels) -> Result<SeriesId> {
        let inner = &self.inner;
        if let Some(series) = read(&inner.index).find(labels) {
            return Ok(SeriesId(series));
        }
        let mut index = write(&inner.index);
        if let Some(series) = index.find(labels) {
            return Ok(SeriesId(series));
        }
        let series = index.len();
        if series >= inner.options.series_max {
            return Err(Error::TooManySeries(series));
        }
        let mut frame = Vec::new();
        wal::encode_new_series(&mut frame, series, labels);
        // Under the index's lock: series stand in the log in the order of their numbers.
        let end = inner.wal.append(&frame, inner.wal_holder())?;
        index.add(labels);
        drop(index);
        if end - inner.frozen_upto.load(Ordering::Relaxed) >= inner.options.wal_flush_bytes {
            inner.wake_flush();
        }
        Ok(SeriesId(series))
    }

    /// The labels of a series.
    #[must_use]
    pub fn labels(&self, series: SeriesId) -> Option<Arc<Labels>> {
        read(&self.inner.index).labels(series.0).map(Arc::new)
    }

    /// The series for which every matcher of the selector holds, in order.
    ///
    /// # Errors
    /// When a regular expression cannot be compiled.
    pub fn select(&self, selector: &Selector) -> Result<Vec<SeriesId>> {
        let found = read(&self.inner.index).select(selector)?;
        Ok(found.into_iter().map(SeriesId).collect())
    }

    /// How many series exist; their numbers are below it.
    #[must_use]
    pub fn series_count(&self) -> u32 {
        read(&self.inner.index).len()
    }

    /// Every label name, sorted.
    #[must_use]
    pub fn label_names(&self) -> Vec<String> {
        read(&self.inner.index).label_names()
    }

    /// Every value of a label, sorted.
    #[must_use]
    pub fn label_values(&self, name: &str) -> Vec<String> {
        read(&self.inner.index).label_values(name)
    }

    /// How many series have each value of a label, sorted by value; reads no labels of series.
    #[must_use]
    pub fn count_by(&self, name: &str) -> Vec<(String, u64)> {
        read(&self.inner.index).count_by(name)
    }

    /// Takes a batch into the log's queue and into memory, without waiting for the disk. It may be
    /// acknowledged once `durable_position` has reached the returned position. Samples older than
    /// the retention or too far in the future are left out and counted.
    ///
    /// # Errors
    /// When the log cannot be written or is full, too much waits, or a series does not exist.
    /// Nothing of the batch is stored then.
    pub fn append(&self, batch: &AppendBatch) -> Result<WalPosition> {
        let inner = &self.inner;
        if batch.len() > limits::SAMPLES_PER_BATCH_MAX {
            let limit = limits::SAMPLES_PER_BATCH_MAX;
            return Err(Error::BatchTooLarge {
                samples: batch.len(),
                limit,
            });
        }
        let series_count = read(&inner.index).len();
        if let Some(&unknown) = batch.series.iter().find(|series| series.0 >= series_count) {
            return Err(Error::UnknownSeries(unknown));
        }
        let accepted = inner.accepted(batch);
        let batch = accepted.as_ref().unwrap_or(batch);
        let mut frame = Vec::with_capacity(64 + batch.len() * 8);
        wal::encode_batch(&mut frame, batch);
        let mut head = write(&inner.head);
        let memory_bytes = head.memory_bytes();
        if memory_bytes > inner.options.memory_bytes {
            let limit = inner.options.memory_bytes;
            return Err(Error::Busy {
                bytes: memory_bytes,
                limit,
            });
        }
        let end = inner.wal.append(&frame, inner.wal_holder())?;
        let Head { active, last, .. } = &mut *head;
        active.insert(batch, last);
        active
            .since_ns
            .get_or_insert_with(|| inner.env.clock.mono_ns());
        let wake = inner.is_full(&head, end) && inner.freeze(&mut head);
        drop(head);
        if wake {
            inner.wake_flush();
        }
        inner
            .counters
            .appended
            .fetch_add(batch.len() as u64, Ordering::Relaxed);
        Ok(WalPosition(end))
    }

    /// Makes everything appended so far durable, on this thread; returns the position reached.
    ///
    /// # Errors
    /// When writing or fsync fails; nothing is lost from memory and it is tried again.
    pub fn sync(&self) -> Result<WalPosition> {
        self.inner.wal.sync().map(WalPosition)
    }

    /// Makes everything up to `position` durable; returns at once when it is.
    ///
    /// # Errors
    /// As [`Tsdb::sync`].
    pub fn sync_to(&self, position: WalPosition) -> Result<WalPosition> {
        let durable = self.durable_position();
        if durable >= position {
            Ok(durable)
        } else {
            self.sync()
        }
    }

    /// Everything before this position survives a crash.
    #[must_use]
    pub fn durable_position(&self) -> WalPosition {
        WalPosition(self.inner.wal.durable())
    }

    /// The position after everything appended.
    #[must_use]
    pub fn end_position(&self) -> WalPosition {
        WalPosition(self.inner.wal.end())
    }

    /// Waits until `position` is durable; without background threads it syncs itself.
    ///
    /// # Errors
    /// When the log fails meanwhile or `timeout_ms` passes.
    pub fn wait_durable(&self, position: WalPosition, timeout_ms: u64) -> Result<()> {
        if !self.inner.options.background {
            return self.sync_to(position).map(drop);
        }
        self.inner.wal.wait_durable(position.0, timeout_ms)
    }

    /// Calls `listener` with every new durable position, from the thread that reached it: it must
    /// return soon and must not call back into `sync`.
    pub fn on_durable(&self, listener: impl Fn(WalPosition) + Send + Sync + 'static) {
        self.inner.wal.listen(Arc::new(listener));
    }

    /// Says that the caller's own snapshot contains everything before `position`.
    ///
    /// # Errors
    /// When a segment that is no longer needed cannot be removed.
    pub fn set_checkpoint(&self, position: WalPosition) -> Result<()> {
        self.inner
            .checkpoint
            .fetch_max(position.0, Ordering::Relaxed);
        self.inner.release_wal()
    }

    /// Hands back the durable batches after `position`, in the order they were appended.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn replay_from(
        &self,
        position: WalPosition,
        mut visit: impl FnMut(ReplayRecord),
    ) -> Result<ReplayReport> {
        let to = self.inner.wal.durable();
        let segments = self.inner.wal.segments();
        let gap = segments
            .first()
            .is_some_and(|oldest| oldest.before > position.0);
        let mut report = ReplayReport {
            position,
            gap,
            ..ReplayReport::default()
        };
        wal::replay(&segments, position.0, to, &mut |end, batch| {
            report.batches += 1;
            report.samples += batch.len() as u64;
            report.position = WalPosition(end);
            visit(ReplayRecord {
                position: WalPosition(end),
                batch,
            });
        })?;
        Ok(report)
    }

    /// Writes everything in memory to parts, now.
    ///
    /// # Errors
    /// When a part cannot be written; the samples stay in memory and in the log.
    pub fn flush(&self) -> Result<()> {
        self.inner.freeze(&mut write(&self.inner.head));
        self.inner.flush_frozen()
    }

    /// Does what the background threads do when it is due: flush, retention, merges, one check of a
    /// part.
    ///
    /// # Errors
    /// The first failure; what it left undone is tried at the next call.
    pub fn maintain(&self) -> Result<()> {
        self.inner.maintain_memory()?;
        while self.inner.merge_once()? {}
        self.inner.scrub_one();
        Ok(())
    }

    /// Reads and checks every block of every part; returns what is damaged.
    #[must_use]
    pub fn verify(&self) -> Vec<String> {
        let parts = read(&self.inner.head).parts.clone();
        for part in parts.iter() {
            part.verify();
        }
        parts.iter().filter_map(|part| part.damage()).collect()
    }
}

impl Inner {
    /// What would hold the log if it were full now.
    fn wal_holder(&self) -> WalHolder {
        let flushed = self.flushed.load(Ordering::Relaxed);
        let lags = self.checkpoint.load(Ordering::Relaxed) < flushed;
        if lags && self.options.hold_for_checkpoint {
            WalHolder::Checkpoint
        } else {
            WalHolder::Flush
        }
    }

    /// The batch without samples that may not be stored; `None` when all may.
    fn accepted(&self, batch: &AppendBatch) -> Option<AppendBatch> {
        let now_ms = self.env.clock.now_ms();
        let from_ms = now_ms.saturating_sub(self.options.retention_ms);
        let to_ms = now_ms.saturating_add(self.options.future_ms_max);
        let is_accepted = |t_ms: i64| (from_ms..=to_ms).contains(&t_ms);
        if batch.t_ms.iter().all(|&t_ms| is_accepted(t_ms)) {
            return None;
        }
        let mut kept = AppendBatch::new(batch.source, batch.tag);
        for (series, t_ms, value) in batch.iter().filter(|&(_, t_ms, _)| is_accepted(t_ms)) {
            kept.push(series, t_ms, value);
        }
        let refused = (batch.len() - kept.len()) as u64;
        self.counters.refused.fetch_add(refused, Ordering::Relaxed);
        Some(kept)
    }

    fn is_full(&self, head: &Head, wal_end: u64) -> bool {
        let log_bytes = wal_end - self.frozen_upto.load(Ordering::Relaxed);
        head.active.bytes >= self.options.memory_bytes / 4
            || log_bytes >= self.options.wal_flush_bytes
    }

    /// Removes the log that neither parts nor the caller need.
    fn release_wal(&self) -> Result<()> {
        let flushed = self.flushed.load(Ordering::Relaxed);
        let checkpoint = self.checkpoint.load(Ordering::Relaxed);
        let needed = if self.options.hold_for_checkpoint {
            checkpoint
        } else {
            flushed
        };
        self.wal.release(flushed.min(needed))
    }

    fn wake_flush(&self) {
        lock(&self.wake).flush = true;
        self.woken.notify_all();
    }

    fn wake_merge(&self) {
        lock(&self.wake).merge = true;
        self.woken.notify_all();
    }

    /// Waits for a hint or for `period_ms`; `true` when the store is closing.
    fn wait_for(&self, hint: fn(&mut Wake) -> &mut bool, period_ms: u64) -> bool {
        let mut wake = lock(&self.wake);
        if !*hint(&mut wake) && !wake.stopped {
            wake = wait_ms(&self.woken, wake, period_ms);
        }
        *hint(&mut wake) = false;
        wake.stopped
    }

    /// The flush thread: its failures stand in `stats` until they are gone.
    fn run_flush(&self) {
        while !self.wait_for(|wake| &mut wake.flush, 1_000) {
            drop(self.maintain_memory());
        }
    }

    /// The merge thread.
    fn run_merge(&self) {
        while !self.wait_for(|wake| &mut wake.merge, 10_000) {
            while !lock(&self.wake).stopped && self.merge_once().unwrap_or(false) {}
            self.scrub_one();
        }
    }

    fn stop(&self) {
        lock(&self.wake).stopped = true;
        self.woken.notify_all();
        self.wal.stop();
    }
}

impl Drop for Tsdb {
    fn drop(&mut self) {
        self.inner.stop();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
        drop(self.inner.wal.sync());
    }
}
