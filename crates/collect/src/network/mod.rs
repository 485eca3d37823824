//! Network interfaces: traffic, errors, drops, speed, link.
//!
//! Reads `proc/net/dev` and `sys/class/net/*/{operstate,speed,mtu,carrier}`. Emits node_exporter's
//! `node_network_*`, and beside them bytes per second in both directions, the share of packets with
//! errors, the share dropped, and the used share of the line where its speed is known.

mod fields;
pub mod parse;
mod probe;

pub use fields::Settings;

use crate::collector::Plugin;

/// This collector.
pub const PLUGIN: Plugin = Plugin {
    name: "network",
    metrics: include_str!("metrics.toml"),
    rules: include_str!("rules.toml"),
    panel: include_str!("panel.toml"),
    fields: fields::FIELDS,
    make: || Box::new(probe::Network::default()),
};

#[cfg(test)]
mod tests;
