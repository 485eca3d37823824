//! Watched systemd units: running or not, what they use, restarts.
//!
//! A unit runs while its cgroup has processes: `cgroup.events` (version 2 and hybrid), else
//! `cgroup.procs` (version 1), below `sys/fs/cgroup`. No privilege and no bus is needed. A cgroup
//! that was made anew means a restart. The kernel tells changes of these files, so that an end is
//! told at once. Whether a unit that does not run was stopped or has failed is asked of systemd on
//! the system bus, only then. On a machine without systemd the signal is not available.

mod bus;
mod fields;
pub mod parse;
mod probe;
mod watcher;

pub use fields::Settings;

use crate::collector::Plugin;

/// This collector.
pub const PLUGIN: Plugin = Plugin {
    name: "unit",
    metrics: include_str!("metrics.toml"),
    rules: include_str!("rules.toml"),
    panel: include_str!("panel.toml"),
    fields: fields::FIELDS,
    make: || Box::new(probe::Unit::default()),
};

#[cfg(test)]
mod tests;
