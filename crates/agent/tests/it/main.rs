//! The road between agent and server: the real agent, the real fleet, TLS on the loopback, SQLite.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support outside of #[test]"
)]

mod harness;
mod install;
mod misbehaviour;
mod orders;
mod outages;
mod road;
