//! What the agent measures: one folder per collector, each with all that belongs to it.
//!
//! A collector reads `/proc`, `/sys` or asks the kernel, and puts samples into a [`Sink`]. Names
//! are node_exporter's where it has the quantity; beside them stand the `bongsu_…` gauges that
//! rules compare, so that judging needs no history.
//!
//! Invariants: no runtime, no SQL, no network beyond the kernel's own sockets. A pass never panics
//! and never blocks longer than its budgets; what may hang has a thread of its own. What may not be
//! read is `not permitted`, what is not there is `not available`: never zero. After the first pass
//! a steady host allocates next to nothing. Adding a collector is one folder and one line in
//! [`ALL`].

mod background;
pub mod check;
mod collector;
pub mod cpu;
pub mod describe;
pub mod disk;
pub mod field;
pub mod file;
pub mod filesystem;
pub mod memory;
pub mod network;
pub mod pattern;
pub mod process;
pub mod processes;
pub mod rate;
mod root;
pub mod scan;
mod set;
mod sink;
mod status;
pub mod system;
pub mod tcp;
#[cfg(test)]
mod tests;
pub mod top;
pub mod unit;

pub use collector::{Collector, Discovered, Plugin, SettingsError, Tick, Wake};
pub use root::{ReadError, Root};
pub use set::Collectors;
pub use sink::{Note, Sample, Sink, SinkCounters};
pub use status::{Availability, Status, StatusList};

/// Every collector, in alphabetical order.
pub const ALL: &[Plugin] = &[
    check::PLUGIN,
    cpu::PLUGIN,
    disk::PLUGIN,
    file::PLUGIN,
    filesystem::PLUGIN,
    memory::PLUGIN,
    network::PLUGIN,
    process::PLUGIN,
    processes::PLUGIN,
    system::PLUGIN,
    tcp::PLUGIN,
    unit::PLUGIN,
];

/// Metrics that the set of collectors emits about itself.
pub const SELF_METRICS: &str = include_str!("metrics.toml");
