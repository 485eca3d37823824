//! Writing a part: series in order, into a file that takes its name only when it is whole.

use std::path::{Path, PathBuf};

use super::block::{BLOCK_VALUES, BlockBuilder, ENTRY_MAX};
use super::format::{self, BlockRef, Key, PartIndex, PartMeta, TimesRef};
use super::times::TimesBuilder;
use crate::codec::Broken;
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use crate::filenames;
use crate::memory::Point;

/// Bytes collected before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

/// Writes one part.
#[derive(Debug)]
pub(crate) struct PartWriter {
    disk: Disk,
    path: PathBuf,
    file: DiskFile,
    buffer: Vec<u8>,
    block: BlockBuilder,
    block_first: Option<Key>,
    block_times: (i64, i64),
    last: Key,
    times: TimesBuilder,
    index: PartIndex,
}

impl PartWriter {
    pub(crate) fn create(disk: &Disk, path: &Path) -> Result<Self> {
        let mut writer = Self {
            disk: disk.clone(),
            path: path.to_path_buf(),
            file: disk.create(&filenames::tmp(path))?,
            buffer: format::header().to_vec(),
            block: BlockBuilder::default(),
            block_first: None,
            block_times: (i64::MAX, i64::MIN),
            last: Key {
                metric: 0,
                series: 0,
            },
            times: TimesBuilder::default(),
            index: PartIndex::default(),
        };
        writer.index.meta.min_t_ms = i64::MAX;
        writer.index.meta.max_t_ms = i64::MIN;
        Ok(writer)
    }

    /// Adds a series; keys grow, points are sorted, without equal times and not empty.
    pub(crate) fn add(&mut self, key: Key, points: &[Point]) -> Result<()> {
        debug_assert!(
            self.index.meta.series == 0 || key > self.last,
            "series must grow"
        );
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            return Ok(());
        };
        let meta = &mut self.index.meta;
        meta.min_t_ms = meta.min_t_ms.min(first.t_ms);
        meta.max_t_ms = meta.max_t_ms.max(last.t_ms);
        meta.samples += points.len() as u64;
        meta.series += 1;
        meta.series_end = meta.series_end.max(key.series.saturating_add(1));
        let pieces = points.len().div_ceil(ENTRY_MAX);
        for piece in points.chunks(points.len().div_ceil(pieces)) {
            self.add_entry(key, piece)?;
        }
        Ok(())
    }

    fn add_entry(&mut self, key: Key, points: &[Point]) -> Result<()> {
        let times = points.iter().map(|point| point.t_ms);
        let column = self.times.number(times).map_err(|b| self.broken(b))?;
        let values = points.iter().map(|point| point.value);
        self.block
            .add(key, column, values)
            .map_err(|b| self.broken(b))?;
        self.block_first.get_or_insert(key);
        self.last = key;
        let (min, max) = self.block_times;
        let ends = points.first().zip(points.last());
        self.block_times = ends.map_or((min, max), |(first, last)| {
            (min.min(first.t_ms), max.max(last.t_ms))
        });
        if self.block.values >= BLOCK_VALUES {
            self.close_block()
        } else {
            Ok(())
        }
    }

    fn close_block(&mut self) -> Result<()> {
        let Some(first) = self.block_first.take() else {
            return Ok(());
        };
        let bytes = self.block.finish().map_err(|b| self.broken(b))?;
        let (min_t_ms, max_t_ms) = std::mem::replace(&mut self.block_times, (i64::MAX, i64::MIN));
        let offset = self.offset();
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let last = self.last;
        self.index.blocks.push(BlockRef {
            offset,
            len,
            first,
            last,
            min_t_ms,
            max_t_ms,
        });
        self.put(&bytes)
    }

    fn offset(&self) -> u64 {
        self.file.size_bytes() + self.buffer.len() as u64
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_BYTES {
            self.file.write(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    fn broken(&self, broken: Broken) -> Error {
        Error::Damaged {
            path: self.path.clone(),
            what: broken.0,
        }
    }

    /// Finishes the file: on the device and under its name. `meta` gives day, numbers and log.
    pub(crate) fn finish(mut self, meta: PartMeta) -> Result<PathBuf> {
        self.close_block()?;
        self.index.time_columns = self.times.finish().map_err(|b| self.broken(b))?;
        for (first_column, bytes) in std::mem::take(&mut self.times.blocks) {
            let offset = self.offset();
            let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            self.index.times.push(TimesRef {
                offset,
                len,
                first_column,
            });
            self.put(&bytes)?;
        }
        let own = self.index.meta;
        self.index.meta = PartMeta {
            min_t_ms: own.min_t_ms,
            max_t_ms: own.max_t_ms,
            samples: own.samples,
            series: own.series,
            series_end: own.series_end,
            ..meta
        };
        let tail = format::tail(&self.index, self.offset());
        self.buffer.extend_from_slice(&tail);
        self.file.write(&self.buffer)?;
        self.file.sync()?;
        self.disk.rename(self.file.path(), &self.path)?;
        Ok(self.path.clone())
    }

    /// Removes the unfinished file, after an error or when it is not wanted.
    pub(crate) fn discard(self) {
        drop(self.disk.remove(self.file.path()));
    }
}
