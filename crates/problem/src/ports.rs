//! What this slice asks of others, injected by the server: hosts, rules and repair bindings.

use std::fmt::Debug;
use std::sync::Arc;

use model::{CiId, RuleId, ScriptId, Severity, Target};

/// What a host is, as far as notices care.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HostFacts {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Vec<(String, String)>,
    /// The names of the groups it is in.
    pub groups: Vec<String>,
    /// Whether it is no longer watched for good.
    pub retired: bool,
}

/// Knows hosts; answers from memory, because it is asked for every transition.
pub trait Hosts: Debug + Send + Sync {
    /// The host, or nothing when it is not known.
    fn host(&self, ci: CiId) -> Option<Arc<HostFacts>>;
}

/// Whether a rule still judges.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RuleState {
    /// It judges.
    Live,
    /// It is switched off.
    Disabled,
    /// It is gone for good.
    Retired,
    /// Nobody knows it; its problems stay, visible and closable by hand.
    Unknown,
}

/// Knows rules; answers from memory.
pub trait Rules: Debug + Send + Sync {
    /// What became of the rule.
    fn rule(&self, rule: RuleId) -> RuleState;
}

/// A script that is bound to a rule and level.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Binding {
    /// The script.
    pub script: ScriptId,
    /// Whether notices wait until it has failed.
    pub holds_notice: bool,
}

/// Knows which script repairs what; answers from memory.
pub trait RepairPlan: Debug + Send + Sync {
    /// The script to start when this rule reaches this severity on this target.
    fn script_for(&self, rule: RuleId, severity: Severity, target: &Target) -> Option<Binding>;
}

/// The three of them.
#[derive(Clone, Debug)]
pub struct Ports {
    /// Hosts.
    pub hosts: Arc<dyn Hosts>,
    /// Rules.
    pub rules: Arc<dyn Rules>,
    /// Repair bindings.
    pub repairs: Arc<dyn RepairPlan>,
}

/// A plan without any script, for installations and tests that have none.
#[derive(Clone, Copy, Debug)]
pub struct NoRepairs;

impl RepairPlan for NoRepairs {
    fn script_for(&self, _: RuleId, _: Severity, _: &Target) -> Option<Binding> {
        None
    }
}
