//! Parts: immutable files of compressed columns, one day of samples at most.
//!
//! Within a part series are sorted by metric and number; values of neighbouring series of one metric
//! share a compressed column, and series scraped together share one column of times. The layout is
//! described in `docs/format/tsdb.md`.

mod block;
mod column;
mod cursor;
mod format;
mod manifest;
mod merge;
mod read;
mod times;
mod write;

pub(crate) use format::{Key, PartMeta};
pub(crate) use manifest::Manifest;
pub(crate) use merge::{Merged, merge, plan};
pub(crate) use read::{Part, Range, Wanted, read_everything};
pub(crate) use write::PartWriter;

/// Milliseconds of the partition that a part belongs to: one UTC day.
pub(crate) const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// The day of a time.
pub(crate) const fn day_of(t_ms: i64) -> i64 {
    t_ms.div_euclid(DAY_MS)
}

/// Decodes the same bytes as an index, as a block and as times; for tests of hostile input.
pub(crate) fn decode_unchecked(data: &[u8]) {
    drop(format::PartIndex::decode(data));
    if let Ok(columns) = block::columns(data) {
        let mut values = Vec::new();
        for column in columns {
            let _any = column.decompress(&mut values);
        }
    }
    drop(times::TimesBlock::decode_payload(data));
}
