//! The records of watching: rules with their origin, groups, overrides, watched things, hosts.

use std::collections::BTreeMap;

use judge::Values;
use model::rule::Rule;
use model::{CiId, GroupId, OverrideId, RuleId, Selector, WatchedId};
use serde::{Deserialize, Serialize};

/// A host in service, as the server knows it from the CMDB and the fleet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostInfo {
    /// Its id.
    pub ci: CiId,
    /// Its name.
    pub name: String,
    /// Its operating system family, e.g. `linux`.
    pub os: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// How often its agent is expected to be heard, in milliseconds.
    pub interval_ms: u32,
}

/// Where a rule came from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// It ships with a collector.
    Default,
    /// A person wrote it.
    User,
}

impl Origin {
    /// The name in the API and the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::User => "user",
        }
    }
}

impl std::str::FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "default" => Ok(Self::Default),
            "user" => Ok(Self::User),
            other => Err(format!("`{other}` is no origin: use default or user")),
        }
    }
}

/// A rule as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleRecord {
    /// Its id.
    pub id: RuleId,
    /// Where it came from.
    pub origin: Origin,
    /// For a default the collector that ships it; empty otherwise.
    pub source: String,
    /// The rule in force before overrides.
    pub rule: Rule,
    /// What ships, for a default.
    pub shipped: Option<Rule>,
    /// Whether a person changed a default.
    pub edited: bool,
    /// Whether the shipped rule changed after a person had edited it: worth a look.
    pub outdated: bool,
    /// Counts edits; the ETag.
    pub version: i64,
    /// When it was made, UTC milliseconds.
    pub created_ms: i64,
    /// When it was last changed, UTC milliseconds.
    pub updated_ms: i64,
    /// By whom.
    pub updated_by: String,
    /// When it was retired, if it was.
    pub retired_ms: Option<i64>,
}

/// Which hosts belong to a group: every given part must hold.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSelector {
    /// Any of these name patterns, with `*` and `?`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Any of these operating system families.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub os: Vec<String>,
    /// All of these matchers on the host's labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Selector>,
    /// None of these name patterns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// A group: a saved selector over hosts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name, unique, also used in scopes of rules.
    pub name: String,
    /// What it is for.
    pub note: String,
    /// Who belongs to it.
    pub selector: GroupSelector,
    /// Counts edits; the ETag.
    pub version: i64,
    /// When it was last changed, UTC milliseconds.
    pub updated_ms: i64,
    /// By whom.
    pub updated_by: String,
    /// When it was retired, if it was.
    pub retired_ms: Option<i64>,
}

/// For whom an override or a watched thing is meant.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "id")]
pub enum For {
    /// Every host of a group.
    Group(GroupId),
    /// One host.
    Host(CiId),
}

impl For {
    /// `group` or `host`, as in the store.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Group(_) => "group",
            Self::Host(_) => "host",
        }
    }

    /// The id's text, as in the store.
    #[must_use]
    pub fn id(self) -> String {
        match self {
            Self::Group(id) => id.to_string(),
            Self::Host(id) => id.to_string(),
        }
    }
}

/// A change of a rule's values for a group or a host, perhaps for one target of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Override {
    /// Its id.
    pub id: OverrideId,
    /// The rule.
    pub rule: RuleId,
    /// For whom.
    pub whom: For,
    /// Only this target of the host, e.g. `/var`; all of them when absent.
    pub target_key: Option<String>,
    /// What changes.
    pub values: Values,
    /// Why; never empty.
    pub why: String,
    /// Who made or last changed it.
    pub by: String,
    /// When it ends by itself, UTC milliseconds.
    pub until_ms: Option<i64>,
    /// Counts edits; the ETag.
    pub version: i64,
    /// When it was made, UTC milliseconds.
    pub created_ms: i64,
    /// When it was taken back or expired, if it was.
    pub ended_ms: Option<i64>,
}

/// A process, unit, file, directory or check that is watched on a host or on a group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Watched {
    /// Its id.
    pub id: WatchedId,
    /// Its name, the key of its target.
    pub name: String,
    /// What is watched and how.
    pub what: WatchedKind,
    /// Where.
    pub whom: For,
    /// Switched off things keep their history.
    pub enabled: bool,
    /// Counts edits; the ETag.
    pub version: i64,
    /// When it was last changed, UTC milliseconds.
    pub updated_ms: i64,
    /// By whom.
    pub updated_by: String,
    /// When it was retired, if it was.
    pub retired_ms: Option<i64>,
}

/// What is watched, and how it is found.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase", tag = "kind")]
pub enum WatchedKind {
    /// Processes whose command line fits.
    Process {
        /// A regular expression over the command line; not anchored.
        pattern: String,
        /// Only processes of this user; any when empty.
        #[serde(default)]
        user: String,
        /// At least so many must run.
        #[serde(default = "one")]
        min: u32,
        /// At most so many may run; no limit when absent.
        #[serde(default)]
        max: Option<u32>,
    },
    /// A unit of the service manager, e.g. `nginx.service`.
    Unit {
        /// The unit's name.
        unit: String,
    },
    /// A file: it exists, how old and how large it is.
    File {
        /// Its absolute path.
        path: String,
    },
    /// A directory: how many entries it has and how old the oldest is.
    Directory {
        /// Its absolute path.
        path: String,
        /// Only entries that fit this pattern with `*` and `?`; all when empty.
        #[serde(default)]
        entries: String,
    },
    /// A check command in Nagios' form, run by the runner.
    Check {
        /// The program's absolute path.
        command: String,
        /// Its arguments.
        #[serde(default)]
        args: Vec<String>,
        /// How often, in seconds.
        #[serde(default = "minute")]
        interval_s: u32,
        /// How long it may take, in seconds.
        #[serde(default = "ten")]
        timeout_s: u32,
    },
}

impl WatchedKind {
    /// The kind's name, also the kind of the target.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Process { .. } => "process",
            Self::Unit { .. } => "unit",
            Self::File { .. } => "file",
            Self::Directory { .. } => "directory",
            Self::Check { .. } => "check",
        }
    }
}

const fn one() -> u32 {
    1
}

const fn ten() -> u32 {
    10
}

const fn minute() -> u32 {
    60
}

/// Everything the driver judges by, as the store has it now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Rules that are not retired, also the disabled ones.
    pub rules: Vec<(RuleId, Rule)>,
    /// Groups that are not retired.
    pub groups: Vec<(GroupId, String, GroupSelector)>,
    /// Overrides that have not ended.
    pub overrides: Vec<Override>,
}
