//! Processor time, load and pressure.
//!
//! Reads `proc/stat`, `proc/loadavg`, `proc/pressure/{cpu,memory,io,irq}`. Emits node_exporter's
//! `node_cpu_seconds_total`, `node_load*`, `node_pressure_*` and the other counters of `proc/stat`,
//! and beside them the gauges that rules compare: how much of the processors was used since the
//! last pass, the busiest one, the load per processor, the share of time something waited.

pub mod parse;
mod probe;

use crate::collector::Plugin;

/// This collector.
pub const PLUGIN: Plugin = Plugin {
    name: "cpu",
    metrics: include_str!("metrics.toml"),
    rules: include_str!("rules.toml"),
    panel: include_str!("panel.toml"),
    fields: &[],
    make: || Box::new(probe::Cpu::default()),
};

#[cfg(test)]
mod tests;
