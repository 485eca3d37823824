//! Columns of times, each kept once however many series share it.

use std::collections::HashMap;

use super::block;
use super::column;
use crate::codec::{self, Broken, Decoded, Reader};

/// Times at which a block of columns is closed.
const BLOCK_TIMES: usize = 16_384;
/// Times kept to find equal columns (32 MiB); beyond, new columns are no longer compared with old.
const REMEMBERED_MAX: usize = 4 * 1024 * 1024;
/// A block holds fewer columns than this, whatever a damaged one says.
const COLUMNS_MAX: usize = BLOCK_TIMES + 1;

/// Gives every distinct column a number and writes it into a block.
#[derive(Debug, Default)]
pub(super) struct TimesBuilder {
    /// Columns by a hash of their times; each is compared in full before it is shared.
    by_hash: HashMap<u64, Vec<(u32, Vec<i64>)>>,
    remembered: usize,
    /// The column given last: a run of series of one host asks for it again and again.
    next: u32,
    open: Vec<Vec<i64>>,
    open_times: usize,
    /// Finished blocks and the number of the first column in each.
    pub(super) blocks: Vec<(u32, Vec<u8>)>,
}

impl TimesBuilder {
    /// The number of the column with these times, which are not empty and grow strictly.
    pub(super) fn number(&mut self, times: impl Iterator<Item = i64> + Clone) -> Decoded<u32> {
        let hash = hash(times.clone());
        let known = self.by_hash.get(&hash).into_iter().flatten();
        if let Some((number, _)) = known
            .into_iter()
            .find(|(_, c)| times.clone().eq(c.iter().copied()))
        {
            return Ok(*number);
        }
        let column: Vec<i64> = times.collect();
        let number = self.next;
        self.next += 1;
        self.open_times += column.len();
        if self.remembered > REMEMBERED_MAX {
            self.by_hash.clear();
            self.remembered = 0;
        }
        self.remembered += column.len();
        self.by_hash
            .entry(hash)
            .or_default()
            .push((number, column.clone()));
        self.open.push(column);
        if self.open_times >= BLOCK_TIMES {
            self.close()?;
        }
        Ok(number)
    }

    fn close(&mut self) -> Decoded<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let mut out = Vec::new();
        codec::put_varint(&mut out, self.open.len() as u64);
        let mut before = 0_i64;
        let mut steps = Vec::with_capacity(self.open_times);
        for column in &self.open {
            codec::put_varint(&mut out, column.len() as u64);
            let first = column.first().copied().unwrap_or(0);
            codec::put_signed(&mut out, first.wrapping_sub(before));
            before = first;
            steps.extend(
                column
                    .iter()
                    .zip(column.iter().skip(1))
                    .map(|(a, b)| b.wrapping_sub(*a)),
            );
        }
        if !steps.is_empty() {
            column::compress(&steps, &mut out)?;
        }
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        let first = self.next - u32::try_from(self.open.len()).unwrap_or(0);
        self.blocks.push((first, out));
        self.open.clear();
        self.open_times = 0;
        Ok(())
    }

    /// Closes the last block; returns the number of columns.
    pub(super) fn finish(&mut self) -> Decoded<u32> {
        self.close()?;
        Ok(self.next)
    }
}

/// Mixes every time in; equal columns are found by it and then compared.
fn hash(times: impl Iterator<Item = i64>) -> u64 {
    // Odd constant of Knuth's multiplicative hashing, 2^64 divided by the golden ratio.
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
    times.fold(0, |hash: u64, t| {
        (hash.rotate_left(23) ^ t.cast_unsigned()).wrapping_mul(MIX)
    })
}

/// The columns of one block, decoded.
#[derive(Debug)]
pub(super) struct TimesBlock {
    ends: Vec<usize>,
    times: Vec<i64>,
}

impl TimesBlock {
    pub(super) fn decode(bytes: &[u8]) -> Decoded<Self> {
        Self::decode_payload(block::checked(bytes)?)
    }

    pub(super) fn decode_payload(payload: &[u8]) -> Decoded<Self> {
        let mut reader = Reader::new(payload);
        let count = reader.count_up_to(COLUMNS_MAX)?;
        let mut firsts = Vec::with_capacity(count);
        let (mut first, mut total) = (0_i64, 0_usize);
        for _ in 0..count {
            let len = reader.count_up_to(block::ENTRY_MAX)?;
            first = first.wrapping_add(reader.signed()?);
            firsts.push((first, len));
            total += len;
        }
        if total > BLOCK_TIMES + block::ENTRY_MAX || firsts.iter().any(|&(_, len)| len == 0) {
            return Err(Broken("a block of times has an impossible length"));
        }
        let mut steps: Vec<i64> = Vec::new();
        if total > count {
            column::decompress(reader.take(reader.left())?, total - count, &mut steps)?;
        }
        let mut steps = steps.into_iter();
        let mut block = Self {
            ends: Vec::with_capacity(count),
            times: Vec::with_capacity(total),
        };
        for (first, len) in firsts {
            let mut t_ms = first;
            block.times.push(t_ms);
            for step in steps.by_ref().take(len - 1) {
                t_ms = t_ms.wrapping_add(step);
                block.times.push(t_ms);
            }
            block.ends.push(block.times.len());
        }
        Ok(block)
    }

    /// The times of the column at `at` within the block.
    pub(super) fn column(&self, at: usize) -> Option<&[i64]> {
        let end = *self.ends.get(at)?;
        let start = at
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied();
        self.times.get(start.unwrap_or(0)..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_columns_are_kept_once_and_all_come_back() {
        let mut builder = TimesBuilder::default();
        let column = |phase: i64, len: i64| (0..len).map(move |i| phase + i * 10_000 + i % 3);
        let numbers: Vec<u32> = [(0, 100), (7, 100), (0, 100), (0, 99), (5, 1), (7, 100)]
            .into_iter()
            .map(|(phase, len)| builder.number(column(phase, len)).unwrap())
            .collect();
        assert_eq!(numbers, vec![0, 1, 0, 2, 3, 1]);
        assert_eq!(builder.finish(), Ok(4));
        let (first, bytes) = &builder.blocks[0];
        let block = TimesBlock::decode(bytes).unwrap();
        assert_eq!(*first, 0);
        assert_eq!(block.column(1).unwrap(), column(7, 100).collect::<Vec<_>>());
        assert_eq!(block.column(3).unwrap(), [5]);
        assert_eq!(block.column(4), None);
    }
}
