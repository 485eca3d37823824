//! The agents' side of the server: enrolment, connections, acknowledged ingest, orders.
//!
//! Owns the tables `fleet_*`, the server's TLS identity in `<data-dir>/keys` and the agents' TLS port.
//! Takes: batches, facts, discovered things and answers from agents; configurations from
//! [`ConfigSource`]; orders from [`Fleet::send_order`]. Leaves: batches at [`Ingest`], events at
//! [`EventSink`]. What it needs of other slices the server injects as [`Ports`].
//!
//! Invariants:
//! - A batch is acknowledged only after [`Ingest::accept`] returned `Ok`.
//! - Nothing is read from a connection while its live batch waits: back-pressure reaches the agent.
//! - An agent is its key; a name, an address or an id in a message proves nothing.
//! - One agent has one connection: a newer one ends the older.
//! - What a peer sends is bounded before it is kept.
//!
//! Absent on purpose: no inventory, no rule, no judgement, no reading of orders, no session that
//! outlives its connection except the numbers already acknowledged.

mod agents;
mod api;
mod fleet;
mod grant;
mod keys;
mod live;
mod ports;
mod routes;
mod seqset;
mod session;
#[cfg(test)]
mod tests;
mod tls;
mod tokens;
mod words;

pub use agents::{agent_rows, retire};
pub use api::{Entrance, routes};
pub use fleet::{Fleet, FleetError, FleetOptions, NotReached};
pub use grant::{TokenGrant, TokenRefused, TokenRow, TokenSpec};
pub use keys::{KeyError, ServerIdentity, pin_of};
pub use ports::{
    ConfigSource, EventSink, FleetEvent, HostRegistry, Ingest, IngestBatch, IngestRefused, Ports,
    RegistryRefused, Sample, SeriesRefused, SeriesResolver,
};
pub use tokens::{NewToken, make_token, revoke_token, token_rows};
pub use words::{
    AgentConfig, AgentRow, AgentWarning, HostFacts, HostIdentity, LostRange, Note, Signal,
    SignalState, Thing, TopProcess, TopProcesses,
};
