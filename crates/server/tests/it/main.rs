//! Scenarios against the real programs: started, filled, silenced, killed, and asked as a user would.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a scenario stops where its ground gives way"
)]

mod agent;
mod backlog;
mod cli;
mod disk;
mod flap;
mod full_disk;
mod hold;
mod kill;
mod outside;
mod postgres;
mod program;
mod repair;
mod repeated;
mod restore;
mod silence;
