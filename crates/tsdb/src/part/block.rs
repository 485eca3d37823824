//! A block of values: a directory of columns, the compressed columns, a CRC-32.

use super::column;
use super::format::Key;
use crate::codec::{self, Broken, Decoded, Reader};

/// Samples of one series that stay together; longer runs are split evenly.
pub(super) const ENTRY_MAX: usize = 4_096;
/// Values at which a column is closed; `pco` gains little beyond (1.58 bytes a sample at 1,000
/// values, 1.46 at 4,000).
pub(super) const COLUMN_VALUES: usize = 4_096;
/// Values at which a block is closed: some 25 KiB, one read.
pub(super) const BLOCK_VALUES: usize = 16_384;
/// A column holds fewer than this many values, whatever a damaged directory says.
const COLUMN_VALUES_MAX: usize = COLUMN_VALUES + ENTRY_MAX;

/// The samples of one series in a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    pub(super) series: u32,
    /// Number of its column of times.
    pub(super) times: u32,
    /// Samples.
    pub(super) count: u32,
}

/// A column as its directory describes it.
#[derive(Debug)]
pub(super) struct Column<'a> {
    pub(super) metric: u32,
    pub(super) entries: Vec<Entry>,
    compressed: &'a [u8],
    pub(super) values: usize,
}

impl Column<'_> {
    pub(super) fn key(&self, entry: &Entry) -> Key {
        Key {
            metric: self.metric,
            series: entry.series,
        }
    }

    pub(super) fn decompress(&self, out: &mut Vec<f64>) -> Decoded<()> {
        out.clear();
        column::decompress(self.compressed, self.values, out)
    }
}

/// Collects columns until the block is full.
#[derive(Debug, Default)]
pub(super) struct BlockBuilder {
    directory: Vec<u8>,
    columns: u64,
    compressed: Vec<u8>,
    /// Values of the closed columns and of the open one.
    pub(super) values: usize,
    last_metric: u32,
    open: OpenColumn,
}

#[derive(Debug, Default)]
struct OpenColumn {
    metric: u32,
    entries: Vec<Entry>,
    values: Vec<f64>,
}

impl BlockBuilder {
    pub(super) fn add(
        &mut self,
        key: Key,
        times: u32,
        values: impl ExactSizeIterator<Item = f64>,
    ) -> Decoded<()> {
        if key.metric != self.open.metric || self.open.values.len() >= COLUMN_VALUES {
            self.close_column()?;
        }
        self.open.metric = key.metric;
        let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
        self.open.entries.push(Entry {
            series: key.series,
            times,
            count,
        });
        self.values += values.len();
        self.open.values.extend(values);
        Ok(())
    }

    fn close_column(&mut self) -> Decoded<()> {
        if self.open.entries.is_empty() {
            return Ok(());
        }
        let before = self.compressed.len();
        column::compress(&self.open.values, &mut self.compressed)?;
        let out = &mut self.directory;
        codec::put_varint(
            out,
            u64::from(self.open.metric.wrapping_sub(self.last_metric)),
        );
        codec::put_varint(out, self.open.entries.len() as u64);
        codec::put_varint(out, (self.compressed.len() - before) as u64);
        let counts = |entry: &Entry| entry.count;
        let first = self.open.entries.first().map_or(0, counts);
        let same = self.open.entries.iter().all(|entry| entry.count == first);
        codec::put_varint(out, u64::from(if same { first } else { 0 }));
        let (mut series, mut times) = (0_u32, 0_i64);
        for entry in &self.open.entries {
            codec::put_varint(out, u64::from(entry.series.wrapping_sub(series)));
            // One more than the column before is the usual case, and must cost one byte like it.
            codec::put_signed(out, i64::from(entry.times) - times);
            if !same {
                codec::put_varint(out, u64::from(entry.count));
            }
            (series, times) = (entry.series, i64::from(entry.times));
        }
        self.columns += 1;
        self.last_metric = self.open.metric;
        self.open.entries.clear();
        self.open.values.clear();
        Ok(())
    }

    /// The finished block; the builder is empty again.
    pub(super) fn finish(&mut self) -> Decoded<Vec<u8>> {
        self.close_column()?;
        let mut out = Vec::with_capacity(self.directory.len() + self.compressed.len() + 16);
        codec::put_varint(&mut out, self.columns);
        out.append(&mut self.directory);
        out.append(&mut self.compressed);
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        self.columns = 0;
        self.values = 0;
        self.last_metric = 0;
        Ok(out)
    }
}

/// Checks the CRC-32 at the end of a block and returns what stands before it.
pub(super) fn checked(bytes: &[u8]) -> Decoded<&[u8]> {
    let split = bytes
        .len()
        .checked_sub(4)
        .and_then(|at| bytes.split_at_checked(at));
    let (payload, crc) = split.ok_or(Broken("a block is too short"))?;
    let sound = Reader::new(crc).u32() == Ok(crc32fast::hash(payload));
    if sound {
        Ok(payload)
    } else {
        Err(Broken("the checksum of a block differs"))
    }
}

/// Reads the directory of a checked block.
pub(super) fn columns(payload: &[u8]) -> Decoded<Vec<Column<'_>>> {
    let mut reader = Reader::new(payload);
    let count = reader.count()?;
    let mut columns = Vec::with_capacity(count.min(64));
    let mut lengths = Vec::with_capacity(count.min(64));
    let mut metric = 0_u32;
    for _ in 0..count {
        metric = metric.wrapping_add(reader.varint_u32()?);
        let entry_count = reader.count()?;
        lengths.push(reader.count()?);
        let same = reader.varint_u32()?;
        let entries = read_entries(&mut reader, entry_count, same)?;
        let values: usize = entries.iter().map(|entry| entry.count as usize).sum();
        if values == 0 || values > COLUMN_VALUES_MAX {
            return Err(Broken("a column has an impossible length"));
        }
        columns.push(Column {
            metric,
            entries,
            compressed: &[],
            values,
        });
    }
    for (column, len) in columns.iter_mut().zip(lengths) {
        column.compressed = reader.take(len)?;
    }
    Ok(columns)
}

fn read_entries(reader: &mut Reader<'_>, count: usize, same: u32) -> Decoded<Vec<Entry>> {
    let (mut series, mut times) = (0_u32, 0_i64);
    let mut entries = Vec::with_capacity(count.min(COLUMN_VALUES_MAX));
    for _ in 0..count {
        series = series.wrapping_add(reader.varint_u32()?);
        times = times.wrapping_add(reader.signed()?);
        let samples = if same == 0 {
            reader.varint_u32()?
        } else {
            same
        };
        if samples as usize > ENTRY_MAX {
            return Err(Broken("a series has too many samples in one column"));
        }
        let times = u32::try_from(times).map_err(|_| Broken("a column number is impossible"))?;
        entries.push(Entry {
            series,
            times,
            count: samples,
        });
    }
    Ok(entries)
}
