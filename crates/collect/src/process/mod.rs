//! Watched processes: running or not, how many, how much they use; a death is told at once.
//!
//! Processes are found by name, command line and user. A thread holds a pidfd of each of them, so
//! that an end becomes a sample within milliseconds; new ones are looked for every second, which
//! costs one small file while nothing was started. On kernels before 5.3, which have no pidfd,
//! ends are seen by that look too. Reads `proc/loadavg` and `proc/*/{stat,cmdline}`.

mod fields;
mod finder;
pub mod parse;
mod probe;
mod watcher;

pub use fields::{Settings, Watched};
pub use watcher::{Count, ProcessWatcher};

use crate::collector::Plugin;

/// This collector.
pub const PLUGIN: Plugin = Plugin {
    name: "process",
    metrics: include_str!("metrics.toml"),
    rules: include_str!("rules.toml"),
    panel: include_str!("panel.toml"),
    fields: fields::FIELDS,
    make: || Box::new(probe::Process::default()),
};

#[cfg(test)]
mod tests;
