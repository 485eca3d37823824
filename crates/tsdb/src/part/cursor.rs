//! Walking through a part from its first series to its last.

use super::block;
use super::format::Key;
use super::read::{Part, TimesCache};
use crate::codec::{Broken, Decoded};
use crate::memory::Point;

/// Reads a part in order, one block decoded at a time.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    part: &'a Part,
    next_block: usize,
    /// Entries of the current block, in order, and the values they share.
    entries: Vec<(Key, block::Entry, usize)>,
    values: Vec<f64>,
    at: usize,
    times: TimesCache,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(part: &'a Part) -> Self {
        Self {
            part,
            next_block: 0,
            entries: Vec::new(),
            values: Vec::new(),
            at: 0,
            times: TimesCache::default(),
        }
    }

    /// The series that comes next.
    pub(super) fn peek(&mut self) -> Decoded<Option<Key>> {
        while self.at >= self.entries.len() {
            if self.next_block >= self.part.block_count() {
                return Ok(None);
            }
            self.load()?;
        }
        Ok(self.entries.get(self.at).map(|(key, ..)| *key))
    }

    fn load(&mut self) -> Decoded<()> {
        let bytes = self.part.block(self.next_block)?;
        self.next_block += 1;
        self.entries.clear();
        self.values.clear();
        self.at = 0;
        let mut values = Vec::new();
        for column in block::columns(block::checked(&bytes)?)? {
            let mut start = self.values.len();
            column.decompress(&mut values)?;
            self.values.extend_from_slice(&values);
            for entry in &column.entries {
                self.entries.push((column.key(entry), *entry, start));
                start += entry.count as usize;
            }
        }
        Ok(())
    }

    /// Appends all points of the series that comes next, over as many blocks as it takes.
    pub(super) fn take(&mut self, out: &mut Vec<Point>) -> Decoded<()> {
        let key = self.peek()?;
        while key.is_some() && self.peek()? == key {
            let Some(&(_, entry, start)) = self.entries.get(self.at) else {
                break;
            };
            let values = self
                .values
                .get(start..start + entry.count as usize)
                .unwrap_or_default();
            self.part
                .with_times(&mut self.times, entry.times, |times| {
                    if times.len() != values.len() {
                        return Err(Broken("times and values differ in number"));
                    }
                    let points = times.iter().zip(values);
                    out.extend(points.map(|(&t_ms, &value)| Point { t_ms, value }));
                    Ok(())
                })??;
            self.at += 1;
        }
        Ok(())
    }
}
