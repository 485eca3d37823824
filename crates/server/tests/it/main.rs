//! Scenarios against the real programs: started, filled, silenced, killed, and asked as a user would.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a scenario stops where its ground gives way"
)]

mod cli;
mod kill;
mod program;
mod restore;
mod repair;
mod silence;
