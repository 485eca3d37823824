//! The seeded simulation: hundreds of fake hosts, virtual time, faults, and the promises checked.
//!
//! *Takes* a seed. *Leaves* a [`Report`] with every broken promise of alerting.md and what happened
//! before. The judge, the problems, the notices and the records store are the real ones, driven one
//! stage at a time so that the server can be killed between any two (ADR 0007). Never linked by
//! programs.
//!
//! Invariants: the same seed meets the same fate; nothing waits for real time; each promise has a
//! sabotage that breaks it in the tests.

#![expect(
    clippy::expect_used,
    reason = "a simulation stops where its ground gives way"
)]

mod check;
mod config;
mod dice;
mod facts;
mod ground;
mod hosts;
mod people;
mod reference;
mod rules;
mod server;
mod sink;
mod trace;
mod world;

pub use config::{Config, Invariant, Report, Sabotage, Tally, Violation};

/// Runs one simulation to its end or to the first broken promise.
///
/// # Panics
/// When its ground gives way: no folder, no port, a store that refuses.
#[must_use]
pub fn run(seed: u64, config: Config) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async { world::World::new(seed, config).await.run().await })
}
