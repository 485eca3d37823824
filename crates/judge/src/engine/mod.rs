//! The engine: dense arrays by series, pair and host number, edited live, and the board beside them.

mod board;
mod edit;
mod ingest;
mod silence;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use model::Severity;

use crate::key::{PairKey, PairMap};
use crate::pair::{NEVER_MS, PairState, Status};
use crate::program::Program;
use crate::snapshot::{SavedHost, SavedPair, Snapshot, WalPosition, Writer};

use board::Board;
pub use board::{
    BOARD_GROUPS_MAX, BoardChange, BoardView, CELL_CANNOT_JUDGE, CELL_FLAPPING, CELL_STATE,
};
pub use silence::SILENT_AFTER_INTERVALS;
pub use words::{
    Counters, Event, Fired, HostIx, HostSpec, Mark, MarkKind, PairIx, PairSpec, PairView, Sample,
};

/// Most signals of one rule, as `model::limits::SIGNALS_PER_RULE_MAX`.
pub(crate) const SIGNALS_MAX: usize = model::limits::SIGNALS_PER_RULE_MAX;
const NONE: u32 = u32::MAX;

/// The last value of one signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slot {
    pub(crate) at_ms: i64,
    pub(crate) value: f64,
    pub(crate) cadence_ms: u32,
    pub(crate) odd_ms: u32,
}

impl Slot {
    pub(crate) const EMPTY: Self = Self {
        at_ms: NEVER_MS,
        value: f64::NAN,
        cadence_ms: 0,
        odd_ms: 0,
    };
}

/// What the engine knows of a pair beside its state.
#[derive(Debug)]
struct Meta {
    program: Arc<Program>,
    key: PairKey,
    host: u32,
    interval_ms: u32,
    group: u8,
    live: bool,
    /// Evaluated the moment its only signal's sample arrives.
    immediate: bool,
    /// The sample time that waits for the end of the batch; [`NEVER_MS`] when none does.
    pending_ms: i64,
    /// The last value of an immediate pair.
    value: f64,
    /// The last values of the others.
    slots: Box<[Slot]>,
    /// Series bound to it.
    series: Vec<u32>,
}

#[derive(Debug)]
struct Host {
    key: u64,
    live: bool,
    interval_ms: u32,
    /// Monotonic milliseconds from which silence counts.
    timer_ms: u64,
    /// Whether the timer starts with the next tick.
    fresh: bool,
    missed: u64,
    silent: bool,
    /// Newest sample time.
    newest_ms: i64,
    pairs: Vec<u32>,
    builtin_pairs: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    pair: u32,
    next: u32,
    signal: u8,
}

/// All pairs of one server.
#[derive(Debug, Default)]
pub struct Engine {
    states: Vec<PairState>,
    metas: Vec<Meta>,
    free_pairs: Vec<u32>,
    hosts: Vec<Host>,
    free_hosts: Vec<u32>,
    /// First link by series number; [`NONE`] where nothing is judged.
    heads: Vec<u32>,
    links: Vec<Link>,
    free_links: Vec<u32>,
    /// Pairs with a pending evaluation in the batch at hand.
    pending: Vec<u32>,
    /// States from a snapshot whose pairs have not been added yet.
    waiting: PairMap<SavedPair>,
    waiting_hosts: HashMap<u64, SavedHost>,
    board: Board,
    counters: Counters,
    last_tick_ms: Option<u64>,
    sweep_at: usize,
}

impl Engine {
    /// An empty engine.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up a snapshot; hosts and pairs added later find their state by their keys.
    pub fn restore(&mut self, snapshot: Snapshot) {
        if self.waiting.is_empty() {
            self.waiting = snapshot.pairs;
        } else {
            self.waiting.extend(snapshot.pairs);
        }
        self.waiting_hosts.extend(snapshot.hosts);
    }

    /// The state of every pair as one snapshot file that contains the samples before `wal`.
    /// `now_ms` is written as its time.
    #[must_use]
    pub fn snapshot(&self, wal: WalPosition, now_ms: i64) -> Vec<u8> {
        let mut writer = Writer::new(wal, now_ms);
        for host in self.hosts.iter().filter(|host| host.live) {
            writer.host(
                host.key,
                SavedHost {
                    silent: host.silent,
                    newest_ms: host.newest_ms,
                },
            );
        }
        for (key, host) in &self.waiting_hosts {
            writer.host(*key, *host);
        }
        for (meta, state) in self.metas.iter().zip(&self.states) {
            if meta.live {
                writer.pair(meta.key, meta.program.fingerprint, (state, &meta.slots));
            }
        }
        for (key, pair) in &self.waiting {
            writer.pair(*key, pair.fingerprint, (&pair.state, &pair.slots));
        }
        writer.finish()
    }

    /// Drops states of a snapshot whose pairs never came back and were last judged before
    /// `before_ms`; returns how many.
    pub fn forget_waiting(&mut self, before_ms: i64) -> usize {
        let had = self.waiting.len();
        self.waiting
            .retain(|_, pair| pair.state.last_ms >= before_ms);
        had - self.waiting.len()
    }

    /// Puts a pair at the severity that the records say is open, because they are newer than the
    /// snapshot (silence is not in the WAL, so its changes cannot be replayed).
    pub fn assume(&mut self, pair: PairIx, severity: Severity) {
        let Some((meta, state)) = self.pair_mut(pair) else {
            return;
        };
        let before = contribution(state);
        let program = meta.program.clone();
        let (host, group) = (meta.host, meta.group);
        if state.assume(severity, &program) {
            let after = contribution(state);
            self.board.change(host, group, (before, after));
        }
    }

    /// One pair as it is now.
    #[must_use]
    pub fn pair(&self, pair: PairIx) -> Option<PairView<'_>> {
        let meta = self.metas.get(at(pair.0)).filter(|meta| meta.live)?;
        let mut values = [f64::NAN; SIGNALS_MAX];
        if meta.immediate {
            values[0] = meta.value;
        }
        for (value, slot) in values.iter_mut().zip(&meta.slots) {
            *value = slot.value;
        }
        Some(PairView {
            key: meta.key,
            host: HostIx(meta.host),
            group: meta.group,
            state: self.states.get(at(pair.0))?,
            values,
        })
    }

    /// The pairs of one host.
    #[must_use]
    pub fn pairs_of(&self, host: HostIx) -> Vec<PairIx> {
        let Some(host) = self.hosts.get(at(host.0)) else {
            return Vec::new();
        };
        let all = host.pairs.iter().chain(&host.builtin_pairs);
        all.map(|&pair| PairIx(pair)).collect()
    }

    /// How many pairs are judged.
    #[must_use]
    pub fn pair_count(&self) -> usize {
        self.metas.len() - self.free_pairs.len()
    }

    /// States of the snapshot that no pair has taken up yet.
    #[must_use]
    pub fn waiting_count(&self) -> usize {
        self.waiting.len()
    }

    /// What has been done so far.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// The board.
    #[must_use]
    pub fn board(&self) -> BoardView<'_> {
        self.board.view()
    }

    fn pair_mut(&mut self, pair: PairIx) -> Option<(&mut Meta, &mut PairState)> {
        let meta = self.metas.get_mut(at(pair.0)).filter(|meta| meta.live)?;
        Some((meta, self.states.get_mut(at(pair.0))?))
    }
}

/// The number of a dense array as an index.
pub(crate) const fn at(ix: u32) -> usize {
    ix as usize
}

/// What a pair shows in its cell: the state's code and the marks.
fn contribution(state: &PairState) -> u8 {
    let mut cell = state.cell().code();
    if state.flapping {
        cell |= CELL_FLAPPING;
    }
    if state.status == Status::CannotJudge {
        cell |= CELL_CANNOT_JUDGE;
    }
    cell
}

fn place<T>(list: &mut Vec<T>, free: &mut Vec<u32>, item: T) -> u32 {
    if let Some(ix) = free.pop()
        && let Some(old) = list.get_mut(at(ix))
    {
        *old = item;
        return ix;
    }
    let ix = u32::try_from(list.len()).unwrap_or(NONE);
    list.push(item);
    ix
}
