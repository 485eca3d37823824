//! The system as a whole: uptime, clock, name and version, open files, and the agent itself.
//!
//! Reads `proc/uptime`, `proc/sys/kernel/*`, `proc/sys/fs/file-nr`, `etc/os-release`, and
//! `proc/self` for the agent's own memory and processor time. The clock offset is measured by the
//! connection to the server and arrives with the tick; without a connection there is none.

pub mod parse;
mod probe;

use crate::collector::Plugin;

/// This collector.
pub const PLUGIN: Plugin = Plugin {
    name: "system",
    metrics: include_str!("metrics.toml"),
    rules: include_str!("rules.toml"),
    panel: include_str!("panel.toml"),
    fields: &[],
    make: || Box::new(probe::System::default()),
};

#[cfg(test)]
mod tests;
