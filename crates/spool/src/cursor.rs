//! The cursor file: what is done, what was lost, and who acknowledged; written in place, twice.
#![expect(
    clippy::indexing_slicing,
    reason = "offsets are checked against the slot's size"
)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::error::SpoolError;
use crate::ranges::{Done, RANGES_MAX};

const NAME: &str = "cursor";
const SLOT_BYTES: usize = 4096;
const SLOTS: u64 = 2;
const MAGIC: u32 = 0x4243_5231;
/// Gaps kept until they are told; more are merged into wider ones.
const GAPS_MAX: usize = 32;
/// Bytes of the name of the store that acknowledged last.
const STORE_BYTES_MAX: usize = 64;

/// Why records are lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Reason {
    /// The queue had reached its limit.
    QueueFull = 1,
    /// The disk had no room.
    DiskFull = 2,
    /// A file was damaged or removed.
    Damaged = 3,
    /// Several of them.
    Several = 4,
}

impl Reason {
    /// For people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::QueueFull => "the agent's queue on disk was full",
            Self::DiskFull => "the disk of the agent's queue was full",
            Self::Damaged => "a file of the agent's queue was damaged",
            Self::Several => "the agent's queue was full or damaged",
        }
    }

    const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::QueueFull,
            2 => Self::DiskFull,
            3 => Self::Damaged,
            _ => Self::Several,
        }
    }
}

/// Records that are lost for ever.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Gap {
    /// The first lost number.
    pub from_seq: u64,
    /// The last lost number.
    pub to_seq: u64,
    /// The time of the first, as far as known.
    pub from_ms: i64,
    /// The time of the last.
    pub to_ms: i64,
    /// Why.
    pub reason: Reason,
}

/// What the cursor file holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct State {
    pub(crate) queue: u64,
    pub(crate) done: Done,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) store: String,
}

impl State {
    /// Adds a gap; neighbours with one reason become one, and too many become wide ones.
    pub(crate) fn add_gap(&mut self, gap: Gap) {
        if let Some(last) = self.gaps.last_mut()
            && last.to_seq + 1 == gap.from_seq
            && last.reason == gap.reason
        {
            last.to_seq = gap.to_seq;
            last.to_ms = gap.to_ms;
            return;
        }
        self.gaps.push(gap);
        if self.gaps.len() > GAPS_MAX {
            let first = self.gaps.remove(0);
            if let Some(second) = self.gaps.first_mut() {
                second.from_seq = first.from_seq;
                second.from_ms = first.from_ms;
                second.reason = Reason::Several;
            }
        }
    }

    fn encode(&self, generation: u64) -> [u8; SLOT_BYTES] {
        let mut out = Vec::with_capacity(SLOT_BYTES);
        out.extend_from_slice(&MAGIC.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        for word in [generation, self.queue, self.done.through] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        let store = self.store.as_bytes();
        let store = &store[..store.len().min(STORE_BYTES_MAX)];
        let ranges = &self.done.above[..self.done.above.len().min(RANGES_MAX)];
        let gaps = &self.gaps[..self.gaps.len().min(GAPS_MAX)];
        out.extend([ranges.len() as u8, gaps.len() as u8, store.len() as u8, 0]);
        for &(first, last) in ranges {
            out.extend_from_slice(&first.to_le_bytes());
            out.extend_from_slice(&last.to_le_bytes());
        }
        for gap in gaps {
            for word in [
                gap.from_seq,
                gap.to_seq,
                gap.from_ms as u64,
                gap.to_ms as u64,
            ] {
                out.extend_from_slice(&word.to_le_bytes());
            }
            out.push(gap.reason as u8);
        }
        out.extend_from_slice(store);
        out.resize(SLOT_BYTES, 0);
        let crc = crc32fast::hash(&out[8..]);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
        let mut slot = [0; SLOT_BYTES];
        slot.copy_from_slice(&out);
        slot
    }

    fn decode(slot: &[u8; SLOT_BYTES]) -> Option<(u64, Self)> {
        let crc = crc32fast::hash(&slot[8..]).to_le_bytes();
        if slot[..4] != MAGIC.to_le_bytes() || slot[4..8] != crc {
            return None;
        }
        let mut rest = &slot[8..];
        let (generation, queue) = (word(&mut rest)?, word(&mut rest)?);
        let through = word(&mut rest)?;
        let (counts, tail) = rest.split_first_chunk::<4>()?;
        rest = tail;
        let mut state = Self {
            queue,
            ..Self::default()
        };
        state.done.through = through;
        for _ in 0..counts[0] {
            state.done.above.push((word(&mut rest)?, word(&mut rest)?));
        }
        for _ in 0..counts[1] {
            let words = [
                word(&mut rest)?,
                word(&mut rest)?,
                word(&mut rest)?,
                word(&mut rest)?,
            ];
            let (&reason, tail) = rest.split_first()?;
            rest = tail;
            state.gaps.push(Gap {
                from_seq: words[0],
                to_seq: words[1],
                from_ms: words[2] as i64,
                to_ms: words[3] as i64,
                reason: Reason::from_code(reason),
            });
        }
        let store = rest.get(..usize::from(counts[2]))?;
        state.store = String::from_utf8_lossy(store).into_owned();
        Some((generation, state))
    }
}

fn word(rest: &mut &[u8]) -> Option<u64> {
    let (word, tail) = rest.split_first_chunk::<8>()?;
    *rest = tail;
    Some(u64::from_le_bytes(*word))
}

/// The open cursor file. It has its full size from the start, so that it can be written when the
/// disk is full.
#[derive(Debug)]
pub(crate) struct CursorFile {
    file: File,
    generation: u64,
}

impl CursorFile {
    /// Opens or makes the file; nothing when neither slot is good.
    pub(crate) fn open(dir: &Path) -> Result<(Self, Option<State>), SpoolError> {
        let path = dir.join(NAME);
        let inner = || -> io::Result<(Self, Option<State>)> {
            let mut options = OpenOptions::new();
            let file = options
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)?;
            let mut best: Option<(u64, State)> = None;
            for slot in 0..SLOTS {
                let mut bytes = [0; SLOT_BYTES];
                if file
                    .read_exact_at(&mut bytes, slot * SLOT_BYTES as u64)
                    .is_ok()
                    && let Some(found) = State::decode(&bytes)
                    && best
                        .as_ref()
                        .is_none_or(|(generation, _)| found.0 > *generation)
                {
                    best = Some(found);
                }
            }
            if file.metadata()?.len() < SLOTS * SLOT_BYTES as u64 {
                file.write_all_at(&[0; SLOT_BYTES * SLOTS as usize], 0)?;
            }
            let generation = best.as_ref().map_or(0, |(generation, _)| *generation);
            Ok((Self { file, generation }, best.map(|(_, state)| state)))
        };
        inner().map_err(SpoolError::file("use", &path))
    }

    /// Writes the state over the older slot. Not synced: an older cursor only means that some
    /// records are sent again.
    pub(crate) fn write(&mut self, state: &State) -> io::Result<()> {
        self.generation += 1;
        let slot = self.generation % SLOTS;
        self.file
            .write_all_at(&state.encode(self.generation), slot * SLOT_BYTES as u64)
    }
}
