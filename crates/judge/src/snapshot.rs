//! The judge's state as one binary file: versioned, checksummed, naming the WAL position it contains.
//!
//! The format is described in `docs/format/judge-snapshot.md`.

use std::collections::HashMap;

use crate::engine::{SIGNALS_MAX, Slot};
use crate::key::{PairKey, PairMap};
use crate::pair::{LevelState, NEVER_MS, PairState, Status};

const MAGIC: &[u8; 8] = b"BONGSUJ\n";
/// The version that is written; others are refused by number.
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 48;

const FLAPPING: u8 = 0x04;
const HOLD_OVER: u8 = 0x08;
const HAS_LAST: u8 = 0x10;
const HAS_RING: u8 = 0x20;
const HAS_SLOTS: u8 = 0x40;
const HAS_RECHECK: u8 = 0x80;

const SLOT_SET: u8 = 0x01;
const SLOT_AGED: u8 = 0x02;
const SLOT_CADENCE: u8 = 0x04;
const SLOT_ODD: u8 = 0x08;

/// A place in the write-ahead log: everything before it is contained.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct WalPosition {
    /// The segment's number.
    pub segment: u64,
    /// The byte within it.
    pub offset: u64,
}

/// A snapshot as read back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Judge the WAL from here on.
    pub wal: WalPosition,
    /// When it was taken, UTC milliseconds.
    pub taken_ms: i64,
    /// The state of each pair.
    pub pairs: PairMap<SavedPair>,
    /// What is known of each host.
    pub hosts: HashMap<u64, SavedHost>,
}

/// A pair's state in a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedPair {
    pub(crate) fingerprint: u32,
    pub(crate) state: PairState,
    pub(crate) slots: Box<[Slot]>,
}

impl SavedPair {
    /// The pair's state.
    #[must_use]
    pub const fn state(&self) -> &PairState {
        &self.state
    }
}

/// A host in a snapshot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SavedHost {
    /// Whether it was silent.
    pub silent: bool,
    /// Its newest sample time, UTC milliseconds.
    pub newest_ms: i64,
}

/// Why a file is not a snapshot that can be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SnapshotError {
    /// It does not begin as one.
    #[error("not a judge snapshot: the first bytes are wrong")]
    Magic,
    /// A version this program does not know.
    #[error("judge snapshot version {0} is not known; this program reads version {VERSION}")]
    Version(u32),
    /// The checksum differs.
    #[error("the judge snapshot is damaged: its checksum is {found:08x}, computed {computed:08x}")]
    Checksum {
        /// As written.
        found: u32,
        /// As computed.
        computed: u32,
    },
    /// It ends too early, or holds a number that cannot be.
    #[error("the judge snapshot is damaged at byte {0}")]
    Damaged(usize),
}

/// Writes a snapshot pair by pair.
pub(crate) struct Writer {
    /// The header and the hosts.
    head: Vec<u8>,
    pair_bytes: Vec<u8>,
    base_ms: i64,
    hosts: u32,
    pairs: u32,
}

impl Writer {
    pub(crate) fn new(wal: WalPosition, base_ms: i64) -> Self {
        let mut head = Vec::with_capacity(HEADER_BYTES);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&[0; 4]);
        head.extend_from_slice(&base_ms.to_le_bytes());
        head.extend_from_slice(&wal.segment.to_le_bytes());
        head.extend_from_slice(&wal.offset.to_le_bytes());
        // The two counts are written by `finish`.
        head.extend_from_slice(&[0; 8]);
        Self {
            head,
            pair_bytes: Vec::new(),
            base_ms,
            hosts: 0,
            pairs: 0,
        }
    }

    pub(crate) fn host(&mut self, key: u64, host: SavedHost) {
        self.hosts += 1;
        let to = &mut self.head;
        to.extend_from_slice(&key.to_le_bytes());
        to.push(u8::from(host.silent));
        put_time(to, host.newest_ms, self.base_ms);
    }

    pub(crate) fn pair(
        &mut self,
        key: PairKey,
        fingerprint: u32,
        (state, slots): (&PairState, &[Slot]),
    ) {
        self.pairs += 1;
        let to = &mut self.pair_bytes;
        to.extend_from_slice(&key.0.to_le_bytes());
        to.extend_from_slice(&fingerprint.to_le_bytes());
        put_state(to, state, (slots, self.base_ms));
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let mut out = self.head;
        let counts = [self.hosts.to_le_bytes(), self.pairs.to_le_bytes()].concat();
        for (to, from) in out.iter_mut().skip(HEADER_BYTES - 8).zip(counts) {
            *to = from;
        }
        out.extend_from_slice(&self.pair_bytes);
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }
}

fn put_state(to: &mut Vec<u8>, state: &PairState, (slots, base_ms): (&[Slot], i64)) {
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    let flags = state.status as u8
        | flag(state.flapping, FLAPPING)
        | flag(state.hold_over, HOLD_OVER)
        | flag(state.last_ms != NEVER_MS, HAS_LAST)
        | flag(state.ring != 0, HAS_RING)
        | flag(!slots.is_empty(), HAS_SLOTS)
        | flag(state.recheck != 0, HAS_RECHECK);
    let idle = LevelState::default();
    let mut present = 0;
    for (slot, level) in state.levels.iter().enumerate() {
        present |= u8::from(*level != idle) << slot;
    }
    to.extend_from_slice(&[flags, state.reached, present]);
    if flags & HAS_LAST != 0 {
        put_time(to, state.last_ms, base_ms);
    }
    put_varint(to, u64::from(state.cadence_ms));
    put_varint(to, u64::from(state.odd_ms));
    if flags & HAS_RING != 0 {
        put_varint(to, u64::from(state.ring));
    }
    if state.flapping {
        put_time(to, state.flap_from_ms, base_ms);
    }
    if flags & HAS_RECHECK != 0 {
        to.push(state.recheck);
    }
    for level in state.levels.iter().filter(|level| **level != idle) {
        put_varint(to, u64::from(level.held_ms));
        put_varint(to, u64::from(level.streak));
        put_varint(to, u64::from(level.clear));
    }
    if flags & HAS_SLOTS != 0 {
        to.push(u8::try_from(slots.len()).unwrap_or(0));
        for slot in slots {
            put_slot(to, slot, state);
        }
    }
}

/// Most slots are as old as the pair and have its cadence: then the value is all there is to write.
fn put_slot(to: &mut Vec<u8>, slot: &Slot, state: &PairState) {
    if slot.at_ms == NEVER_MS {
        to.push(0);
        return;
    }
    let mut flags = SLOT_SET;
    flags |= if slot.at_ms == state.last_ms {
        0
    } else {
        SLOT_AGED
    };
    flags |= if slot.cadence_ms == state.cadence_ms {
        0
    } else {
        SLOT_CADENCE
    };
    flags |= if slot.odd_ms == 0 { 0 } else { SLOT_ODD };
    to.push(flags);
    to.extend_from_slice(&slot.value.to_bits().to_le_bytes());
    if flags & SLOT_AGED != 0 {
        let reference = if state.last_ms == NEVER_MS {
            0
        } else {
            state.last_ms
        };
        put_time(to, slot.at_ms, reference);
    }
    if flags & SLOT_CADENCE != 0 {
        put_varint(to, u64::from(slot.cadence_ms));
    }
    if flags & SLOT_ODD != 0 {
        put_varint(to, u64::from(slot.odd_ms));
    }
}

/// A time as its distance before `base_ms`, zigzag and variable length.
fn put_time(to: &mut Vec<u8>, ms: i64, base_ms: i64) {
    let distance = base_ms.wrapping_sub(ms);
    let zigzag = (distance << 1) ^ (distance >> 63);
    put_varint(to, u64::from_ne_bytes(zigzag.to_ne_bytes()));
}

fn put_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(u8::try_from(value & 0x7F).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    to.push(u8::try_from(value).unwrap_or(0));
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Snapshot {
    /// Reads a snapshot file.
    ///
    /// # Errors
    /// When it is no snapshot, of an unknown version, or damaged anywhere.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        if !bytes.starts_with(MAGIC) {
            return Err(SnapshotError::Magic);
        }
        let mut from = Reader {
            bytes,
            at: MAGIC.len(),
        };
        let version = from.u32()?;
        if version != VERSION {
            return Err(SnapshotError::Version(version));
        }
        let body_len = bytes
            .len()
            .checked_sub(4)
            .ok_or(SnapshotError::Damaged(0))?;
        let (body, crc) = bytes.split_at(body_len);
        let computed = crc32fast::hash(body);
        let found = Reader { bytes: crc, at: 0 }.u32()?;
        if found != computed {
            return Err(SnapshotError::Checksum { found, computed });
        }
        from.bytes = body;
        from.u32()?;
        let base_ms = from.i64()?;
        let wal = WalPosition {
            segment: from.u64()?,
            offset: from.u64()?,
        };
        let (host_count, pair_count) = (from.u32()?, from.u32()?);
        let mut snapshot = Self {
            wal,
            taken_ms: base_ms,
            ..Self::default()
        };
        for _ in 0..host_count {
            let key = from.u64()?;
            let silent = from.u8()? != 0;
            let newest_ms = from.time(base_ms)?;
            let host = SavedHost { silent, newest_ms };
            snapshot.hosts.insert(key, host);
        }
        for _ in 0..pair_count {
            let key = PairKey(from.u64()?);
            snapshot.pairs.insert(key, from.pair(base_ms)?);
        }
        if from.at != body.len() {
            return Err(SnapshotError::Damaged(from.at));
        }
        Ok(snapshot)
    }
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let damaged = SnapshotError::Damaged(self.at);
        let end = self.at.saturating_add(N);
        let part = self.bytes.get(self.at..end).ok_or(damaged.clone())?;
        self.at = end;
        part.try_into().map_err(|_| damaged)
    }

    fn u8(&mut self) -> Result<u8, SnapshotError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, SnapshotError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, SnapshotError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn i64(&mut self) -> Result<i64, SnapshotError> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    fn varint(&mut self) -> Result<u64, SnapshotError> {
        let from = self.at;
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(SnapshotError::Damaged(from))
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Result<T, SnapshotError> {
        let from = self.at;
        T::try_from(self.varint()?).map_err(|_| SnapshotError::Damaged(from))
    }

    fn time(&mut self, base_ms: i64) -> Result<i64, SnapshotError> {
        let zigzag = self.varint()?;
        let half = i64::from_ne_bytes((zigzag >> 1).to_ne_bytes());
        let sign = i64::from_ne_bytes((zigzag & 1).to_ne_bytes()).wrapping_neg();
        Ok(base_ms.wrapping_sub(half ^ sign))
    }

    fn pair(&mut self, base_ms: i64) -> Result<SavedPair, SnapshotError> {
        let fingerprint = self.u32()?;
        let [flags, reached, present] = self.array()?;
        let mut state = PairState {
            reached: reached & 0x1F,
            status: Status::from_code(flags),
            flapping: flags & FLAPPING != 0,
            hold_over: flags & HOLD_OVER != 0,
            ..PairState::default()
        };
        if flags & HAS_LAST != 0 {
            state.last_ms = self.time(base_ms)?;
        }
        state.cadence_ms = self.small()?;
        state.odd_ms = self.small()?;
        if flags & HAS_RING != 0 {
            state.ring = self.small()?;
        }
        if state.flapping {
            state.flap_from_ms = self.time(base_ms)?;
        }
        if flags & HAS_RECHECK != 0 {
            state.recheck = self.u8()? & 0x1F;
        }
        for (slot, level) in state.levels.iter_mut().enumerate() {
            if present & (1 << slot) != 0 {
                level.held_ms = self.small()?;
                level.streak = self.small()?;
                level.clear = self.small()?;
            }
        }
        let mut slots = Vec::new();
        if flags & HAS_SLOTS != 0 {
            let from = self.at;
            let count = usize::from(self.u8()?);
            if count > SIGNALS_MAX {
                return Err(SnapshotError::Damaged(from));
            }
            for _ in 0..count {
                slots.push(self.slot(&state)?);
            }
        }
        Ok(SavedPair {
            fingerprint,
            state,
            slots: slots.into(),
        })
    }

    fn slot(&mut self, state: &PairState) -> Result<Slot, SnapshotError> {
        let flags = self.u8()?;
        if flags & SLOT_SET == 0 {
            return Ok(Slot::EMPTY);
        }
        let value = f64::from_bits(self.u64()?);
        let at_ms = match flags & SLOT_AGED {
            0 => state.last_ms,
            _ => self.time(if state.last_ms == NEVER_MS {
                0
            } else {
                state.last_ms
            })?,
        };
        let cadence_ms = match flags & SLOT_CADENCE {
            0 => state.cadence_ms,
            _ => self.small()?,
        };
        let odd_ms = match flags & SLOT_ODD {
            0 => 0,
            _ => self.small()?,
        };
        Ok(Slot {
            at_ms,
            value,
            cadence_ms,
            odd_ms,
        })
    }
}
