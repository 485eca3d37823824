//! The light program on each machine: collects, keeps, sends, hands orders to the runner.
//!
//! Two threads: one measures and writes to the queue on disk, one talks to the server. They share a
//! queue and a few values behind two locks, taken in the order hand, queue. No async runtime: the
//! agent must stay below 8 MiB and a thousandth of a core.
//!
//! Invariants:
//! - A pass is on disk before it is sent; it leaves the queue only when the server acknowledged it.
//! - Fresh passes go before the backlog, which goes slowly beside them.
//! - Sample time is the server's; this host's own clock is only a signal.
//! - Without a server the agent goes on measuring with its last configuration.
//! - The agent needs no privilege and carries out no order itself; the runner is another process.
//!
//! Absent on purpose: rules and judging, any listening port, any self-update.

mod anchor;
mod cli;
mod collecting;
mod dictionary;
mod error;
mod facts;
mod http;
mod identity;
mod link;
mod log;
mod orders;
mod program;
mod queue;
mod run;
mod settings;
mod shared;
pub mod swarm;
mod top;

pub use cli::USAGE;
pub use error::AgentError;
pub use program::main;
pub use run::{AgentOptions, EnrolOptions, Running, enrol, run, start};
pub use settings::agent_id;
