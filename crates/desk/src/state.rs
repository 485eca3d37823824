//! What the handlers are given: the slices' use cases and a few answers from the server's memory.

use std::collections::HashMap;
use std::sync::Arc;

use account::Accounts;
use cmdb::{Cmdb, Host};
use db::Db;
use fleet::Fleet;
use model::CiId;
use remedy::Remedies;
use stdx::Env;
use tsdb::Tsdb;
use watch::{Driver, Watch};

use crate::Live;

/// All hosts in memory.
pub trait HostBook: Send + Sync {
    /// Every host, the retired too.
    fn all(&self) -> Arc<HashMap<CiId, Arc<Host>>>;

    /// The names of the groups that a host is in.
    fn groups_of(&self, host: CiId) -> Vec<String>;
}

/// One line of the own-health page.
#[derive(Clone, Debug)]
pub struct HealthLine {
    /// Its name, e.g. `metrics-store`.
    pub name: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// What is wrong and what to do.
    pub detail: String,
}

/// How the server itself feels.
pub trait OwnHealth: Send + Sync {
    /// Every check, asked now; answers from memory.
    fn lines(&self) -> Vec<HealthLine>;
}

/// What every handler has; cheap to clone.
#[derive(Clone)]
pub struct Desk {
    /// Clock and randomness.
    pub env: Env,
    /// The records store, for reading functions that take it.
    pub db: Db,
    /// Accounts.
    pub accounts: Accounts,
    /// Hosts and discoveries.
    pub cmdb: Cmdb,
    /// All hosts from memory.
    pub hosts: Arc<dyn HostBook>,
    /// Rules, groups, overrides, watched things.
    pub watch: Watch,
    /// The judge: board, states, values in force.
    pub driver: Arc<Driver>,
    /// Agents.
    pub fleet: Fleet,
    /// The door for agents of other machines; "Add a server" opens it.
    pub entrance: Arc<dyn fleet::Entrance>,
    /// Notices: sealing, peers, site.
    pub notices: notice::Context,
    /// Recovery scripts.
    pub remedies: Remedies,
    /// Series.
    pub tsdb: Arc<Tsdb>,
    /// What pages draw from memory; `Live::default()`, kept current by [`crate::keep_live`].
    pub live: Live,
    /// Our own health.
    pub health: Arc<dyn OwnHealth>,
    /// The IANA time zone of people who chose none.
    pub time_zone: String,
}
