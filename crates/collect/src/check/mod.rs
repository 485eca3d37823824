//! Check commands: Nagios plugins run unchanged, under guard, with the agent's own rights.
//!
//! Each command runs on its own period in a thread of its own, with a time limit; a new status
//! rings the bell so that it is told at once. Emits the status (0 fine, 1 warning, 2 critical,
//! 3 unknown), the duration and the performance data in base units; the first line of the output
//! is a note. A command that cannot be started or takes too long is 3, and the note says why.

mod fields;
pub mod parse;
mod probe;
mod schedule;

pub use fields::{Command, Settings};

use crate::collector::Plugin;

/// This collector.
pub const PLUGIN: Plugin = Plugin {
    name: "check",
    metrics: include_str!("metrics.toml"),
    rules: include_str!("rules.toml"),
    panel: include_str!("panel.toml"),
    fields: fields::FIELDS,
    make: || Box::new(probe::Check::default()),
};

#[cfg(test)]
mod tests;
