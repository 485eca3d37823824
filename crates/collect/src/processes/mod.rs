//! How many processes and threads there are, and in which state.
//!
//! Reads `proc/loadavg`, `proc/sys/kernel/{pid_max,threads-max}` and `proc/*/stat`. On hosts with
//! very many processes the states are counted only every so many passes; in between the last count
//! stands, so that a pass reads about three hundred files on average.

mod probe;

use crate::collector::Plugin;

/// This collector.
pub const PLUGIN: Plugin = Plugin {
    name: "processes",
    metrics: include_str!("metrics.toml"),
    rules: include_str!("rules.toml"),
    panel: include_str!("panel.toml"),
    fields: &[],
    make: || Box::new(probe::Processes::default()),
};

#[cfg(test)]
mod tests;
