//! Watched files and folders: there or not, how old, how large, how many.
//!
//! A path may hold `*` and `?` in any of its parts. Looking is done in a thread of its own, so that
//! a dead network mount makes the signal `failed` and never stops a pass; at most 10,000 names are
//! looked at per path.

mod fields;
mod probe;
pub mod walk;

pub use fields::{Settings, Watched};

use crate::collector::Plugin;

/// This collector.
pub const PLUGIN: Plugin = Plugin {
    name: "file",
    metrics: include_str!("metrics.toml"),
    rules: include_str!("rules.toml"),
    panel: include_str!("panel.toml"),
    fields: fields::FIELDS,
    make: || Box::new(probe::File::default()),
};

#[cfg(test)]
mod tests;
