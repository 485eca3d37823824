//! The judge's driver: hosts, rules and series become pairs; samples become transitions.
//!
//! *Takes* the configuration of the store, hosts in service, series with their labels, batches and
//! the passing of time. *Leaves* [`Update`]s: transitions for `problem`, marks for screens. *Never*
//! reads a clock or the store; the snapshot file is the only I/O, in [`file`].

mod book;
mod file;
mod follow;
mod health;
mod pairs;
mod tell;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use judge::{Engine, Event, HostIx, MarkKind, PairIx, PairKey, Sample, Snapshot, WalPosition};
use model::flow::Transition;
use model::{CiId, Labels, RuleId, Selector, Severity, Target};

use crate::records::{Config, HostInfo};
use book::{Book, Plan};

pub use file::{FileError, load_snapshot, save_snapshot};
pub use health::{RULE_BROKEN, rule_broken};
pub(crate) use tell::because;
pub use view::{BoardCells, BoardDelta, Explained, PairStatus, RuleStatus, Source};

/// The series that exist, as the metrics store knows them; asked when rules or hosts change, while
/// the driver is locked: an implementation never calls the driver.
pub trait Catalog: Send + Sync {
    /// Every series that a selector fits: number, host, labels. Series without a host are left out.
    fn by_selector(&self, selector: &Selector, each: &mut dyn FnMut(u32, CiId, &Labels));

    /// Every series of one host: number, labels.
    fn by_host(&self, host: CiId, each: &mut dyn FnMut(u32, &Labels));
}

/// What judging leaves.
#[derive(Clone, Debug, PartialEq)]
pub enum Update {
    /// A severity changed.
    Transition(Transition),
    /// A mark of a pair changed.
    Marked(Marked),
}

/// A mark of a rule on a target.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Marked {
    /// The rule.
    pub rule: RuleId,
    /// What it watches.
    pub target: Target,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub kind: MarkKind,
}

/// A problem that the records say is open; handed in once at the start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpenProblem {
    /// The rule.
    pub rule: RuleId,
    /// What it is about.
    pub target: Target,
    /// Its severity.
    pub severity: Severity,
    /// The sample time of its last transition, UTC milliseconds.
    pub at_ms: i64,
}

/// The driver; every method takes `&self` and may be called from any thread.
#[derive(Debug)]
pub struct Driver {
    inner: Mutex<Inner>,
}

pub(crate) struct Inner {
    engine: Engine,
    catalog: Arc<dyn Catalog>,
    book: Book,
    hosts: HashMap<CiId, HostEntry>,
    /// The host of each row of the board.
    rows: Vec<Option<CiId>>,
    pairs: HashMap<PairKey, PairIx>,
    infos: Vec<Option<PairInfo>>,
    /// Row of the host of each series; [`u32::MAX`] where unknown.
    series_rows: Vec<u32>,
    /// Board columns in order.
    columns: Vec<String>,
    /// Open problems of the records whose pairs have not come up yet.
    expected: HashMap<PairKey, OpenProblem>,
    /// Rules that are told as broken, and since when a rule had nothing it could judge.
    broken: BTreeMap<RuleId, String>,
    blind_since_ms: BTreeMap<RuleId, i64>,
    own_host: Option<CiId>,
    checked_ms: i64,
    expired_ms: i64,
    events: Vec<Event>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("hosts", &self.hosts.len())
            .field("pairs", &self.pairs.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct HostEntry {
    info: HostInfo,
    ix: HostIx,
    groups: BTreeSet<String>,
}

#[derive(Debug)]
struct PairInfo {
    key: PairKey,
    target: Target,
    plan: Arc<Plan>,
}

/// A batch of one host on its way to the judge.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Whose samples these are.
    pub host: CiId,
    /// The server's monotonic clock, milliseconds.
    pub mono_ms: u64,
    /// The server's wall clock, UTC milliseconds.
    pub now_ms: i64,
    /// The samples of one scrape (or several, in the order of time).
    pub samples: &'a [Sample],
}

impl Driver {
    /// A driver without rules and hosts. `own_host` is where problems about rules themselves are
    /// opened: the machine of the server.
    #[must_use]
    pub fn new(catalog: Arc<dyn Catalog>, own_host: Option<CiId>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                engine: Engine::new(),
                catalog,
                book: Book::default(),
                hosts: HashMap::new(),
                rows: Vec::new(),
                pairs: HashMap::new(),
                infos: Vec::new(),
                series_rows: Vec::new(),
                columns: [
                    "agent", "cpu", "memory", "disk", "network", "process", "check",
                ]
                .map(str::to_owned)
                .to_vec(),
                expected: HashMap::new(),
                broken: BTreeMap::new(),
                blind_since_ms: BTreeMap::new(),
                own_host,
                checked_ms: i64::MIN,
                expired_ms: i64::MIN,
                events: Vec::new(),
            }),
        }
    }

    /// Takes up a snapshot; call it before the first rule, host or series.
    pub fn restore(&self, snapshot: Snapshot) {
        self.lock().engine.restore(snapshot);
    }

    /// The judge's state that contains the batches before `wal`. Save it only when the transitions
    /// of those batches are in the records.
    #[must_use]
    pub fn snapshot(&self, wal: WalPosition, now_ms: i64) -> Vec<u8> {
        self.lock().engine.snapshot(wal, now_ms)
    }

    /// Judges by this configuration from now on. Pairs that it does not change keep their state;
    /// problems of rules that are gone, switched off or muted close.
    pub fn set_config(&self, config: &Config, now_ms: i64) -> Vec<Update> {
        self.lock().set_config(config, now_ms)
    }

    /// Adds or changes a host.
    pub fn set_host(&self, host: HostInfo, now_ms: i64) -> Vec<Update> {
        self.lock().set_host(host, now_ms)
    }

    /// Takes a host out of service: its problems close.
    pub fn remove_host(&self, host: CiId, now_ms: i64) -> Vec<Update> {
        self.lock().remove_host(host, now_ms)
    }

    /// A series appeared (or was found at the start); it is bound to every rule that wants it.
    pub fn on_new_series(&self, series: u32, host: CiId, labels: &Labels, now_ms: i64) {
        self.lock().on_new_series((series, host, labels), now_ms);
    }

    /// A series' number will be given to another series.
    pub fn on_series_gone(&self, series: u32) {
        let mut inner = self.lock();
        inner.engine.unbind_series(series);
        if let Some(row) = inner.series_rows.get_mut(series as usize) {
            *row = u32::MAX;
        }
    }

    /// Problems that the records say are open: what the snapshot did not know is taken over, and
    /// what nothing watches any more closes. Call it once, after rules, hosts and known series.
    pub fn reconcile(&self, open: Vec<OpenProblem>, now_ms: i64) -> Vec<Update> {
        self.lock().reconcile(open, now_ms)
    }

    /// Judges a live batch: the host is heard, its samples are judged.
    pub fn ingest(&self, arrival: Arrival<'_>) -> Vec<Update> {
        let mut inner = self.lock();
        let Some(ix) = inner.hosts.get(&arrival.host).map(|host| host.ix) else {
            return Vec::new();
        };
        let mut events = std::mem::take(&mut inner.events);
        let latest_ms = arrival.now_ms + model::limits::SAMPLE_FUTURE_MS_MAX;
        let (mono_ms, now_ms) = (arrival.mono_ms, arrival.now_ms);
        inner.engine.heard(ix, mono_ms, now_ms, &mut events);
        inner
            .engine
            .ingest(ix, arrival.samples, latest_ms, &mut events);
        inner.tell(events)
    }

    /// A host was heard without samples to judge: a heartbeat, or late data of its backlog.
    pub fn heard(&self, host: CiId, mono_ms: u64, now_ms: i64) -> Vec<Update> {
        let mut inner = self.lock();
        let Some(ix) = inner.hosts.get(&host).map(|host| host.ix) else {
            return Vec::new();
        };
        let mut events = std::mem::take(&mut inner.events);
        inner.engine.heard(ix, mono_ms, now_ms, &mut events);
        inner.tell(events)
    }

    /// Judges a batch of the write-ahead log at the start, with the same boundaries it had. Its
    /// host is that of its first known series.
    pub fn replay(&self, samples: &[Sample], latest_ms: i64) -> Vec<Update> {
        let mut inner = self.lock();
        let row = samples.iter().find_map(|sample| {
            let row = inner.series_rows.get(sample.series as usize)?;
            (*row != u32::MAX).then_some(*row)
        });
        let Some(row) = row else {
            return Vec::new();
        };
        let mut events = std::mem::take(&mut inner.events);
        inner
            .engine
            .ingest(HostIx(row), samples, latest_ms, &mut events);
        inner.tell(events)
    }

    /// Time passes; call it every second.
    pub fn tick(&self, mono_ms: u64, now_ms: i64) -> Vec<Update> {
        let mut inner = self.lock();
        let mut events = std::mem::take(&mut inner.events);
        inner.engine.tick(mono_ms, now_ms, &mut events);
        let mut updates = inner.tell(events);
        updates.extend(inner.expire(now_ms));
        updates.extend(inner.check_health(now_ms));
        updates
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while judging costs one task; the state is whole between calls.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
