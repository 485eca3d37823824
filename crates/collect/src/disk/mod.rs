//! Block devices: traffic, waiting time, how busy they are.
//!
//! Reads `proc/diskstats`. Emits node_exporter's `node_disk_*` for whole devices (partitions, loop
//! and ram disks are left out, as there), and beside them the mean time a request took and the
//! share of time the device was busy since the last pass. A device without requests waits for
//! nothing: its waiting time is zero, so that a problem on it can clear.

mod fields;
pub mod parse;
mod probe;

pub use fields::Settings;

use crate::collector::Plugin;

/// This collector.
pub const PLUGIN: Plugin = Plugin {
    name: "disk",
    metrics: include_str!("metrics.toml"),
    rules: include_str!("rules.toml"),
    panel: include_str!("panel.toml"),
    fields: fields::FIELDS,
    make: || Box::new(probe::Disk::default()),
};

#[cfg(test)]
mod tests;
