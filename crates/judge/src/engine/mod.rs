//! The engine: dense arrays by series, pair and host number, edited live, and the board beside them.

mod board;
mod ingest;
mod silence;

use std::collections::HashMap;
use std::sync::Arc;

use model::Severity;

use crate::key::PairKey;
use crate::pair::{Because, NEVER_MS, PairState, Status};
use crate::program::Program;
use crate::snapshot::{SavedHost, SavedPair, Snapshot, WalPosition, Writer};

use board::Board;
pub use board::{
    BOARD_GROUPS_MAX, BoardChange, BoardView, CELL_CANNOT_JUDGE, CELL_FLAPPING, CELL_STATE,
};
pub use silence::SILENT_AFTER_INTERVALS;

/// Most signals of one rule, as `model::limits::SIGNALS_PER_RULE_MAX`.
pub(crate) const SIGNALS_MAX: usize = model::limits::SIGNALS_PER_RULE_MAX;
const NONE: u32 = u32::MAX;

/// The number of a pair within this engine; it may be given again after removal.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PairIx(pub u32);

/// The number of a host within this engine, also its row of the board; may be given again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HostIx(pub u32);

/// One sample of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The series' number, dense.
    pub series: u32,
    /// Sample time, UTC milliseconds.
    pub at_ms: i64,
    /// The value; NaN says "no value".
    pub value: f64,
}

/// A host to be judged.
#[derive(Clone, Copy, Debug)]
pub struct HostSpec {
    /// Its stable name ([`crate::host_key`]).
    pub key: u64,
    /// How often it is expected to be heard, in milliseconds.
    pub interval_ms: u32,
}

/// A pair to be judged.
#[derive(Clone, Debug)]
pub struct PairSpec {
    /// Its stable name ([`crate::pair_key`]).
    pub key: PairKey,
    /// Its host.
    pub host: HostIx,
    /// The board column, below [`BOARD_GROUPS_MAX`].
    pub group: u8,
    /// The rule with the values in force.
    pub program: Arc<Program>,
}

/// What judging tells its caller, in the order in which it happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A severity changed.
    Fired(Fired),
    /// Something else about a pair changed.
    Mark(Mark),
}

/// A pair changed its severity.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// Which pair.
    pub pair: PairIx,
    /// The severity before; never equal to `to`.
    pub from: Severity,
    /// The severity after.
    pub to: Severity,
    /// Sample time, UTC milliseconds.
    pub at_ms: i64,
    /// Whether the flap guard is on.
    pub flapping: bool,
    /// Which condition decided.
    pub because: Because,
    /// What was seen, by signal in the order of names; NaN where there was no value.
    pub values: [f64; SIGNALS_MAX],
}

/// A pair's mark changed; its severity did not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mark {
    /// Which pair.
    pub pair: PairIx,
    /// Sample time of the last evaluation; for silence the server's time. UTC milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub kind: MarkKind,
}

/// What a [`Mark`] says.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum MarkKind {
    /// An open pair is frozen: its data stopped or its host is silent.
    NoData,
    /// No condition has a value to compare.
    CannotJudge,
    /// A frozen pair is judged again.
    Judged,
    /// The severity changes too often: later notices are held from here.
    FlapBegan,
    /// It has been flapping for ten minutes: it is told now, as flapping.
    FlapHoldOver,
    /// It settled.
    FlapEnded,
}

/// What the engine has done since it was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Samples handed in.
    pub samples: u64,
    /// Evaluations.
    pub evaluations: u64,
    /// Samples of judged series not newer than the pair's last evaluation.
    pub old: u64,
    /// Samples of judged series too far in the future.
    pub future: u64,
    /// Evaluations without any usable value.
    pub cannot_judge: u64,
    /// Changes of severity.
    pub fired: u64,
}

/// One pair as seen from outside.
#[derive(Clone, Debug)]
pub struct PairView<'a> {
    /// Its stable name.
    pub key: PairKey,
    /// Its host.
    pub host: HostIx,
    /// Its board column.
    pub group: u8,
    /// Its state.
    pub state: &'a PairState,
    /// The last value of each signal, NaN where none is known.
    pub values: [f64; SIGNALS_MAX],
}

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
    waiting: HashMap<PairKey, SavedPair>,
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
        self.waiting.extend(snapshot.pairs);
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

    /// Adds a host; its silence counts from the next tick.
    pub fn add_host(&mut self, spec: HostSpec) -> HostIx {
        let saved = self.waiting_hosts.remove(&spec.key);
        let host = Host {
            key: spec.key,
            live: true,
            interval_ms: spec.interval_ms.max(1),
            timer_ms: 0,
            fresh: true,
            missed: 0,
            silent: saved.is_some_and(|saved| saved.silent),
            newest_ms: saved.map_or(NEVER_MS, |saved| saved.newest_ms),
            pairs: Vec::new(),
            builtin_pairs: Vec::new(),
        };
        let ix = place(&mut self.hosts, &mut self.free_hosts, host);
        self.board.add_row(ix);
        HostIx(ix)
    }

    /// Changes how often a host is expected to be heard.
    pub fn set_interval(&mut self, host: HostIx, interval_ms: u32) {
        let Some(found) = self.hosts.get_mut(at(host.0)) else {
            return;
        };
        found.interval_ms = interval_ms.max(1);
        for &pair in found.pairs.iter().chain(&found.builtin_pairs) {
            if let Some(meta) = self.metas.get_mut(at(pair)) {
                meta.interval_ms = interval_ms.max(1);
            }
        }
    }

    /// Removes a host and its pairs; returns the pairs that were open, with their severities.
    pub fn remove_host(&mut self, host: HostIx) -> Vec<(PairIx, PairKey, Severity)> {
        let Some(found) = self.hosts.get_mut(at(host.0)).filter(|host| host.live) else {
            return Vec::new();
        };
        found.live = false;
        let mut pairs = std::mem::take(&mut found.pairs);
        pairs.append(&mut std::mem::take(&mut found.builtin_pairs));
        let mut open = Vec::new();
        for pair in pairs {
            let key = self.metas.get(at(pair)).map(|meta| meta.key);
            if let (Some(key), Some(severity)) = (key, self.remove_pair(PairIx(pair)))
                && severity > Severity::Normal
            {
                open.push((PairIx(pair), key, severity));
            }
        }
        self.free_hosts.push(host.0);
        self.board.clear_row(host.0);
        open
    }

    /// Adds a pair; a state that a snapshot kept for it goes on where it was.
    pub fn add_pair(&mut self, spec: PairSpec) -> PairIx {
        let signals = spec.program.signals();
        let immediate = spec.program.is_immediate();
        let empty = || vec![Slot::EMPTY; if immediate { 0 } else { signals }].into_boxed_slice();
        let (mut state, mut slots) = (PairState::default(), empty());
        if let Some(saved) = self.waiting.remove(&spec.key) {
            state = saved.state;
            if saved.fingerprint != spec.program.fingerprint {
                state.reprogram_all();
            } else if saved.slots.len() == slots.len() {
                slots = saved.slots;
            }
        }
        let host = self.hosts.get_mut(at(spec.host.0));
        let interval_ms = host.as_ref().map_or(1, |host| host.interval_ms);
        let meta = Meta {
            key: spec.key,
            host: spec.host.0,
            interval_ms,
            group: spec.group,
            live: true,
            immediate,
            pending_ms: NEVER_MS,
            value: f64::NAN,
            slots,
            series: Vec::new(),
            program: spec.program,
        };
        let is_builtin = meta.program.has_builtin();
        self.board
            .add(spec.host.0, spec.group, contribution(&state));
        let ix = place(&mut self.metas, &mut self.free_pairs, meta);
        match self.states.get_mut(at(ix)) {
            Some(old) => *old = state,
            None => self.states.push(state),
        }
        if let Some(host) = host {
            let list = if is_builtin {
                &mut host.builtin_pairs
            } else {
                &mut host.pairs
            };
            list.push(ix);
        }
        PairIx(ix)
    }

    /// Gives a pair an edited rule: its problem stays open and is looked at afresh with the next
    /// sample; timers of levels whose conditions did not change go on.
    pub fn set_program(&mut self, pair: PairIx, program: Arc<Program>) {
        let Some((meta, state)) = self.pair_mut(pair) else {
            return;
        };
        state.reprogram(&meta.program, &program);
        let (was_builtin, is_builtin) = (meta.program.has_builtin(), program.has_builtin());
        if meta.program.signals() != program.signals() || was_builtin != is_builtin {
            meta.immediate = program.is_immediate();
            let count = if meta.immediate { 0 } else { program.signals() };
            meta.slots = vec![Slot::EMPTY; count].into_boxed_slice();
        }
        meta.program = program;
        let host = meta.host;
        if let Some(host) = self.hosts.get_mut(at(host))
            && was_builtin != is_builtin
        {
            host.pairs.retain(|&p| p != pair.0);
            host.builtin_pairs.retain(|&p| p != pair.0);
            let list = if is_builtin {
                &mut host.builtin_pairs
            } else {
                &mut host.pairs
            };
            list.push(pair.0);
        }
    }

    /// Moves a pair to another board column.
    pub fn set_group(&mut self, pair: PairIx, group: u8) {
        let Some((meta, state)) = self.pair_mut(pair) else {
            return;
        };
        let (host, old) = (meta.host, std::mem::replace(&mut meta.group, group));
        let cell = contribution(state);
        self.board.remove(host, old, cell);
        self.board.add(host, group, cell);
    }

    /// Removes a pair with its bindings; returns its severity, so that the caller can close what
    /// is open.
    pub fn remove_pair(&mut self, pair: PairIx) -> Option<Severity> {
        let (meta, state) = self.pair_mut(pair)?;
        meta.live = false;
        let series = std::mem::take(&mut meta.series);
        let (host, group) = (meta.host, meta.group);
        let (severity, cell) = (state.severity(), contribution(state));
        *state = PairState::default();
        for one in series {
            self.unlink(one, |link| link.pair == pair.0);
        }
        if let Some(host) = self.hosts.get_mut(at(host)) {
            host.pairs.retain(|&p| p != pair.0);
            host.builtin_pairs.retain(|&p| p != pair.0);
        }
        self.board.remove(host, group, cell);
        self.free_pairs.push(pair.0);
        Some(severity)
    }

    /// Lets samples of a series count as one signal of a pair; a series may serve many pairs.
    pub fn bind(&mut self, series: u32, pair: PairIx, signal: u8) {
        let Some((meta, _)) = self.pair_mut(pair) else {
            return;
        };
        meta.series.push(series);
        let needed = at(series) + 1;
        if self.heads.len() < needed {
            self.heads
                .resize(needed.next_power_of_two().max(1_024), NONE);
        }
        let Some(head) = self.heads.get_mut(at(series)) else {
            return;
        };
        let link = Link {
            pair: pair.0,
            next: *head,
            signal,
        };
        *head = place(&mut self.links, &mut self.free_links, link);
    }

    /// Ends every binding of a pair; its state and its problem stay.
    pub fn unbind_pair(&mut self, pair: PairIx) {
        let Some((meta, _)) = self.pair_mut(pair) else {
            return;
        };
        for series in std::mem::take(&mut meta.series) {
            self.unlink(series, |link| link.pair == pair.0);
        }
    }

    /// How many series feed a pair.
    #[must_use]
    pub fn bound_count(&self, pair: PairIx) -> usize {
        let meta = self.metas.get(at(pair.0)).filter(|meta| meta.live);
        meta.map_or(0, |meta| meta.series.len())
    }

    /// Ends every binding of a series, e.g. when its number is about to be given to another.
    pub fn unbind_series(&mut self, series: u32) {
        let mut pairs = Vec::new();
        self.unlink(series, |link| {
            pairs.push(link.pair);
            true
        });
        for pair in pairs {
            if let Some(meta) = self.metas.get_mut(at(pair)) {
                meta.series.retain(|&one| one != series);
            }
        }
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

    fn unlink(&mut self, series: u32, mut gone: impl FnMut(&Link) -> bool) {
        let Some(head) = self.heads.get_mut(at(series)) else {
            return;
        };
        let mut kept = Vec::new();
        let mut next = std::mem::replace(head, NONE);
        while let Some(link) = self.links.get(at(next)) {
            let here = next;
            next = link.next;
            if gone(link) {
                self.free_links.push(here);
            } else {
                kept.push(here);
            }
        }
        for here in kept.into_iter().rev() {
            if let Some(link) = self.links.get_mut(at(here)) {
                link.next = std::mem::replace(head, here);
            }
        }
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
