//! Configuration items: hosts with their facts and labels, and what agents discover on them.
//!
//! Owns the tables `cmdb_*`. *Takes* enrolments, facts and discoveries of agents, edits of people.
//! *Leaves* the hint [`CHANGED`] after every change, so that watching follows.
//!
//! Invariants: every host is a configuration item from the first day and keeps its id for ever; a
//! host is retired, never deleted; names are unique; observed facts never overwrite what people
//! wrote (name, labels). Absent on purpose: agents, rules, problems.

mod error;
mod records;
mod routes;
mod service;
mod store;

pub use error::CmdbError;
pub use records::{Discovered, Host, HostChange, HostFacts, HostFilter, Ignore, Seen};
pub use routes::routes;
pub use service::Cmdb;

/// The hint sent after a host was added, changed or retired.
pub const CHANGED: &str = "cmdb.changed";
