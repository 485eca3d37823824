//! The records of this slice: hosts and discovered things.

use std::collections::BTreeMap;

use model::CiId;

/// What a machine says of itself; replaced as a whole whenever its agent says it anew.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HostFacts {
    /// The name it calls itself.
    pub hostname: String,
    /// Its machine-id; empty when it has none.
    pub machine: String,
    /// `linux`.
    pub os_family: String,
    /// Such as `Debian GNU/Linux 12 (bookworm)`.
    pub os_name: String,
    /// The kernel's release.
    pub kernel: String,
    /// Such as `x86_64`.
    pub arch: String,
    /// Its addresses, without loopback.
    pub addresses: Vec<String>,
    /// Logical CPUs.
    pub cpus: u32,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// When it was booted, UTC milliseconds.
    pub booted_ms: Option<i64>,
}

/// A host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Host {
    /// Its id, for ever.
    pub id: CiId,
    /// Its name on screens; people may change it.
    pub name: String,
    /// Labels that people gave it: `env=prod`.
    pub labels: BTreeMap<String, String>,
    /// What it says of itself.
    pub facts: HostFacts,
    /// When it was retired, UTC milliseconds.
    pub retired_ms: Option<i64>,
    /// When it was added, UTC milliseconds.
    pub created_ms: i64,
    /// The version, for `If-Match`.
    pub version: i64,
}

/// What may be changed of a host; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct HostChange {
    /// A new name.
    pub name: Option<String>,
    /// All labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Retired or in service.
    pub retired: Option<bool>,
    /// The reason, for the change row.
    pub why: String,
}

/// Which hosts a list shows.
#[derive(Clone, Debug, Default)]
pub struct HostFilter {
    /// Part of the name, an address or the OS, in any case.
    pub text: String,
    /// `name=value` pairs that must all be among the labels.
    pub labels: Vec<(String, String)>,
    /// Also the retired.
    pub retired: bool,
    /// After this name.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// A thing as an agent reports it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen {
    /// `filesystem`, `interface`, `listener`, `unit`.
    pub kind: String,
    /// Its key within the host.
    pub key: String,
    /// What to call it.
    pub title: String,
    /// What else is known.
    pub attributes: BTreeMap<String, String>,
}

/// A discovered thing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Discovered {
    /// The host.
    pub ci: CiId,
    /// What was seen.
    pub seen: Seen,
    /// UTC milliseconds.
    pub first_seen_ms: i64,
    /// UTC milliseconds.
    pub last_seen_ms: i64,
    /// Since when it is no longer reported.
    pub gone_ms: Option<i64>,
    /// Whether somebody ignores it.
    pub ignored: Option<Ignore>,
}

/// Who ignores a thing, why and until when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ignore {
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// Until when, UTC milliseconds; none is without end.
    pub until_ms: Option<i64>,
}
