//! Sockets: how many in which state, retransmissions, listeners, connection tracking.
//!
//! Reads `proc/net/{sockstat,sockstat6,snmp,netstat}` and `proc/sys/net/netfilter/*`, and asks the
//! kernel for the states of TCP sockets (`sock_diag`), with a budget: beyond it the states of this
//! pass are left out and the status says so. Emits node_exporter's `node_sockstat_*`,
//! `node_netstat_*`, `node_tcp_connection_states`, `node_nf_conntrack_*`, and the share of segments
//! sent again and of connection tracking in use.

mod diag;
pub mod parse;
mod probe;

use crate::collector::Plugin;

/// This collector.
pub const PLUGIN: Plugin = Plugin {
    name: "tcp",
    metrics: include_str!("metrics.toml"),
    rules: include_str!("rules.toml"),
    panel: include_str!("panel.toml"),
    fields: &[],
    make: || Box::new(probe::Tcp::default()),
};

#[cfg(test)]
mod tests;
