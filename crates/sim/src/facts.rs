//! What the simulation knows for certain, independent of the product's records.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{CiId, MaintenanceId, RuleId, SilenceId, Target};

/// What keeps notices back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CoverId {
    Maintenance(MaintenanceId),
    Silence(SilenceId),
}

/// A maintenance or a silence as its owner wrote it down.
#[derive(Clone, Debug)]
pub(crate) struct Cover {
    pub(crate) id: CoverId,
    pub(crate) hosts: BTreeSet<CiId>,
    /// Only this rule, if any.
    pub(crate) rule: Option<RuleId>,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

/// Everything that people and fate did.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) covers: Vec<Cover>,
    /// Pairs whose problem a person closed while its condition held.
    pub(crate) closed_by_hand: BTreeSet<(RuleId, Target)>,
    /// When the server was killed.
    pub(crate) kills_ms: Vec<i64>,
    /// When the server came up last.
    pub(crate) up_since_ms: i64,
    /// The sample times that were judged, by host.
    pub(crate) judged_ms: HashMap<CiId, BTreeSet<i64>>,
    /// When each host was last heard by a running server.
    pub(crate) heard_ms: BTreeMap<CiId, i64>,
    /// Hosts taken out of service.
    pub(crate) retired: BTreeSet<CiId>,
}

impl Facts {
    /// Whether a target is covered at a time.
    pub(crate) fn is_covered(&self, rule: RuleId, target: &Target, at_ms: i64) -> bool {
        self.covers.iter().any(|cover| {
            let when = cover.from_ms <= at_ms && at_ms < cover.to_ms;
            when && cover.hosts.contains(&target.ci) && cover.rule.is_none_or(|one| one == rule)
        })
    }
}
