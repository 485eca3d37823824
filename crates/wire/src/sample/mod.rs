//! The sample block: one moment's values of many series, small.
//!
//! A block is one tick of one agent: a time, and values of series that a dictionary names once. Both
//! ends keep the same state; a block can only be read after all blocks before it since a reset. The
//! live samples and the backlog each have a state of their own, as has each file of the agent's
//! queue. `docs/format/wire.md` has the bytes.

#[cfg(test)]
mod tests;
mod value;

use model::limits;

use crate::bits::{BitReader, BitWriter};
use crate::strings::{StringReader, StringWriter};
use crate::varint;
use value::Series;

/// Series that one dictionary may name before it must begin anew: series come and go.
pub const DICTIONARY_MAX: usize = 2 * limits::SERIES_PER_HOST_MAX;
/// Bytes of a metric's name.
const NAME_BYTES_MAX: usize = 256;

const FLAG_RESET: u8 = 1;
const FLAG_DEFINES: u8 = 1 << 1;
const FLAG_INTERVAL: u8 = 1 << 2;
const FLAG_REPLAY: u8 = 1 << 3;
const FLAG_ALL_KNOWN: u8 = FLAG_RESET | FLAG_DEFINES | FLAG_INTERVAL | FLAG_REPLAY | PRESENT_MASK;
const PRESENT_SHIFT: u8 = 4;
const PRESENT_MASK: u8 = 3 << PRESENT_SHIFT;
const PRESENT_SAME: u8 = 0;
const PRESENT_BITMAP: u8 = 1;
const PRESENT_LIST: u8 = 2;

/// What a block says of itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BlockHead {
    /// The number of the record in the agent's queue, from 1; gaps are allowed, order is not needed.
    pub seq: u64,
    /// The time of all its samples: UTC milliseconds of the server's clock.
    pub time_ms: i64,
    /// The interval at which the agent collects, in milliseconds.
    pub interval_ms: u32,
    /// Another server has acknowledged it before.
    pub replay: bool,
}

/// Why a block cannot be written or read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SampleError {
    /// The block ends in the middle.
    #[error("the block ends within its {0}")]
    Cut(&'static str),
    /// A flag or form that this version does not know.
    #[error("the block uses {0} unknown to this version")]
    Unknown(&'static str),
    /// The block names a series that no dictionary has defined.
    #[error("the block has a value for series {id}, but only {defined} are defined")]
    Undefined {
        /// The number used.
        id: u64,
        /// How many numbers exist.
        defined: usize,
    },
    /// Numbers are not in ascending order.
    #[error("the series of a block are not in order")]
    Order,
    /// More series than a dictionary may hold.
    #[error("{0} series in one dictionary; the limit is {DICTIONARY_MAX}")]
    TooManySeries(usize),
    /// More samples than a block may hold.
    #[error("{0} samples in one block; the limit is {limit}", limit = limits::SAMPLES_PER_BATCH_MAX)]
    TooManySamples(usize),
    /// A definition exceeds a limit or is not UTF-8.
    #[error("a definition has a malformed {0}")]
    Definition(&'static str),
    /// Bytes are left over.
    #[error("{0} bytes are left over after the block")]
    LeftOver(usize),
}

/// What both ends remember between blocks.
#[derive(Debug, Default)]
struct Shared {
    series: Vec<Series>,
    present: Vec<u32>,
    seq: u64,
    time_ms: i64,
    interval_ms: u32,
}

/// Writes blocks. After an error or a lost block: [`Encoder::reset`].
#[derive(Debug, Default)]
pub struct Encoder {
    shared: Shared,
    definitions: Vec<(String, Vec<(String, String)>)>,
    scratch: Vec<(u32, f64)>,
    reset: bool,
}

impl Encoder {
    /// A writer whose first block resets the reader.
    #[must_use]
    pub fn new() -> Self {
        let mut encoder = Self::default();
        encoder.reset();
        encoder
    }

    /// Forgets everything: the next block begins a new dictionary.
    pub fn reset(&mut self) {
        self.shared = Shared::default();
        self.definitions.clear();
        self.reset = true;
    }

    /// How many series the dictionary has; the next definition gets this number.
    #[must_use]
    pub const fn defined(&self) -> usize {
        self.shared.series.len()
    }

    /// Adds a series; its definition travels with the next block.
    ///
    /// # Errors
    /// When the dictionary is full: [`Encoder::reset`] and define the living series again.
    pub fn define<'a>(
        &mut self,
        name: &str,
        labels: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<u32, SampleError> {
        let id = self.shared.series.len();
        if id >= DICTIONARY_MAX {
            return Err(SampleError::TooManySeries(id + 1));
        }
        let labels = labels.map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        self.definitions.push((name.to_owned(), labels));
        self.shared.series.push(Series::NEW);
        u32::try_from(id).map_err(|_| SampleError::TooManySeries(id))
    }

    /// Appends one block to `out`. Of two values for one series the first is kept.
    ///
    /// # Errors
    /// When a series is not defined or there are too many samples; nothing is written then.
    pub fn block(
        &mut self,
        head: &BlockHead,
        values: impl IntoIterator<Item = (u32, f64)>,
        out: &mut Vec<u8>,
    ) -> Result<(), SampleError> {
        self.scratch.clear();
        self.scratch.extend(values);
        self.scratch.sort_by_key(|&(id, _)| id);
        self.scratch.dedup_by_key(|&mut (id, _)| id);
        if self.scratch.len() > limits::SAMPLES_PER_BATCH_MAX {
            return Err(SampleError::TooManySamples(self.scratch.len()));
        }
        let defined = self.shared.series.len();
        if let Some(&(id, _)) = self.scratch.last()
            && id as usize >= defined
        {
            let id = u64::from(id);
            return Err(SampleError::Undefined { id, defined });
        }
        self.write_head(head, out);
        let mut bits = BitWriter::new(out);
        for &(id, value) in &self.scratch {
            if let Some(series) = self.shared.series.get_mut(id as usize) {
                series.write(value, &mut bits);
            }
        }
        bits.finish();
        Ok(())
    }

    fn write_head(&mut self, head: &BlockHead, out: &mut Vec<u8>) {
        let shared = &mut self.shared;
        let present = choose_present(&shared.present, &self.scratch, shared.series.len());
        let mut flags = present << PRESENT_SHIFT;
        for (flag, on) in [
            (FLAG_RESET, self.reset),
            (FLAG_DEFINES, !self.definitions.is_empty()),
            (FLAG_INTERVAL, head.interval_ms != shared.interval_ms),
            (FLAG_REPLAY, head.replay),
        ] {
            flags |= if on { flag } else { 0 };
        }
        out.push(flags);
        let seq_step = head.seq.wrapping_sub(shared.seq.wrapping_add(1));
        varint::put_signed(out, seq_step as i64);
        if flags & FLAG_INTERVAL != 0 {
            varint::put(out, u64::from(head.interval_ms));
        }
        let expected_ms = shared.time_ms.wrapping_add(i64::from(head.interval_ms));
        varint::put_signed(out, head.time_ms.wrapping_sub(expected_ms));
        if flags & FLAG_DEFINES != 0 {
            write_definitions(&self.definitions, out);
        }
        write_present(present, &self.scratch, shared.series.len(), out);
        shared.present.clear();
        shared
            .present
            .extend(self.scratch.iter().map(|&(id, _)| id));
        (shared.seq, shared.time_ms) = (head.seq, head.time_ms);
        shared.interval_ms = head.interval_ms;
        self.definitions.clear();
        self.reset = false;
    }
}

fn choose_present(before: &[u32], now: &[(u32, f64)], defined: usize) -> u8 {
    let same = before.len() == now.len() && before.iter().zip(now).all(|(a, (b, _))| a == b);
    if same {
        PRESENT_SAME
    } else if now.len() < defined / 8 {
        PRESENT_LIST
    } else {
        PRESENT_BITMAP
    }
}

fn write_present(form: u8, now: &[(u32, f64)], defined: usize, out: &mut Vec<u8>) {
    match form {
        PRESENT_BITMAP => {
            let at = out.len();
            out.resize(at + defined.div_ceil(8), 0);
            for &(id, _) in now {
                if let Some(byte) = out.get_mut(at + id as usize / 8) {
                    *byte |= 1 << (id % 8);
                }
            }
        }
        PRESENT_LIST => {
            varint::put(out, now.len() as u64);
            let mut next = 0;
            for &(id, _) in now {
                varint::put(out, u64::from(id - next));
                next = id + 1;
            }
        }
        _ => {}
    }
}

fn write_definitions(list: &[(String, Vec<(String, String)>)], out: &mut Vec<u8>) {
    let mut strings = StringWriter::default();
    varint::put(out, list.len() as u64);
    for (name, labels) in list {
        strings.put(out, name);
        varint::put(out, labels.len() as u64);
        for (label, value) in labels {
            strings.put(out, label);
            strings.put(out, value);
        }
    }
}

/// Receives what a block holds, in the order of the block: definitions first.
pub trait BlockSink {
    /// The dictionary begins anew: all numbers known so far are void.
    fn reset(&mut self);
    /// Series `id` is `name` with `labels`; numbers come in sequence.
    fn define(&mut self, id: u32, name: &str, labels: &[(&str, &str)]);
    /// The head: everything after it belongs to this moment.
    fn head(&mut self, head: &BlockHead, samples: usize);
    /// One value.
    fn sample(&mut self, id: u32, value: f64);
}

/// Reads blocks. After an error the state is void: only a block with a reset can follow.
#[derive(Debug, Default)]
pub struct Decoder {
    shared: Shared,
    broken: bool,
    synced: bool,
}

impl Decoder {
    /// A reader that waits for a first block with a reset.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one block.
    ///
    /// # Errors
    /// When the block is malformed; values given to the sink before that must be thrown away.
    pub fn block(&mut self, bytes: &[u8], sink: &mut impl BlockSink) -> Result<(), SampleError> {
        let result = self.read(bytes, sink);
        self.broken = result.is_err();
        result
    }

    fn read(&mut self, bytes: &[u8], sink: &mut impl BlockSink) -> Result<(), SampleError> {
        let mut rest = bytes;
        let (&flags, tail) = rest.split_first().ok_or(SampleError::Cut("head"))?;
        rest = tail;
        if flags & !FLAG_ALL_KNOWN != 0 {
            return Err(SampleError::Unknown("a flag"));
        }
        if flags & FLAG_RESET != 0 {
            self.shared = Shared::default();
            self.synced = true;
            sink.reset();
        } else if self.broken || !self.synced {
            return Err(SampleError::Unknown("a dictionary"));
        }
        let head = self.read_head(flags, &mut rest)?;
        if flags & FLAG_DEFINES != 0 {
            self.read_definitions(&mut rest, sink)?;
        }
        self.read_present((flags & PRESENT_MASK) >> PRESENT_SHIFT, &mut rest)?;
        sink.head(&head, self.shared.present.len());
        let mut bits = BitReader::new(rest);
        let Shared {
            series, present, ..
        } = &mut self.shared;
        for &id in present.iter() {
            let defined = series.len();
            let undefined = SampleError::Undefined {
                id: u64::from(id),
                defined,
            };
            let series = series.get_mut(id as usize).ok_or(undefined)?;
            let value = series.read(&mut bits).ok_or(SampleError::Cut("values"))?;
            sink.sample(id, value);
        }
        if bits.is_at_end() {
            Ok(())
        } else {
            Err(SampleError::LeftOver(rest.len()))
        }
    }

    fn read_head(&mut self, flags: u8, rest: &mut &[u8]) -> Result<BlockHead, SampleError> {
        let cut = SampleError::Cut("head");
        let shared = &mut self.shared;
        let seq_step = varint::take_signed(rest).ok_or(cut.clone())?;
        shared.seq = shared.seq.wrapping_add(1).wrapping_add_signed(seq_step);
        if flags & FLAG_INTERVAL != 0 {
            let interval = varint::take(rest).ok_or(cut.clone())?;
            shared.interval_ms =
                u32::try_from(interval).map_err(|_| SampleError::Unknown("an interval"))?;
        }
        let expected_ms = shared.time_ms.wrapping_add(i64::from(shared.interval_ms));
        let step_ms = varint::take_signed(rest).ok_or(cut)?;
        shared.time_ms = expected_ms.wrapping_add(step_ms);
        Ok(BlockHead {
            seq: shared.seq,
            time_ms: shared.time_ms,
            interval_ms: shared.interval_ms,
            replay: flags & FLAG_REPLAY != 0,
        })
    }

    fn read_definitions<'a>(
        &mut self,
        rest: &mut &'a [u8],
        sink: &mut impl BlockSink,
    ) -> Result<(), SampleError> {
        let count = take_count(rest, "definitions")?;
        let total = self.shared.series.len().saturating_add(count);
        if total > DICTIONARY_MAX {
            return Err(SampleError::TooManySeries(total));
        }
        let mut strings = StringReader::default();
        let mut labels: Vec<(&'a str, &'a str)> = Vec::new();
        for _ in 0..count {
            let name = strings
                .take(rest, NAME_BYTES_MAX)
                .ok_or(SampleError::Definition("name"))?;
            let label_count = take_count(rest, "labels")?;
            if label_count > limits::LABELS_PER_SERIES_MAX {
                return Err(SampleError::Definition("number of labels"));
            }
            labels.clear();
            for _ in 0..label_count {
                let label = strings
                    .take(rest, NAME_BYTES_MAX)
                    .ok_or(SampleError::Definition("label name"))?;
                let value = strings
                    .take(rest, limits::LABEL_VALUE_BYTES_MAX)
                    .ok_or(SampleError::Definition("label value"))?;
                labels.push((label, value));
            }
            let id = u32::try_from(self.shared.series.len()).unwrap_or(u32::MAX);
            self.shared.series.push(Series::NEW);
            sink.define(id, name, &labels);
        }
        Ok(())
    }

    fn read_present(&mut self, form: u8, rest: &mut &[u8]) -> Result<(), SampleError> {
        let cut = SampleError::Cut("list of series");
        let Shared {
            series, present, ..
        } = &mut self.shared;
        match form {
            PRESENT_SAME => return Ok(()),
            PRESENT_BITMAP => {
                let len = series.len().div_ceil(8);
                let (bitmap, tail) = rest.split_at_checked(len).ok_or(cut)?;
                *rest = tail;
                present.clear();
                for (at, &byte) in (0_u32..).step_by(8).zip(bitmap) {
                    let ids = (0..8).filter(|bit| byte & (1 << bit) != 0);
                    present.extend(ids.map(|bit| at + bit));
                }
            }
            PRESENT_LIST => {
                let count = take_count(rest, "list of series")?;
                present.clear();
                let mut next = 0_u64;
                for _ in 0..count {
                    let step = varint::take(rest).ok_or(cut.clone())?;
                    let id = next.checked_add(step).ok_or(SampleError::Order)?;
                    let defined = series.len();
                    let undefined = SampleError::Undefined { id, defined };
                    present.push(u32::try_from(id).map_err(|_| undefined)?);
                    next = id + 1;
                }
            }
            _ => return Err(SampleError::Unknown("a list of series")),
        }
        if present.len() > limits::SAMPLES_PER_BATCH_MAX {
            return Err(SampleError::TooManySamples(present.len()));
        }
        Ok(())
    }
}

/// A count of things that take at least a byte each, so that no count can ask for much memory.
fn take_count(rest: &mut &[u8], what: &'static str) -> Result<usize, SampleError> {
    let count = varint::take(rest).ok_or(SampleError::Cut(what))?;
    usize::try_from(count)
        .ok()
        .filter(|&count| count <= rest.len())
        .ok_or(SampleError::Cut(what))
}
