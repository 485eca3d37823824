//! Reading the log: once at open, and whenever the caller replays it.

use std::fs;
use std::path::Path;

use super::segment::{self, Segment};
use super::{AppendBatch, Record, decode_record, is_batch};
use crate::disk;
use crate::error::{Doing, Result};
use crate::filenames;

/// What the log held when it was opened.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// The segments with their sound ranges, oldest first.
    pub(crate) segments: Vec<Segment>,
    /// Position after the last sound record.
    pub(crate) end: u64,
    /// Bytes behind it that a crash left half written: never acknowledged.
    pub(crate) torn_bytes: u64,
    /// Bytes inside the log that are damaged: these were acknowledged.
    pub(crate) lost_bytes: u64,
}

/// Reads every segment in order and hands its records to `visit`: every series, and the batches after
/// `flushed`, which no part holds.
pub(crate) fn recover(
    dir: &Path,
    flushed: u64,
    mut visit: impl FnMut(Record) -> Result<()>,
) -> Result<Recovered> {
    let mut starts: Vec<u64> = disk::list(&filenames::wal_dir(dir))?
        .iter()
        .filter_map(|name| filenames::parse_wal_segment(name))
        .collect();
    starts.sort_unstable();
    let mut found = Recovered::default();
    for (at, &start) in starts.iter().enumerate() {
        // A segment given up after a write error may overlap the one that continues it.
        let limit = starts.get(at + 1).copied();
        let path = filenames::wal_segment(dir, start);
        let bytes = fs::read(&path).doing("read", &path)?;
        let Some((_, before)) =
            segment::read_header(&path, &bytes)?.filter(|&(stated, _)| stated == start)
        else {
            count_headless(&mut found, limit.is_none(), bytes.len());
            // Kept in the list, without a record in it, so that it is removed with the others.
            found.segments.push(Segment {
                path,
                start,
                before: start,
                end: start,
            });
            continue;
        };
        found.lost_bytes += before.saturating_sub(found.end.max(first_start(&found, before)));
        let end = segment::walk(
            &bytes,
            start,
            limit.unwrap_or(u64::MAX),
            &mut |end, payload| {
                if end <= flushed && is_batch(payload) {
                    return Ok(());
                }
                // A sound checksum over bytes that cannot be read is a record of a newer minor version.
                decode_record(payload).map_or(Ok(()), &mut visit)
            },
        )?;
        if limit.is_none() {
            found.torn_bytes += bytes.len() as u64 - segment::HEADER as u64 - (end - start);
        }
        found.end = end;
        found.segments.push(Segment {
            path,
            start,
            before,
            end,
        });
    }
    Ok(found)
}

/// For the oldest segment nothing before it can be missed: older ones were removed on purpose.
fn first_start(found: &Recovered, before: u64) -> u64 {
    if found.segments.is_empty() { before } else { 0 }
}

/// The newest segment without a header was being made; of an older one the next segment says how
/// much was in it, unless it is the oldest.
fn count_headless(found: &mut Recovered, is_last: bool, bytes: usize) {
    if is_last {
        found.torn_bytes += bytes as u64;
    } else if found.segments.is_empty() {
        found.lost_bytes += bytes as u64;
    }
}

/// Hands the batches after `from` and up to `to` to `visit`, in order.
pub(crate) fn replay(
    segments: &[Segment],
    from: u64,
    to: u64,
    visit: &mut dyn FnMut(u64, AppendBatch),
) -> Result<()> {
    for (at, segment) in segments.iter().enumerate() {
        let limit = segments.get(at + 1).map_or(to, |next| next.start.min(to));
        if segment.end <= from || segment.start >= to {
            continue;
        }
        let bytes = fs::read(&segment.path).doing("read", &segment.path)?;
        segment::walk(&bytes, segment.start, limit, &mut |end, payload| {
            if end > from
                && let Ok(Record::Samples(batch)) = decode_record(payload)
            {
                visit(end, batch);
            }
            Ok(())
        })?;
    }
    Ok(())
}
