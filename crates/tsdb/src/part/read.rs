//! Reading a part: the index stays in memory, blocks are read when asked for.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::block::{self, Column};
use super::format::{self, BlockRef, FOOTER, HEADER, Key, PartIndex, PartMeta};
use super::times::TimesBlock;
use crate::codec::{Broken, Decoded};
use crate::error::{Doing, Error, Result};
use crate::guard::lock;
use crate::memory::Point;

/// Blocks of times kept decoded while a part is read (16 MiB at most).
const TIMES_KEPT_MAX: usize = 128;

/// An open part.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) size_bytes: u64,
    file: File,
    index: PartIndex,
    damage: Mutex<Option<String>>,
}

/// A series to be read, and where its points go.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Wanted {
    pub(crate) key: Key,
    pub(crate) out: usize,
}

/// The range of a query, both ends included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

/// The decoded blocks of times of one part, while it is read.
#[derive(Debug, Default)]
pub(super) struct TimesCache(HashMap<usize, TimesBlock>);

impl Part {
    /// Opens a part and checks its skeleton; blocks are checked when they are read.
    pub(crate) fn open(path: &Path, number: u64) -> Result<Self> {
        let damaged = |what| Error::Damaged {
            path: path.to_path_buf(),
            what,
        };
        let file = File::open(path).doing("open", path)?;
        let size_bytes = file.metadata().doing("open", path)?.len();
        let mut header = [0; HEADER];
        let at_most = (HEADER + FOOTER) as u64;
        if size_bytes < at_most {
            return Err(damaged("it is too short"));
        }
        file.read_exact_at(&mut header, 0).doing("read", path)?;
        format::check_header(path, &header)?;
        let mut footer = [0; FOOTER];
        let footer_at = size_bytes - FOOTER as u64;
        file.read_exact_at(&mut footer, footer_at)
            .doing("read", path)?;
        let (offset, len, crc) = format::decode_footer(&footer).map_err(|b| damaged(b.0))?;
        if offset.checked_add(u64::from(len)) != Some(footer_at) {
            return Err(damaged("its footer points elsewhere"));
        }
        let mut bytes = vec![0; len as usize];
        file.read_exact_at(&mut bytes, offset).doing("read", path)?;
        if crc32fast::hash(&bytes) != crc {
            return Err(damaged("the checksum of its index differs"));
        }
        let index = PartIndex::decode(&bytes).map_err(|b| damaged(b.0))?;
        let path = path.to_path_buf();
        Ok(Self {
            number,
            path,
            size_bytes,
            file,
            index,
            damage: Mutex::new(None),
        })
    }

    pub(crate) const fn meta(&self) -> &PartMeta {
        &self.index.meta
    }

    /// What was found damaged in it since it was opened.
    pub(crate) fn damage(&self) -> Option<String> {
        lock(&self.damage).clone()
    }

    pub(crate) fn overlaps(&self, range: Range) -> bool {
        self.meta().min_t_ms <= range.to_ms && self.meta().max_t_ms >= range.from_ms
    }

    pub(super) fn block_count(&self) -> usize {
        self.index.blocks.len()
    }

    pub(super) fn note_damage(&self, what: &str) {
        lock(&self.damage).get_or_insert_with(|| format!("{}: {what}", self.path.display()));
    }

    pub(super) fn read_at(&self, offset: u64, len: u32) -> Decoded<Vec<u8>> {
        let mut bytes = vec![0; len as usize];
        let within = offset
            .checked_add(u64::from(len))
            .is_some_and(|end| end <= self.size_bytes);
        if !within {
            return Err(Broken("a block lies outside the file"));
        }
        let read = self.file.read_exact_at(&mut bytes, offset);
        read.map(|()| bytes)
            .map_err(|_| Broken("a block cannot be read"))
    }

    pub(super) fn block(&self, at: usize) -> Decoded<Vec<u8>> {
        let block = self
            .index
            .blocks
            .get(at)
            .ok_or(Broken("a block does not exist"))?;
        self.read_at(block.offset, block.len)
    }

    /// Calls `with` with the column of times of that number.
    pub(super) fn with_times<T>(
        &self,
        cache: &mut TimesCache,
        column: u32,
        with: impl FnOnce(&[i64]) -> T,
    ) -> Decoded<T> {
        let missing = Broken("a column of times does not exist");
        let after = self
            .index
            .times
            .partition_point(|times| times.first_column <= column);
        let at = after.checked_sub(1).ok_or(missing)?;
        let times = self.index.times.get(at).ok_or(missing)?;
        if !cache.0.contains_key(&at) {
            if cache.0.len() >= TIMES_KEPT_MAX {
                cache.0.clear();
            }
            let decoded = TimesBlock::decode(&self.read_at(times.offset, times.len)?)?;
            cache.0.insert(at, decoded);
        }
        let block = cache.0.get(&at).ok_or(missing)?;
        block
            .column((column - times.first_column) as usize)
            .map(with)
            .ok_or(missing)
    }

    /// Appends the points of `wanted` (sorted) within `range` to `out`. Damaged blocks are noted and
    /// left out. `left` counts down the samples the query may still read.
    pub(crate) fn read(
        &self,
        wanted: &[Wanted],
        range: Range,
        out: &mut [Vec<Point>],
        left: &mut u64,
    ) -> Result<(), TooMany> {
        let blocks = &self.index.blocks;
        let mut cache = TimesCache::default();
        let mut at = 0;
        let mut rest = wanted;
        while let (Some(block), Some(next)) = (blocks.get(at), rest.first()) {
            if block.last < next.key {
                let tail = blocks.get(at..).unwrap_or_default();
                at += tail.partition_point(|block| block.last < next.key);
                continue;
            }
            let before = rest.partition_point(|want| want.key < block.first);
            rest = rest.get(before..).unwrap_or_default();
            let here = rest.partition_point(|want| want.key <= block.last);
            let here = rest.get(..here).unwrap_or_default();
            if !here.is_empty() && in_time(block, range) {
                match self.read_block(at, here, range, (&mut cache, out, left)) {
                    Ok(true) => {}
                    Ok(false) => return Err(TooMany),
                    Err(broken) => self.note_damage(broken.0),
                }
            }
            at += 1;
        }
        Ok(())
    }

    /// `false` when the query reads more than it may.
    fn read_block(
        &self,
        at: usize,
        wanted: &[Wanted],
        range: Range,
        (cache, out, left): (&mut TimesCache, &mut [Vec<Point>], &mut u64),
    ) -> Decoded<bool> {
        let bytes = self.block(at)?;
        let columns = block::columns(block::checked(&bytes)?)?;
        let mut values = Vec::new();
        for column in &columns {
            let hits = hits(column, wanted);
            if hits.is_empty() {
                continue;
            }
            column.decompress(&mut values)?;
            for (start, entry, to) in hits {
                let end = start + entry.count as usize;
                let values = values.get(start..end).unwrap_or_default();
                let Some(out) = out.get_mut(to) else { continue };
                let before = out.len();
                self.with_times(cache, entry.times, |times| {
                    if times.len() != values.len() {
                        return Err(Broken("times and values differ in number"));
                    }
                    let from = times.partition_point(|&t| t < range.from_ms);
                    let end = times.partition_point(|&t| t <= range.to_ms).max(from);
                    let points = times.iter().zip(values).take(end).skip(from);
                    out.extend(points.map(|(&t_ms, &value)| Point { t_ms, value }));
                    Ok(())
                })??;
                let read = (out.len() - before) as u64;
                if read > *left {
                    return Ok(false);
                }
                *left -= read;
            }
        }
        Ok(true)
    }

    /// Reads every block and checks it; what is damaged is noted.
    pub(crate) fn verify(&self) -> bool {
        let check = |bytes: Decoded<Vec<u8>>| bytes.and_then(|b| block::checked(&b).map(drop));
        for at in 0..self.index.blocks.len() {
            if let Err(broken) = check(self.block(at)) {
                self.note_damage(broken.0);
            }
        }
        for times in &self.index.times {
            if let Err(broken) = check(self.read_at(times.offset, times.len)) {
                self.note_damage(broken.0);
            }
        }
        self.damage().is_none()
    }
}

/// A query would read more samples than it may.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooMany;

fn in_time(block: &BlockRef, range: Range) -> bool {
    block.min_t_ms <= range.to_ms && block.max_t_ms >= range.from_ms
}

/// The wanted entries of a column: where each starts, and where its points go.
fn hits(column: &Column<'_>, wanted: &[Wanted]) -> Vec<(usize, block::Entry, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    for entry in &column.entries {
        let key = column.key(entry);
        if let Ok(at) = wanted.binary_search_by(|want| want.key.cmp(&key))
            && let Some(want) = wanted.get(at)
        {
            found.push((start, *entry, want.out));
        }
        start += entry.count as usize;
    }
    found
}

/// Reads a whole part from bytes that may be anything; returns its samples. For tests of hostile
/// input: nothing in it may panic or allocate without bound.
pub(crate) fn read_everything(path: &Path) -> Result<u64> {
    let part = Part::open(path, 0)?;
    let mut cursor = super::cursor::Cursor::new(&part);
    let mut samples = 0;
    while let Ok(Some(_)) = cursor.peek() {
        let mut points = Vec::new();
        if cursor.take(&mut points).is_err() {
            break;
        }
        samples += points.len() as u64;
    }
    Ok(samples)
}
