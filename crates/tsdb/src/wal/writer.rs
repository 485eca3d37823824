//! Writing the log: a queue in memory that any thread fills, and one writer that makes it durable.
//!
//! A write or fsync that fails is treated as loss: the segment is given up at its last durable
//! position and everything after it is written again into a new one. The kernel may have dropped
//! the pages that an fsync could not write, so the same file is never trusted again.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, RwLock};

use stdx::Env;

use super::WalPosition;
use super::segment::{self, Segment};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result, WalHolder, chain};
use crate::filenames;
use crate::guard::{lock, read, wait_ms, write};

/// Called with the new durable position, from the thread that made it durable.
pub(crate) type Listener = Arc<dyn Fn(WalPosition) + Send + Sync>;

#[derive(Clone, Copy, Debug)]
pub(crate) struct WalLimits {
    pub(crate) bytes_max: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) unsynced_bytes_max: u64,
    pub(crate) idle_ms: u64,
    pub(crate) busy_ms: u64,
    pub(crate) retry_ms: u64,
}

/// Where a new run continues.
#[derive(Debug)]
pub(crate) struct WalStart {
    pub(crate) segments: Vec<Segment>,
    pub(crate) before: u64,
    pub(crate) start: u64,
}

/// What waits for the writer.
#[derive(Debug)]
struct Queue {
    bytes: Vec<u8>,
    end: u64,
    durable: u64,
    failed: Option<String>,
    stopped: bool,
}

/// The writer's own.
#[derive(Debug)]
struct Output {
    file: Option<DiskFile>,
    /// Bytes from the durable position on.
    unsynced: Vec<u8>,
    /// How many of them are in the file.
    written: usize,
    /// The last is the one being written.
    segments: VecDeque<Segment>,
    before: u64,
    durable: u64,
    last_sync_ns: u64,
}

/// The log of one store.
pub(crate) struct Wal {
    dir: PathBuf,
    disk: Disk,
    env: Env,
    limits: WalLimits,
    queue: Mutex<Queue>,
    output: Mutex<Output>,
    work: Condvar,
    durable_moved: Condvar,
    listeners: RwLock<Vec<Listener>>,
    disk_bytes: AtomicU64,
    pub(crate) fsyncs: AtomicU64,
    pub(crate) last_fsync_us: AtomicU64,
    pub(crate) failures: AtomicU64,
}

impl Wal {
    pub(crate) fn new(
        dir: PathBuf,
        disk: Disk,
        env: Env,
        limits: WalLimits,
        start: WalStart,
    ) -> Self {
        let disk_bytes = start.segments.iter().map(Segment::size_bytes).sum();
        Self {
            dir,
            disk,
            env,
            limits,
            queue: Mutex::new(Queue {
                bytes: Vec::new(),
                end: start.start,
                durable: start.start,
                failed: None,
                stopped: false,
            }),
            output: Mutex::new(Output {
                file: None,
                unsynced: Vec::new(),
                written: 0,
                segments: start.segments.into(),
                before: start.before,
                durable: start.start,
                last_sync_ns: 0,
            }),
            work: Condvar::new(),
            durable_moved: Condvar::new(),
            listeners: RwLock::new(Vec::new()),
            disk_bytes: AtomicU64::new(disk_bytes),
            fsyncs: AtomicU64::new(0),
            last_fsync_us: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// Queues a frame; returns the position after it. `holder` is named when the log is full.
    pub(crate) fn append(&self, frame: &[u8], holder: WalHolder) -> Result<u64> {
        let mut queue = lock(&self.queue);
        if queue.stopped {
            return Err(Error::Closed);
        }
        if let Some(message) = &queue.failed {
            return Err(Error::WalFailed(message.clone()));
        }
        let waiting = queue.end - queue.durable;
        if waiting > self.limits.unsynced_bytes_max {
            return Err(Error::Busy {
                bytes: waiting,
                limit: self.limits.unsynced_bytes_max,
            });
        }
        let bytes = self.disk_bytes.load(Ordering::Relaxed) + waiting + frame.len() as u64;
        if bytes > self.limits.bytes_max {
            return Err(Error::WalFull {
                bytes,
                limit: self.limits.bytes_max,
                held_by: holder,
            });
        }
        let was_idle = queue.bytes.is_empty();
        queue.bytes.extend_from_slice(frame);
        queue.end += frame.len() as u64;
        let end = queue.end;
        drop(queue);
        if was_idle {
            self.work.notify_all();
        }
        Ok(end)
    }

    pub(crate) fn end(&self) -> u64 {
        lock(&self.queue).end
    }

    pub(crate) fn durable(&self) -> u64 {
        lock(&self.queue).durable
    }

    pub(crate) fn failure(&self) -> Option<String> {
        lock(&self.queue).failed.clone()
    }

    /// Bytes on disk and waiting.
    pub(crate) fn size_bytes(&self) -> u64 {
        let queue = lock(&self.queue);
        self.disk_bytes.load(Ordering::Relaxed) + (queue.end - queue.durable)
    }

    pub(crate) fn segment_count(&self) -> usize {
        lock(&self.output).segments.len()
    }

    pub(crate) fn listen(&self, listener: Listener) {
        write(&self.listeners).push(listener);
    }

    /// Makes everything queued so far durable, on the caller's thread.
    pub(crate) fn sync(&self) -> Result<u64> {
        let mut output = lock(&self.output);
        let (target, failed) = {
            let mut queue = lock(&self.queue);
            if output.unsynced.is_empty() {
                // Keeps both allocations in use: the writer's drained one becomes the queue's.
                std::mem::swap(&mut output.unsynced, &mut queue.bytes);
            } else {
                output.unsynced.append(&mut queue.bytes);
            }
            (queue.end, queue.failed.is_some())
        };
        if output.unsynced.is_empty() && !failed && output.file.is_some() {
            return Ok(target);
        }
        match self.write_out(&mut output, target) {
            Ok(()) => {
                self.publish(output, target);
                Ok(target)
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                output.file = None;
                output.written = 0;
                lock(&self.queue).failed = Some(chain(&error));
                drop(output);
                self.durable_moved.notify_all();
                Err(error)
            }
        }
    }

    fn write_out(&self, output: &mut Output, target: u64) -> Result<()> {
        let mut file = match output.file.take() {
            Some(file) => file,
            None => self.start_segment(output)?,
        };
        file.write(output.unsynced.get(output.written..).unwrap_or_default())?;
        output.written = output.unsynced.len();
        let before_ns = self.env.clock.mono_ns();
        file.sync()?;
        let after_ns = self.env.clock.mono_ns();
        self.fsyncs.fetch_add(1, Ordering::Relaxed);
        self.last_fsync_us
            .store((after_ns - before_ns) / 1_000, Ordering::Relaxed);
        output.last_sync_ns = after_ns;
        output.unsynced.clear();
        output.written = 0;
        output.durable = target;
        if let Some(last) = output.segments.back_mut() {
            last.end = target;
        }
        if file.size_bytes() < self.limits.segment_bytes {
            output.file = Some(file);
        }
        Ok(())
    }

    /// Opens the segment that continues at the durable position.
    fn start_segment(&self, output: &mut Output) -> Result<DiskFile> {
        let start = output.durable;
        // A segment given up before anything in it was durable has this name; it is emptied.
        if output
            .segments
            .back()
            .is_some_and(|last| last.start == start)
        {
            output.segments.pop_back();
        }
        let before = output
            .segments
            .back()
            .map_or(output.before, |last| last.end);
        let path = filenames::wal_segment(&self.dir, start);
        let mut file = self.disk.create(&path)?;
        output.written = 0;
        file.write(&segment::header(start, before))?;
        output.segments.push_back(Segment {
            path,
            start,
            before,
            end: start,
        });
        self.disk.sync_dir(&filenames::wal_dir(&self.dir))?;
        Ok(file)
    }

    fn publish(&self, output: MutexGuard<'_, Output>, target: u64) {
        self.count_disk_bytes(&output);
        {
            let mut queue = lock(&self.queue);
            queue.durable = target;
            queue.failed = None;
        }
        drop(output);
        self.durable_moved.notify_all();
        let listeners = read(&self.listeners).clone();
        for listener in &listeners {
            listener(WalPosition(target));
        }
    }

    fn count_disk_bytes(&self, output: &Output) {
        let bytes = output.segments.iter().map(Segment::size_bytes).sum();
        self.disk_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Waits until `position` is durable.
    pub(crate) fn wait_durable(&self, position: u64, timeout_ms: u64) -> Result<()> {
        let start_ns = self.env.clock.mono_ns();
        let mut queue = lock(&self.queue);
        loop {
            if queue.durable >= position {
                return Ok(());
            }
            if let Some(message) = &queue.failed {
                return Err(Error::WalFailed(message.clone()));
            }
            if queue.stopped {
                return Err(Error::Closed);
            }
            let waited_ms = (self.env.clock.mono_ns() - start_ns) / 1_000_000;
            if waited_ms >= timeout_ms {
                return Err(Error::Timeout(position));
            }
            queue = wait_ms(
                &self.durable_moved,
                queue,
                (timeout_ms - waited_ms).min(1_000),
            );
        }
    }

    /// Removes segments that lie wholly before `position`, never the one being written.
    pub(crate) fn release(&self, position: u64) -> Result<()> {
        let mut output = lock(&self.output);
        while output.segments.len() > 1
            && output
                .segments
                .front()
                .is_some_and(|oldest| oldest.end <= position)
        {
            if let Some(oldest) = output.segments.front() {
                self.disk.remove(&oldest.path)?;
            }
            output.segments.pop_front();
        }
        self.count_disk_bytes(&output);
        Ok(())
    }

    /// Bytes of the segments that lie wholly before `flushed` and not wholly before `checkpoint`.
    pub(crate) fn held_bytes(&self, checkpoint: u64, flushed: u64) -> u64 {
        let output = lock(&self.output);
        let held = output
            .segments
            .iter()
            .filter(|s| s.end <= flushed && s.end > checkpoint);
        held.map(Segment::size_bytes).sum()
    }

    /// The segments with their durable ranges.
    pub(crate) fn segments(&self) -> Vec<Segment> {
        lock(&self.output).segments.iter().cloned().collect()
    }

    /// Runs until `stop`: group commit while all is well, a retry from time to time while not.
    pub(crate) fn run(&self) {
        loop {
            let (failed, stopped) = self.wait_for_work();
            if stopped {
                drop(self.sync());
                return;
            }
            let pause_ms = if failed {
                self.limits.retry_ms
            } else {
                self.pause_ms()
            };
            if pause_ms > 0 {
                self.pause(pause_ms);
            }
            // The failure stands in the queue's state, where every caller sees it.
            drop(self.sync());
        }
    }

    fn wait_for_work(&self) -> (bool, bool) {
        let mut queue = lock(&self.queue);
        while queue.bytes.is_empty() && queue.failed.is_none() && !queue.stopped {
            queue = wait_ms(&self.work, queue, 1_000);
        }
        (queue.failed.is_some(), queue.stopped)
    }

    /// Sleeps, except that `stop` wakes it.
    fn pause(&self, pause_ms: u64) {
        let start_ns = self.env.clock.mono_ns();
        let mut queue = lock(&self.queue);
        let mut left_ms = pause_ms;
        while left_ms > 0 && !queue.stopped {
            queue = wait_ms(&self.work, queue, left_ms);
            let waited_ms = (self.env.clock.mono_ns() - start_ns) / 1_000_000;
            // A standing clock (simulation) must not make this endless.
            left_ms = if waited_ms == 0 {
                0
            } else {
                pause_ms.saturating_sub(waited_ms)
            };
        }
    }

    /// Four times the last fsync, within the bounds: a slow disk spends a fifth of its time on us.
    fn pause_ms(&self) -> u64 {
        let fsync_ms = self.last_fsync_us.load(Ordering::Relaxed) / 1_000;
        let spacing_ms = (4 * fsync_ms).clamp(self.limits.idle_ms, self.limits.busy_ms);
        let last_sync_ns = lock(&self.output).last_sync_ns;
        let since_ms = self.env.clock.mono_ns().saturating_sub(last_sync_ns) / 1_000_000;
        spacing_ms.saturating_sub(since_ms)
    }

    pub(crate) fn stop(&self) {
        lock(&self.queue).stopped = true;
        self.work.notify_all();
        self.durable_moved.notify_all();
    }
}

impl std::fmt::Debug for Wal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wal")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}
