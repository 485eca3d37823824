//! Merges: which parts, and how they become one.

use std::path::Path;
use std::sync::Arc;

use super::PartWriter;
use super::cursor::Cursor;
use super::format::{Key, PartMeta};
use super::read::Part;
use crate::codec::Broken;
use crate::disk::Disk;
use crate::error::Result;
use crate::filenames;
use crate::memory::{Point, sort_and_dedup};

/// Parts of one size that become one: each sample is written about log₄(day ÷ flush) times.
const FAN_IN: usize = 4;
/// Parts one merge reads at once.
const INPUTS_MAX: usize = 16;
/// Parts up to this size count as one size.
const SMALLEST_BYTES: u64 = 64 * 1024;

/// Chooses neighbours of one day to merge. `parts` are in order of day and number. Only neighbours
/// may be merged: of equal times the sample of the later part wins, and a part left between two
/// merged ones would change sides.
pub(crate) fn plan(parts: &[Arc<Part>], bytes_max: u64) -> Option<Vec<Arc<Part>>> {
    let mut best: Option<(u64, Vec<Arc<Part>>)> = None;
    for day in parts.chunk_by(|a, b| a.meta().day == b.meta().day) {
        for run in day.chunk_by(|a, b| tier(a) == tier(b) && sound(a) && sound(b)) {
            let mut bytes = 0;
            let fits = |part: &&Arc<Part>| {
                bytes += part.size_bytes;
                bytes <= bytes_max
            };
            let chosen: Vec<_> = run
                .iter()
                .take(INPUTS_MAX)
                .take_while(fits)
                .cloned()
                .collect();
            let size: u64 = chosen.iter().map(|part| part.size_bytes).sum();
            if chosen.len() >= FAN_IN && best.as_ref().is_none_or(|(least, _)| size < *least) {
                best = Some((size, chosen));
            }
        }
    }
    best.map(|(_, chosen)| chosen)
}

fn sound(part: &Arc<Part>) -> bool {
    part.damage().is_none()
}

/// Parts of one tier differ in size by a factor of four at most.
fn tier(part: &Arc<Part>) -> u32 {
    (part.size_bytes.max(SMALLEST_BYTES) / SMALLEST_BYTES).ilog2() / 2
}

/// How a merge ended.
#[derive(Debug)]
pub(crate) enum Merged {
    Done,
    /// An input turned out damaged; it is noted there and nothing was written.
    DamagedInput,
}

/// Writes the union of `inputs` (oldest first) to `path`.
pub(crate) fn merge(disk: &Disk, path: &Path, inputs: &[Arc<Part>]) -> Result<Merged> {
    let mut writer = PartWriter::create(disk, path)?;
    let outcome = merge_into(&mut writer, inputs);
    match outcome {
        Ok(Merged::Done) => {
            let finished = writer.finish(union_of(inputs));
            if finished.is_err() {
                drop(disk.remove(&filenames::tmp(path)));
            }
            finished.map(|_| Merged::Done)
        }
        other => {
            writer.discard();
            other
        }
    }
}

fn union_of(inputs: &[Arc<Part>]) -> PartMeta {
    let metas = || inputs.iter().map(|part| part.meta());
    PartMeta {
        day: metas().map(|meta| meta.day).min().unwrap_or(0),
        first_number: metas().map(|meta| meta.first_number).min().unwrap_or(0),
        last_number: metas().map(|meta| meta.last_number).max().unwrap_or(0),
        wal_upto: metas().map(|meta| meta.wal_upto).max().unwrap_or(0),
        ..PartMeta::default()
    }
}

fn merge_into(writer: &mut PartWriter, inputs: &[Arc<Part>]) -> Result<Merged> {
    let mut cursors: Vec<Cursor<'_>> = inputs.iter().map(|part| Cursor::new(part)).collect();
    let mut points: Vec<Point> = Vec::new();
    loop {
        let mut next: Option<Key> = None;
        for (cursor, part) in cursors.iter_mut().zip(inputs) {
            match cursor.peek() {
                Ok(key) => next = next.into_iter().chain(key).min(),
                Err(broken) => return Ok(damaged(part, broken)),
            }
        }
        let Some(key) = next else {
            return Ok(Merged::Done);
        };
        points.clear();
        for (cursor, part) in cursors.iter_mut().zip(inputs) {
            if cursor.peek() == Ok(Some(key))
                && let Err(broken) = cursor.take(&mut points)
            {
                return Ok(damaged(part, broken));
            }
        }
        sort_and_dedup(&mut points);
        writer.add(key, &points)?;
    }
}

fn damaged(part: &Part, broken: Broken) -> Merged {
    part.note_damage(broken.0);
    Merged::DamagedInput
}
