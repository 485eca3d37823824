//! File systems: how full they are, and when they will be.
//!
//! Reads `proc/1/mountinfo` (else `proc/self/mountinfo`) and asks `statvfs` for every mount that
//! holds data. A mount that does not answer (dead NFS) keeps a thread of its own waiting, never the
//! pass: it is `failed` and `node_filesystem_device_error` is 1. Emits node_exporter's
//! `node_filesystem_*`, and beside them the used share as `df` shows it, the free share of inodes
//! and the seconds until full, from a robust slope over the recent hours.

mod asker;
mod fields;
pub mod parse;
mod probe;
pub mod trend;

pub use fields::Settings;

use crate::collector::Plugin;

/// This collector.
pub const PLUGIN: Plugin = Plugin {
    name: "filesystem",
    metrics: include_str!("metrics.toml"),
    rules: include_str!("rules.toml"),
    panel: include_str!("panel.toml"),
    fields: fields::FIELDS,
    make: || Box::new(probe::Filesystem::default()),
};

#[cfg(test)]
mod tests;
