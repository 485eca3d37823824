//! What agents say about their hosts and what they are told, in the server's own types.

use model::{AgentId, CiId};

/// What a host is, as its agent read it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HostFacts {
    /// `uname -n`.
    pub hostname: String,
    /// `/etc/machine-id`; empty where there is none.
    pub machine_id: String,
    /// `ID` of os-release, e.g. `debian`.
    pub os_id: String,
    /// `PRETTY_NAME` of os-release.
    pub os_name: String,
    /// `VERSION_ID` of os-release.
    pub os_version: String,
    /// `uname -r`.
    pub kernel: String,
    /// `uname -m`.
    pub arch: String,
    /// Processors that are online.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Addresses of its interfaces.
    pub addresses: Vec<String>,
    /// When its kernel started, seconds since 1970 by the host's own clock.
    pub booted_s: i64,
    /// The agent's version.
    pub agent_version: String,
}

impl HostFacts {
    pub(crate) fn from_wire(facts: wire::Facts, agent_version: &str) -> Self {
        Self {
            hostname: facts.hostname,
            machine_id: facts.machine_id,
            os_id: facts.os_id,
            os_name: facts.os_name,
            os_version: facts.os_version,
            kernel: facts.kernel,
            arch: facts.arch,
            cpus: facts.cpus,
            memory_bytes: facts.memory_bytes,
            addresses: facts.addresses,
            booted_s: facts.booted_s,
            agent_version: agent_version.to_owned(),
        }
    }
}

/// A host as the inventory knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostIdentity {
    /// Its id.
    pub ci: CiId,
    /// Its name.
    pub name: String,
}

/// A thing that exists on a host and could be watched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Thing {
    /// Its kind, as in rules' targets.
    pub kind: String,
    /// Its key within the host.
    pub key: String,
    /// What a person calls it.
    pub title: String,
    /// More about it.
    pub attributes: Vec<(String, String)>,
}

impl Thing {
    pub(crate) fn from_wire(thing: wire::Thing) -> Self {
        Self {
            kind: thing.kind,
            key: thing.key,
            title: thing.title,
            attributes: thing.attributes.into_iter().collect(),
        }
    }
}

/// Whether one signal of one collector is measured.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signal {
    /// The collector, e.g. `cpu`.
    pub collector: String,
    /// The signal, e.g. `pressure`.
    pub signal: String,
    /// Which of several; empty when there is one.
    pub key: String,
    /// How it is.
    pub state: SignalState,
}

/// How a signal is; what cannot be read is never a zero.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SignalState {
    /// Measured.
    Available,
    /// The agent may not read it.
    NotPermitted,
    /// The host does not have it.
    NotAvailable,
    /// Reading failed, and why.
    Failed(String),
}

impl Signal {
    pub(crate) fn from_wire(status: wire::Status) -> Self {
        let state = match status.availability() {
            wire::Availability::Available => SignalState::Available,
            wire::Availability::NotPermitted => SignalState::NotPermitted,
            wire::Availability::NotAvailable => SignalState::NotAvailable,
            wire::Availability::Failed | wire::Availability::Unspecified => {
                SignalState::Failed(status.detail)
            }
        };
        Self {
            collector: status.collector,
            signal: status.signal,
            key: status.key,
            state,
        }
    }
}

/// The latest words about a thing on a host, such as the first line of a check's output.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// The collector.
    pub collector: String,
    /// What it is about, e.g. the check's name.
    pub key: String,
    /// The words.
    pub text: String,
}

impl Note {
    pub(crate) fn from_wire(note: wire::Note) -> Self {
        let wire::Note {
            collector,
            key,
            text,
        } = note;
        Self {
            collector,
            key,
            text,
        }
    }
}

/// Records that an agent had to give up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LostRange {
    /// From when, UTC milliseconds.
    pub from_ms: i64,
    /// Until when, UTC milliseconds.
    pub to_ms: i64,
    /// How many collections are missing.
    pub records: u64,
    /// Why.
    pub reason: String,
}

/// Something about an agent that the operator should know; kept until it no longer holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AgentWarning {
    /// For programs: `series-limit`, `future-samples`, `queue`, `settings`, ….
    pub code: String,
    /// What it is about: a metric, a collector.
    pub subject: String,
    /// For people.
    pub text: String,
    /// When it was seen last, UTC milliseconds.
    pub at_ms: i64,
}

/// What an agent is to do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AgentConfig {
    /// How often it collects, in milliseconds; 0 leaves the agent's own setting.
    pub interval_ms: u32,
    /// The collectors' settings: a JSON object with their names as keys; empty for the defaults.
    pub settings_json: String,
    /// Whether orders are sent to this host.
    pub orders_allowed: bool,
    /// Public keys (Ed25519) with which orders are signed.
    pub order_keys: Vec<[u8; 32]>,
    /// Backlog batches a second after an outage; 0 leaves the agent's default.
    pub backlog_per_s: u32,
}

impl AgentConfig {
    pub(crate) fn to_wire(&self) -> wire::Config {
        wire::Config {
            revision: 0,
            interval_ms: self.interval_ms,
            settings_json: self.settings_json.clone(),
            orders_allowed: self.orders_allowed,
            order_keys: self.order_keys.iter().map(|key| key.to_vec()).collect(),
            backlog_per_s: self.backlog_per_s,
        }
    }
}

/// Which processes used most at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopProcesses {
    /// The largest by CPU.
    pub by_cpu: Vec<TopProcess>,
    /// The largest by memory.
    pub by_memory: Vec<TopProcess>,
}

/// One process of [`TopProcesses`].
#[derive(Clone, Debug, PartialEq)]
pub struct TopProcess {
    /// Its number.
    pub pid: u32,
    /// Its user.
    pub user: String,
    /// Its short name.
    pub name: String,
    /// Its command line, cut.
    pub command: String,
    /// Share of one CPU.
    pub cpu_ratio: f64,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
}

impl TopProcess {
    pub(crate) fn from_wire(process: wire::TopProcess) -> Self {
        Self {
            pid: process.pid,
            user: process.user,
            name: process.name,
            command: process.command,
            cpu_ratio: process.cpu_ratio,
            resident_bytes: process.resident_bytes,
        }
    }
}

/// An agent as lists show it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AgentRow {
    /// Its id.
    pub id: AgentId,
    /// Its host.
    pub host: CiId,
    /// Its program's version.
    pub version: String,
    /// Where it last connected from.
    pub address: String,
    /// When it enrolled, UTC milliseconds.
    pub enrolled_ms: i64,
    /// When it was last seen, UTC milliseconds.
    pub seen_ms: Option<i64>,
    /// Retired agents are refused.
    pub retired: bool,
    /// Connected to this server now.
    pub connected: bool,
    /// What is to be known about it.
    pub warnings: Vec<AgentWarning>,
}
