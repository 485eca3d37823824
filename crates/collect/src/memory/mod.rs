//! Memory and swap.
//!
//! Reads `proc/meminfo` and `proc/vmstat`. Emits a selection of node_exporter's
//! `node_memory_*_bytes` and `node_vmstat_*`, the share of memory used without the cache that the
//! kernel can give back, and the free share of swap. A host without swap has no swap signal.

pub mod parse;
mod probe;

use crate::collector::Plugin;

/// This collector.
pub const PLUGIN: Plugin = Plugin {
    name: "memory",
    metrics: include_str!("metrics.toml"),
    rules: include_str!("rules.toml"),
    panel: include_str!("panel.toml"),
    fields: &[],
    make: || Box::new(probe::Memory::default()),
};

#[cfg(test)]
mod tests;
