//! The skeleton of a part file: header, index and footer.

use std::path::Path;

use crate::codec::{self, Broken, Decoded, Reader};
use crate::error::{Error, Result};

pub(super) const MAGIC: &[u8; 4] = b"BGPT";
pub(super) const VERSION: u32 = 1;
/// Magic and version.
pub(super) const HEADER: usize = 8;
/// Offset of the index (u64), its length (u32), its CRC-32, magic.
pub(super) const FOOTER: usize = 8 + 4 + 4 + 4;

/// A series within a part: its metric's number, then its own; parts are sorted by it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key {
    pub(crate) metric: u32,
    pub(crate) series: u32,
}

/// What a part says about itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct PartMeta {
    pub(crate) day: i64,
    pub(crate) min_t_ms: i64,
    pub(crate) max_t_ms: i64,
    /// The numbers of the flushes it was made from: later samples win over earlier ones.
    pub(crate) first_number: u64,
    pub(crate) last_number: u64,
    /// Everything in the log before this is in this part or an older one.
    pub(crate) wal_upto: u64,
    pub(crate) samples: u64,
    pub(crate) series: u64,
    /// One more than the highest series in it.
    pub(crate) series_end: u32,
}

/// Where a block of values is and what it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct BlockRef {
    pub(super) offset: u64,
    pub(super) len: u32,
    pub(super) first: Key,
    pub(super) last: Key,
    pub(super) min_t_ms: i64,
    pub(super) max_t_ms: i64,
}

/// Where a block of time columns is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct TimesRef {
    pub(super) offset: u64,
    pub(super) len: u32,
    /// Number of its first column.
    pub(super) first_column: u32,
}

/// Everything about a part that stays in memory.
#[derive(Debug, Default, PartialEq)]
pub(super) struct PartIndex {
    pub(super) meta: PartMeta,
    pub(super) blocks: Vec<BlockRef>,
    pub(super) times: Vec<TimesRef>,
    pub(super) time_columns: u32,
}

impl PartIndex {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let m = &self.meta;
        for number in [m.day, m.min_t_ms, m.max_t_ms] {
            codec::put_signed(&mut out, number);
        }
        for number in [
            m.first_number,
            m.last_number,
            m.wal_upto,
            m.samples,
            m.series,
        ] {
            codec::put_varint(&mut out, number);
        }
        codec::put_varint(&mut out, u64::from(m.series_end));
        codec::put_varint(&mut out, self.blocks.len() as u64);
        for block in &self.blocks {
            for number in [block.first.metric, block.first.series] {
                codec::put_varint(&mut out, u64::from(number));
            }
            let metrics = block.last.metric.wrapping_sub(block.first.metric);
            codec::put_varint(&mut out, u64::from(metrics));
            codec::put_varint(&mut out, u64::from(block.last.series));
            codec::put_varint(&mut out, u64::from(block.len));
            codec::put_signed(&mut out, block.min_t_ms.wrapping_sub(m.min_t_ms));
            codec::put_signed(&mut out, m.max_t_ms.wrapping_sub(block.max_t_ms));
        }
        codec::put_varint(&mut out, self.times.len() as u64);
        let mut before = 0;
        for times in &self.times {
            codec::put_varint(&mut out, u64::from(times.first_column - before));
            codec::put_varint(&mut out, u64::from(times.len));
            before = times.first_column;
        }
        codec::put_varint(&mut out, u64::from(self.time_columns));
        out
    }

    /// Offsets are sums of lengths: blocks follow the header, time blocks follow them.
    pub(super) fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut reader = Reader::new(bytes);
        let mut index = Self {
            meta: decode_meta(&mut reader)?,
            ..Self::default()
        };
        let mut offset = HEADER as u64;
        for _ in 0..reader.count()? {
            let block = decode_block(&mut reader, &index.meta, offset)?;
            offset += u64::from(block.len);
            index.blocks.push(block);
        }
        if !index.blocks.is_sorted_by(|a, b| a.last <= b.first) {
            return Err(Broken("its blocks are not in order"));
        }
        let mut first_column = 0_u32;
        for _ in 0..reader.count()? {
            let more = Broken("a column number exceeds 32 bits");
            first_column = first_column.checked_add(reader.varint_u32()?).ok_or(more)?;
            let len = reader.varint_u32()?;
            index.times.push(TimesRef {
                offset,
                len,
                first_column,
            });
            offset += u64::from(len);
        }
        index.time_columns = reader.varint_u32()?;
        Ok(index)
    }
}

fn decode_meta(reader: &mut Reader<'_>) -> Decoded<PartMeta> {
    Ok(PartMeta {
        day: reader.signed()?,
        min_t_ms: reader.signed()?,
        max_t_ms: reader.signed()?,
        first_number: reader.varint()?,
        last_number: reader.varint()?,
        wal_upto: reader.varint()?,
        samples: reader.varint()?,
        series: reader.varint()?,
        series_end: reader.varint_u32()?,
    })
}

fn decode_block(reader: &mut Reader<'_>, meta: &PartMeta, offset: u64) -> Decoded<BlockRef> {
    let first = Key {
        metric: reader.varint_u32()?,
        series: reader.varint_u32()?,
    };
    let metrics = reader.varint_u32()?;
    let last = Key {
        metric: first.metric.wrapping_add(metrics),
        series: reader.varint_u32()?,
    };
    if last < first {
        return Err(Broken("a block ends before it begins"));
    }
    let len = reader.varint_u32()?;
    let min_t_ms = meta.min_t_ms.wrapping_add(reader.signed()?);
    let max_t_ms = meta.max_t_ms.wrapping_sub(reader.signed()?);
    Ok(BlockRef {
        offset,
        len,
        first,
        last,
        min_t_ms,
        max_t_ms,
    })
}

pub(super) fn header() -> [u8; HEADER] {
    let mut out = [0; HEADER];
    let fields = MAGIC.iter().copied().chain(VERSION.to_le_bytes());
    for (slot, byte) in out.iter_mut().zip(fields) {
        *slot = byte;
    }
    out
}

pub(super) fn check_header(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut reader = Reader::new(bytes);
    let magic = reader.take(MAGIC.len()).unwrap_or_default();
    let found = reader.u32().unwrap_or_default();
    if magic != MAGIC || found == 0 {
        return Err(Error::Damaged {
            path: path.to_path_buf(),
            what: "it is not a part",
        });
    }
    if found > VERSION {
        return Err(Error::NewerFormat {
            path: path.to_path_buf(),
            found,
            known: VERSION,
        });
    }
    Ok(())
}

/// The bytes after the blocks: index and footer.
pub(super) fn tail(index: &PartIndex, offset: u64) -> Vec<u8> {
    let mut out = index.encode();
    let crc = crc32fast::hash(&out);
    let len = u32::try_from(out.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&offset.to_le_bytes());
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(MAGIC);
    out
}

/// Offset, length and checksum of the index.
pub(super) fn decode_footer(bytes: &[u8]) -> Decoded<(u64, u32, u32)> {
    let mut reader = Reader::new(bytes);
    let fields = (reader.u64()?, reader.u32()?, reader.u32()?);
    if reader.take(MAGIC.len())? == MAGIC {
        Ok(fields)
    } else {
        Err(Broken("it has no footer"))
    }
}
