//! What the fleet asks of the rest of the server; the server injects it.
//!
//! Takes: nothing. Leaves: calls to these traits. Never: a call to another slice.

use std::fmt;

use db::BoxFuture;
use model::flow::Presence;
use model::{AgentId, CiId};

use crate::grant::TokenGrant;
use crate::words::{
    AgentConfig, AgentWarning, HostFacts, HostIdentity, LostRange, Note, Signal, Thing,
};

/// Finds or makes the configuration item of a host; the `cmdb` slice is behind it.
pub trait HostRegistry: Send + Sync + 'static {
    /// A host enrols: the known one with this machine id, or a new one.
    ///
    /// `known` is the host that this agent's key already belongs to, when it enrols again.
    ///
    /// # Errors
    /// When the inventory cannot be written or refuses the host; the text is shown to the installer.
    fn enrol<'a>(
        &'a self,
        facts: &'a HostFacts,
        token: &'a TokenGrant,
        known: Option<CiId>,
    ) -> BoxFuture<'a, Result<HostIdentity, RegistryRefused>>;

    /// The name of a host, if it exists and is not retired.
    fn name<'a>(&'a self, host: CiId) -> BoxFuture<'a, Option<String>>;
}

/// The inventory did not take a host.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the inventory refuses the host: {0}")]
pub struct RegistryRefused(pub String);

/// Gives a series its number for storing and judging.
pub trait SeriesResolver: Send + Sync + 'static {
    /// The number of series `name` with `labels` of `host`; asked once a connection and series.
    ///
    /// # Errors
    /// When the series may not exist; its samples are then left out and the operator is told.
    fn resolve(
        &self,
        host: CiId,
        name: &str,
        labels: &[(&str, &str)],
    ) -> Result<u32, SeriesRefused>;
}

/// A series did not get a number.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SeriesRefused {
    /// The host has as many series as it may.
    #[error("the host has {limit} series, which is the limit")]
    Limit {
        /// The limit.
        limit: usize,
    },
    /// Name or labels break the rules.
    #[error("{0}")]
    Malformed(String),
}

/// Takes batches: stores them durably and hands them to the judge.
pub trait Ingest: Send + Sync + 'static {
    /// Returns `Ok` only when the batch is durable **and** with the judge; then it is acknowledged.
    ///
    /// Live batches of one agent come one after the other, in the order of their time; up to eight
    /// backlog batches may be on their way beside. Waiting here is how the road is slowed down.
    ///
    /// # Errors
    /// See [`IngestRefused`].
    fn accept(&self, batch: IngestBatch) -> BoxFuture<'_, Result<(), IngestRefused>>;
}

/// A batch was not taken.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IngestRefused {
    /// Not now (a full disk, a store that is starting): the agent keeps it and tries again.
    #[error("samples cannot be taken now: {0}")]
    NotNow(String),
    /// Never: the agent forgets it and says so.
    #[error("the batch is refused: {0}")]
    Never(String),
}

/// The samples of one moment of one host.
#[derive(Clone, Debug, PartialEq)]
pub struct IngestBatch {
    /// Who sent it.
    pub agent: AgentId,
    /// Whose values they are.
    pub host: CiId,
    /// Fresh values, to be judged; otherwise backlog, to be stored and drawn only.
    pub live: bool,
    /// Backlog that another server had acknowledged: it may rebuild judging state, never page.
    pub replay: bool,
    /// The number in the agent's queue.
    pub seq: u64,
    /// The time of all samples: UTC milliseconds of the server's clock.
    pub time_ms: i64,
    /// When it arrived, UTC milliseconds.
    pub received_ms: i64,
    /// The interval at which the agent collects, in milliseconds.
    pub interval_ms: u32,
    /// The values; numbers are those of [`SeriesResolver`].
    pub samples: Vec<Sample>,
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The number from [`SeriesResolver::resolve`].
    pub series: u32,
    /// The value in base units.
    pub value: f64,
}

/// What an agent is to do; asked at connect and after [`crate::Fleet::config_changed`].
pub trait ConfigSource: Send + Sync + 'static {
    /// The configuration of a host's agent.
    fn config_for(&self, host: CiId) -> BoxFuture<'_, AgentConfig>;
}

/// Something that agents told; handled before the connection goes on.
pub trait EventSink: Send + Sync + 'static {
    /// Takes one event. Must not fail: what cannot be kept now is dropped and logged there.
    fn event(&self, event: FleetEvent) -> BoxFuture<'_, ()>;
}

/// Everything that agents tell besides samples.
#[derive(Clone, Debug, PartialEq)]
pub enum FleetEvent {
    /// Connected or gone.
    Presence(Presence),
    /// What the host is; at connect and on change.
    Facts(CiId, HostFacts),
    /// Everything that exists on the host and could be watched; replaces the last list.
    Discovered(CiId, Vec<Thing>),
    /// Which signals are measured and which not; replaces the last list.
    Signals(CiId, Vec<Signal>),
    /// The latest words about things, such as checks' output; replaces the last list.
    Notes(CiId, Vec<Note>),
    /// Records that are lost for ever.
    Lost(CiId, LostRange),
    /// Something that the operator should know.
    Warned(CiId, AgentWarning),
}

/// Everything the fleet is given.
#[derive(Clone)]
pub struct Ports {
    /// The inventory.
    pub hosts: std::sync::Arc<dyn HostRegistry>,
    /// Numbers of series.
    pub series: std::sync::Arc<dyn SeriesResolver>,
    /// Where batches go.
    pub ingest: std::sync::Arc<dyn Ingest>,
    /// What agents are to do.
    pub config: std::sync::Arc<dyn ConfigSource>,
    /// Where everything else goes.
    pub events: std::sync::Arc<dyn EventSink>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ports")
    }
}
