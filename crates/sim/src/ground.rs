//! What outlives a kill: the log of batches, the snapshot file, the series, the inventory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use judge::Sample;
use model::rule::Rule;
use model::{CiId, Labels, MatchOp, RuleId, Selector};
use problem::RuleState;
use watch::HostInfo;

/// One durable batch.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) live: bool,
    pub(crate) samples: Vec<Sample>,
}

/// The log of batches and the judge's snapshot, as the metrics store and the file would keep them.
#[derive(Debug, Default)]
pub(crate) struct Log {
    batches: Vec<Logged>,
    /// How many batches the snapshot contains, and its bytes.
    pub(crate) snapshot: Option<(usize, Vec<u8>)>,
    first: usize,
}

impl Log {
    /// Appends a batch.
    pub(crate) fn append(&mut self, batch: Logged) {
        self.batches.push(batch);
    }

    /// The position behind the last batch.
    pub(crate) fn end(&self) -> usize {
        self.first + self.batches.len()
    }

    /// The batches from a position on.
    pub(crate) fn after(&self, position: usize) -> &[Logged] {
        self.batches
            .get(position.saturating_sub(self.first)..)
            .unwrap_or_default()
    }

    /// Keeps a snapshot and forgets the batches it contains.
    pub(crate) fn keep(&mut self, position: usize, bytes: Vec<u8>) {
        self.batches
            .drain(..position.saturating_sub(self.first).min(self.batches.len()));
        self.first = position;
        self.snapshot = Some((position, bytes));
    }
}

/// The series that exist, as the metrics store's index knows them.
#[derive(Debug, Default)]
pub(crate) struct Catalogue(Mutex<Vec<(CiId, Labels)>>);

impl Catalogue {
    fn lock(&self) -> MutexGuard<'_, Vec<(CiId, Labels)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a series its number.
    pub(crate) fn add(&self, ci: CiId, labels: Labels) -> u32 {
        let mut all = self.lock();
        all.push((ci, labels));
        u32::try_from(all.len() - 1).unwrap_or(u32::MAX)
    }

    /// Host and labels of a series.
    pub(crate) fn get(&self, number: u32) -> Option<(CiId, Labels)> {
        self.lock().get(number as usize).cloned()
    }

    /// How many series there are.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.lock().len()).unwrap_or(u32::MAX)
    }
}

impl watch::Catalog for Catalogue {
    fn by_selector(&self, selector: &Selector, each: &mut dyn FnMut(u32, CiId, &Labels)) {
        for (number, (ci, labels)) in (0..).zip(self.lock().iter()) {
            // The rules of the simulation select by equal values alone.
            let fits = selector.0.iter().all(|matcher| {
                matcher.op == MatchOp::Eq
                    && labels.get(&matcher.name).unwrap_or("") == matcher.value
            });
            if fits {
                each(number, *ci, labels);
            }
        }
    }

    fn by_host(&self, host: CiId, each: &mut dyn FnMut(u32, &Labels)) {
        for (number, (ci, labels)) in (0..).zip(self.lock().iter()) {
            if *ci == host {
                each(number, labels);
            }
        }
    }
}

/// One host of the inventory.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) info: HostInfo,
    pub(crate) retired: bool,
}

/// Hosts and rules as the slices ask for them.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    hosts: RwLock<BTreeMap<CiId, Known>>,
    rules: RwLock<HashMap<RuleId, RuleState>>,
}

impl Directory {
    /// Adds or changes a host.
    pub(crate) fn put(&self, known: Known) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        hosts.insert(known.info.ci, known);
    }

    /// Retires a host.
    pub(crate) fn retire(&self, ci: CiId) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = hosts.get_mut(&ci) {
            known.retired = true;
        }
    }

    /// The hosts in service.
    pub(crate) fn in_service(&self) -> Vec<HostInfo> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts
            .values()
            .filter(|known| !known.retired)
            .map(|known| known.info.clone())
            .collect()
    }

    /// Takes over which rules judge.
    pub(crate) fn learn(&self, rules: &[(RuleId, Rule)]) {
        let mut known = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        for state in known.values_mut() {
            *state = RuleState::Retired;
        }
        known.extend(rules.iter().map(|(id, rule)| {
            (
                *id,
                if rule.enabled {
                    RuleState::Live
                } else {
                    RuleState::Disabled
                },
            )
        }));
    }

    fn get(&self, ci: CiId) -> Option<Known> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.get(&ci).cloned()
    }
}

fn labels(known: &Known) -> Vec<(String, String)> {
    known
        .info
        .labels
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

impl problem::Hosts for Directory {
    fn host(&self, ci: CiId) -> Option<Arc<problem::HostFacts>> {
        let known = self.get(ci)?;
        Some(Arc::new(problem::HostFacts {
            name: known.info.name.clone(),
            labels: labels(&known),
            groups: Vec::new(),
            retired: known.retired,
        }))
    }
}

impl problem::Rules for Directory {
    fn rule(&self, rule: RuleId) -> RuleState {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        rules.get(&rule).copied().unwrap_or(RuleState::Unknown)
    }
}

impl notice::Hosts for Directory {
    fn host(&self, ci: CiId) -> Option<Arc<notice::HostFacts>> {
        let known = self.get(ci)?;
        Some(Arc::new(notice::HostFacts {
            labels: labels(&known),
            groups: Vec::new(),
        }))
    }
}
