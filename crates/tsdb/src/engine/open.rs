//! Opening a directory: take the lock, read what is there, set aside what is damaged.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, RwLock};
use std::thread;

use stdx::Env;

use super::{Counters, Head, Inner, Tsdb, Wake};
use crate::disk::{self, Disk};
use crate::error::{Doing, Error, Result};
use crate::part::{Manifest, Part};
use crate::series::{SeriesIndex, SeriesLog};
use crate::wal::{self, Record, Wal, WalLimits, WalStart};
use crate::{Options, WalPosition, filenames};

/// Positions between two runs; no run can have this much unsynced, so none is given twice.
const RUN_GAP: u64 = 1 << 32;

/// What opening found and repaired.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RecoveryReport {
    /// Series known.
    pub series: u32,
    /// Series whose labels were lost with a damaged piece of the index; their numbers are kept.
    pub series_lost: u32,
    /// Parts opened.
    pub parts: usize,
    /// Samples in them.
    pub part_samples: u64,
    /// Samples read back from the log.
    pub wal_samples: u64,
    /// Bytes that a crash left half written at the end of the log; never acknowledged.
    pub wal_torn_bytes: u64,
    /// Bytes within the log that are damaged: acknowledged samples are missing.
    pub wal_lost_bytes: u64,
    /// Where the log ended.
    pub wal_position: WalPosition,
    /// Parts set aside because their skeleton is damaged, each with the reason.
    pub quarantined: Vec<String>,
    /// The list of parts was damaged and was made anew from the parts themselves.
    pub manifest_rebuilt: bool,
    /// Time it took, in milliseconds.
    pub took_ms: u64,
}

impl Tsdb {
    /// Opens or creates the store in `dir`.
    ///
    /// # Errors
    /// When another process has it open, a file cannot be read, or a newer version wrote it.
    /// Damaged files are no error: they are set aside and named in the report.
    pub fn open(dir: &Path, options: Options, env: Env) -> Result<(Self, RecoveryReport)> {
        let start_ns = env.clock.mono_ns();
        let (inner, mut report) = Inner::open(dir, options, env)?;
        report.took_ms = (inner.env.clock.mono_ns() - start_ns) / 1_000_000;
        let inner = Arc::new(inner);
        // A full disk must not keep the store from answering; the log is retried.
        drop(inner.wal.sync());
        let mut tsdb = Self {
            inner,
            threads: Vec::new(),
        };
        if tsdb.inner.options.background {
            tsdb.start_thread("tsdb-fsync", |inner| inner.wal.run())?;
            tsdb.start_thread("tsdb-flush", Inner::run_flush)?;
            tsdb.start_thread("tsdb-merge", Inner::run_merge)?;
        }
        Ok((tsdb, report))
    }

    fn start_thread(&mut self, name: &str, run: fn(&Inner)) -> Result<()> {
        let inner = self.inner.clone();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(&inner));
        self.threads
            .push(thread.doing("start a thread for", &self.inner.dir)?);
        Ok(())
    }
}

impl Inner {
    fn open(dir: &Path, options: Options, env: Env) -> Result<(Self, RecoveryReport)> {
        let disk = Disk::new(options.disk_hook.clone());
        for path in [
            dir.to_path_buf(),
            filenames::wal_dir(dir),
            filenames::parts_dir(dir),
        ] {
            disk.create_dir(&path)?;
        }
        let lock = take_lock(dir)?;
        let mut report = RecoveryReport::default();
        let (manifest, parts) = open_parts(&disk, dir, &mut report)?;
        let mut index = SeriesIndex::default();
        let path = filenames::series_log(dir);
        let (series_log, lost) = SeriesLog::open(&disk, &path, &mut index)?;
        report.series_lost = lost;
        let mut head = Head {
            parts: Arc::new(parts),
            ..Head::default()
        };
        let wal_start = read_wal(dir, &manifest, &mut index, (&mut head, &mut report))?;
        let series_end = head.parts.iter().map(|part| part.meta().series_end).max();
        report.series_lost += index.add_lost_up_to(series_end.unwrap_or(0));
        report.series = index.len();
        head.active.since_ns = Some(env.clock.mono_ns()).filter(|_| !head.active.is_empty());
        // What was read back counts towards the next flush, or a store that is killed again and again
        // would fill its log without ever flushing.
        let frozen_upto = wal_start.start - unflushed_bytes(&wal_start, manifest.flushed);
        let limits = wal_limits(&options);
        let wal = Wal::new(
            dir.to_path_buf(),
            disk.clone(),
            env.clone(),
            limits,
            wal_start,
        );
        let inner = Self {
            dir: dir.to_path_buf(),
            options,
            env,
            disk,
            index: RwLock::new(index),
            series_log: Mutex::new(series_log),
            head: RwLock::new(head),
            wal,
            flushed: AtomicU64::new(manifest.flushed),
            manifest: Mutex::new(manifest),
            flushing: Mutex::new(()),
            merging: Mutex::new(()),
            checkpoint: AtomicU64::new(0),
            frozen_upto: AtomicU64::new(frozen_upto),
            wake: Mutex::new(Wake {
                flush: true,
                merge: true,
                stopped: false,
            }),
            woken: Condvar::new(),
            counters: Counters::default(),
            quarantined: report.quarantined.clone(),
            _lock: lock,
        };
        Ok((inner, report))
    }
}

fn unflushed_bytes(wal: &WalStart, flushed: u64) -> u64 {
    let unflushed = wal
        .segments
        .iter()
        .map(|s| s.end.saturating_sub(s.start.max(flushed)));
    unflushed.sum::<u64>().min(wal.start)
}

fn wal_limits(options: &Options) -> WalLimits {
    WalLimits {
        bytes_max: options.wal_bytes_max,
        segment_bytes: options.wal_segment_bytes,
        unsynced_bytes_max: options.unsynced_bytes_max,
        idle_ms: options.sync_idle_ms,
        busy_ms: options.sync_busy_ms.max(options.sync_idle_ms),
        retry_ms: options.retry_ms.max(1),
    }
}

fn take_lock(dir: &Path) -> Result<fs::File> {
    let path = filenames::lock(dir);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = file.doing("open", &path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked(dir.to_path_buf())),
        Err(TryLockError::Error(error)) => Err(error).doing("lock", &path),
    }
}

/// The parts that the manifest lists; without a sound manifest, those that are there.
fn open_parts(
    disk: &Disk,
    dir: &Path,
    report: &mut RecoveryReport,
) -> Result<(Manifest, Vec<Arc<Part>>)> {
    let names = disk::list(&filenames::parts_dir(dir))?;
    for name in names.iter().filter(|name| filenames::is_tmp(name)) {
        disk.remove(&filenames::parts_dir(dir).join(name))?;
    }
    let found: BTreeSet<u64> = names
        .iter()
        .filter_map(|n| filenames::parse_part(n))
        .collect();
    let listed = match Manifest::load(dir) {
        Err(Error::Damaged { .. }) => {
            report.manifest_rebuilt = true;
            None
        }
        other => other?,
    };
    let mut parts = Vec::new();
    let wanted: Vec<u64> = match &listed {
        Some(manifest) => manifest.parts.clone(),
        None => found.iter().copied().collect(),
    };
    for &number in &wanted {
        match Part::open(&filenames::part(dir, number), number) {
            Ok(part) => parts.push(Arc::new(part)),
            Err(Error::NewerFormat { path, found, known }) => {
                return Err(Error::NewerFormat { path, found, known });
            }
            Err(error) => report
                .quarantined
                .push(set_aside(disk, dir, number, &error)),
        }
    }
    report_set_aside(dir, &mut report.quarantined);
    let mut manifest = listed.clone().unwrap_or_default();
    match listed {
        // Left by a flush or a merge that did not come to its end, or already replaced by one.
        Some(_) => {
            for &number in found.iter().filter(|number| !wanted.contains(number)) {
                disk.remove(&filenames::part(dir, number))?;
            }
        }
        None => rebuild(&mut manifest, &mut parts, &found),
    }
    parts.sort_by_key(|part| (part.meta().day, part.meta().last_number));
    manifest.parts = parts.iter().map(|part| part.number).collect();
    report.parts = parts.len();
    report.part_samples = parts.iter().map(|part| part.meta().samples).sum();
    Ok((manifest, parts))
}

/// Without a list, a part whose flushes are all in another part of its day was merged into it.
fn rebuild(manifest: &mut Manifest, parts: &mut Vec<Arc<Part>>, found: &BTreeSet<u64>) {
    let metas: Vec<_> = parts
        .iter()
        .map(|part| (part.number, *part.meta()))
        .collect();
    parts.retain(|part| {
        let own = part.meta();
        !metas.iter().any(|(number, other)| {
            *number > part.number
                && other.day == own.day
                && other.first_number <= own.first_number
                && other.last_number >= own.last_number
        })
    });
    manifest.flushed = metas
        .iter()
        .map(|(_, meta)| meta.wal_upto)
        .max()
        .unwrap_or(0);
    manifest.next_number = found.last().map_or(0, |last| last + 1);
}

/// Moves a damaged part out of the way and says why.
fn set_aside(disk: &Disk, dir: &Path, number: u64, error: &Error) -> String {
    let from = filenames::part(dir, number);
    let quarantine = filenames::quarantine_dir(dir);
    let to = quarantine.join(from.file_name().unwrap_or_default());
    let moved = disk
        .create_dir(&quarantine)
        .and_then(|()| disk.rename(&from, &to));
    let place = if moved.is_ok() {
        to.display()
    } else {
        from.display()
    };
    format!("{place}: {}", crate::error::chain(error))
}

/// Names what was set aside at an earlier open and still lies there.
fn report_set_aside(dir: &Path, quarantined: &mut Vec<String>) {
    let quarantine = filenames::quarantine_dir(dir);
    for name in disk::list(&quarantine).unwrap_or_default() {
        let path = quarantine.join(&name).display().to_string();
        if !quarantined.iter().any(|text| text.starts_with(&path)) {
            quarantined.push(format!("{path}: set aside at an earlier start"));
        }
    }
}

/// Reads the log into memory: new series into the index, samples that no part holds into the head.
fn read_wal(
    dir: &Path,
    manifest: &Manifest,
    index: &mut SeriesIndex,
    (head, report): (&mut Head, &mut RecoveryReport),
) -> Result<WalStart> {
    let mut lost = 0;
    let recovered = wal::recover(dir, manifest.flushed, |record| {
        match record {
            Record::Series(series, labels) => {
                lost += index.add_lost_up_to(series);
                if series == index.len() {
                    index.add(&labels);
                }
            }
            Record::Samples(batch) => {
                let highest = batch.series.iter().max().map_or(0, |series| series.0 + 1);
                lost += index.add_lost_up_to(highest);
                head.active.insert(&batch, &mut head.last);
                report.wal_samples += batch.len() as u64;
            }
        }
        Ok(())
    })?;
    report.series_lost += lost;
    report.wal_torn_bytes = recovered.torn_bytes;
    report.wal_lost_bytes = recovered.lost_bytes;
    report.wal_position = WalPosition(recovered.end);
    let latest = recovered.segments.last().map_or(0, |segment| segment.start);
    let highest = recovered.end.max(latest).max(manifest.flushed);
    let start = (highest / RUN_GAP + 1) * RUN_GAP;
    Ok(WalStart {
        segments: recovered.segments,
        before: recovered.end,
        start,
    })
}
