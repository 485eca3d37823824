//! From memory to parts, and out of the store when too old.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Head, Inner};
use crate::error::{Result, chain};
use crate::filenames;
use crate::guard::{lock, read, write};
use crate::memory::{MemTable, Point, sort_and_dedup};
use crate::part::{DAY_MS, Key, Part, PartMeta, PartWriter, day_of};

/// Tables that wait to be written; more would only use memory.
const FROZEN_MAX: usize = 2;
/// Time between two looks for parts that are too old, in milliseconds.
const RETENTION_PERIOD_MS: u64 = 60_000;

impl Inner {
    /// Closes the active table; `false` when there is nothing in it or too much waits already.
    pub(super) fn freeze(&self, head: &mut Head) -> bool {
        let upto = self.wal.end();
        if upto == self.frozen_upto.load(Ordering::Relaxed) && head.active.is_empty() {
            return false;
        }
        if head.frozen.len() >= FROZEN_MAX {
            return false;
        }
        let mut table = std::mem::take(&mut head.active);
        table.upto = upto;
        head.frozen.push(Arc::new(table));
        self.frozen_upto.store(upto, Ordering::Relaxed);
        true
    }

    /// Flushes what is due and drops what is too old.
    pub(super) fn maintain_memory(&self) -> Result<()> {
        {
            let mut head = write(&self.head);
            let since_ns = head.active.since_ns;
            let age_ms = since_ns.map_or(0, |since| (self.env.clock.mono_ns() - since) / 1_000_000);
            let is_due = age_ms >= self.options.flush_interval_ms;
            if is_due || self.is_full(&head, self.wal.end()) {
                self.freeze(&mut head);
            }
        }
        let flushed = self.flush_frozen();
        *lock(&self.counters.flush_failure) = flushed.as_ref().err().map(chain);
        flushed?;
        self.drop_old()
    }

    /// Writes every frozen table, oldest first.
    pub(super) fn flush_frozen(&self) -> Result<()> {
        let _one = lock(&self.flushing);
        loop {
            let Some(table) = read(&self.head).frozen.first().cloned() else {
                return Ok(());
            };
            self.flush_table(&table)?;
            self.counters.flushes.fetch_add(1, Ordering::Relaxed);
            self.release_wal()?;
            self.wake_merge();
        }
    }

    fn flush_table(&self, table: &MemTable) -> Result<()> {
        self.persist_series()?;
        let mut made = Vec::new();
        let written = self.write_parts(table, &mut made);
        let published = written.and_then(|()| {
            self.publish(&made, &[], Some(table.upto))?;
            self.flushed.fetch_max(table.upto, Ordering::Relaxed);
            Ok(())
        });
        if published.is_err() {
            for part in &made {
                drop(self.disk.remove(&part.path));
            }
        }
        published
    }

    /// Series go to the device before the parts that use them.
    fn persist_series(&self) -> Result<()> {
        let mut log = lock(&self.series_log);
        let new = log.prepare(&read(&self.index));
        new.map_or(Ok(()), |new| log.append(&new))
    }

    fn write_parts(&self, table: &MemTable, made: &mut Vec<Arc<Part>>) -> Result<()> {
        let mut keys: Vec<Key> = {
            let index = read(&self.index);
            let key = |series| Key {
                metric: index.metric_key(series),
                series,
            };
            table.series().map(|(series, _)| key(series)).collect()
        };
        keys.sort_unstable();
        let days: BTreeSet<i64> = table
            .series()
            .flat_map(|(_, points)| points.chunk_by(|a, b| day_of(a.t_ms) == day_of(b.t_ms)))
            .filter_map(|run| run.first().map(|point| day_of(point.t_ms)))
            .collect();
        for day in days {
            made.push(Arc::new(self.write_day(table, &keys, day)?));
        }
        Ok(())
    }

    fn write_day(&self, table: &MemTable, keys: &[Key], day: i64) -> Result<Part> {
        let number = self.next_part_number();
        let path = filenames::part(&self.dir, number);
        let write = || -> Result<Part> {
            let mut writer = PartWriter::create(&self.disk, &path)?;
            let mut points: Vec<Point> = Vec::new();
            let of_day = day.saturating_mul(DAY_MS)..day.saturating_add(1).saturating_mul(DAY_MS);
            for &key in keys {
                let all = table.points(crate::SeriesId(key.series));
                points.clear();
                points.extend(all.iter().filter(|point| of_day.contains(&point.t_ms)));
                sort_and_dedup(&mut points);
                writer.add(key, &points)?;
            }
            let wal_upto = table.upto;
            let (first_number, last_number) = (number, number);
            let meta = PartMeta {
                day,
                first_number,
                last_number,
                wal_upto,
                ..PartMeta::default()
            };
            writer.finish(meta)?;
            Part::open(&path, number)
        };
        let part = write();
        if part.is_err() {
            drop(self.disk.remove(&filenames::tmp(&path)));
            drop(self.disk.remove(&path));
        }
        part
    }

    pub(super) fn next_part_number(&self) -> u64 {
        let mut manifest = lock(&self.manifest);
        manifest.next_number += 1;
        manifest.next_number - 1
    }

    /// Makes a new list of parts the one in force: first on the device, then for queries.
    /// A flush also names the log position up to which its table, the oldest frozen one, reaches.
    pub(super) fn publish(
        &self,
        made: &[Arc<Part>],
        gone: &[Arc<Part>],
        flushed: Option<u64>,
    ) -> Result<()> {
        let mut manifest = lock(&self.manifest);
        let is_gone = |part: &Arc<Part>| gone.iter().any(|other| other.number == part.number);
        let mut parts: Vec<Arc<Part>> = read(&self.head).parts.iter().cloned().collect();
        parts.retain(|part| !is_gone(part));
        parts.extend(made.iter().cloned());
        parts.sort_by_key(|part| (part.meta().day, part.meta().last_number));
        let mut next = manifest.clone();
        next.parts = parts.iter().map(|part| part.number).collect();
        next.flushed = next.flushed.max(flushed.unwrap_or(0));
        next.save(&self.disk, &self.dir)?;
        *manifest = next;
        let mut head = write(&self.head);
        head.parts = Arc::new(parts);
        if flushed.is_some() && !head.frozen.is_empty() {
            head.frozen.remove(0);
        }
        drop(head);
        drop(manifest);
        // Queries that still read them hold them open; a name left behind goes at the next open.
        for part in gone {
            drop(self.disk.remove(&part.path));
        }
        Ok(())
    }

    /// Drops parts of which every sample is too old. The newest sample counts as now when the clock
    /// says later: a clock that jumps ahead must not empty the store.
    pub(super) fn drop_old(&self) -> Result<()> {
        let mono_ms = self.env.clock.mono_ns() / 1_000_000;
        let checked_ms = self.counters.retention_checked_ms.load(Ordering::Relaxed);
        if checked_ms != 0 && mono_ms < checked_ms.saturating_add(RETENTION_PERIOD_MS) {
            return Ok(());
        }
        self.counters
            .retention_checked_ms
            .store(mono_ms.max(1), Ordering::Relaxed);
        let (parts, newest_ms) = {
            let head = read(&self.head);
            (head.parts.clone(), head.last.newest_ms)
        };
        let newest_ms = parts
            .iter()
            .map(|part| part.meta().max_t_ms)
            .max()
            .max(newest_ms);
        let now_ms = newest_ms.unwrap_or(i64::MAX).min(self.env.clock.now_ms());
        let edge_ms = now_ms.saturating_sub(self.options.retention_ms);
        let is_old = |part: &&Arc<Part>| part.meta().max_t_ms < edge_ms;
        let gone: Vec<_> = parts.iter().filter(is_old).cloned().collect();
        if gone.is_empty() {
            Ok(())
        } else {
            self.publish(&[], &gone, None)
        }
    }
}
