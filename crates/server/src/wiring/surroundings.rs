//! What problems and notices ask of hosts, rules and scripts, answered from memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use model::{CiId, RuleId, ScriptId, Severity, Target};
use problem::{Binding, RuleState};
use remedy::Plan;
use watch::{Config, Driver};

use super::Directory;

/// Groups of hosts and states of rules, as of the last change.
#[derive(Debug, Default)]
struct Known {
    groups: HashMap<CiId, Vec<String>>,
    rules: HashMap<RuleId, RuleState>,
}

/// Answers the ports of `problem` and `notice`; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    directory: Directory,
    plan: Plan,
    known: Arc<RwLock<Arc<Known>>>,
}

impl Surroundings {
    pub(crate) fn new(directory: Directory, plan: Plan) -> Self {
        Self {
            directory,
            plan,
            known: Arc::default(),
        }
    }

    /// Takes over which hosts are in which groups and which rules judge. Rules that are not in the
    /// configuration any more are retired; before the first call they are unknown.
    pub(crate) fn learn(&self, config: &Config, driver: &Driver) {
        let before = self.known();
        let mut known = Known::default();
        for (_, name, selector) in &config.groups {
            // A group with a broken expression has no members; the groups page says so.
            for ci in driver.members(selector).unwrap_or_default() {
                known.groups.entry(ci).or_default().push(name.clone());
            }
        }
        known
            .rules
            .extend(before.rules.keys().map(|id| (*id, RuleState::Retired)));
        known.rules.extend(config.rules.iter().map(|(id, rule)| {
            (
                *id,
                if rule.enabled {
                    RuleState::Live
                } else {
                    RuleState::Disabled
                },
            )
        }));
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }

    fn known(&self) -> Arc<Known> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The groups that a host is in.
    pub(crate) fn groups_of(&self, ci: CiId) -> Vec<String> {
        self.known().groups.get(&ci).cloned().unwrap_or_default()
    }

    fn labels_of(labels: &BTreeMap<String, String>) -> Vec<(String, String)> {
        labels
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

impl problem::Hosts for Surroundings {
    fn host(&self, ci: CiId) -> Option<Arc<problem::HostFacts>> {
        let host = self.directory.get(ci)?;
        Some(Arc::new(problem::HostFacts {
            name: host.name.clone(),
            labels: Self::labels_of(&host.labels),
            groups: self.groups_of(ci),
            retired: host.retired_ms.is_some(),
        }))
    }
}

impl notice::Hosts for Surroundings {
    fn host(&self, ci: CiId) -> Option<Arc<notice::HostFacts>> {
        let host = self.directory.get(ci)?;
        Some(Arc::new(notice::HostFacts {
            labels: Self::labels_of(&host.labels),
            groups: self.groups_of(ci),
        }))
    }
}

impl problem::Rules for Surroundings {
    fn rule(&self, rule: RuleId) -> RuleState {
        self.known()
            .rules
            .get(&rule)
            .copied()
            .unwrap_or(RuleState::Unknown)
    }
}

impl problem::RepairPlan for Surroundings {
    fn script_for(&self, rule: RuleId, severity: Severity, target: &Target) -> Option<Binding> {
        let binding = self.plan.binding_for(rule, severity, target)?;
        let script: ScriptId = binding.script;
        Some(Binding {
            script,
            holds_notice: binding.holds_notice,
        })
    }
}

impl desk::HostBook for Surroundings {
    fn all(&self) -> Arc<HashMap<CiId, Arc<cmdb::Host>>> {
        self.directory.all()
    }

    fn groups_of(&self, host: CiId) -> Vec<String> {
        Self::groups_of(self, host)
    }
}
