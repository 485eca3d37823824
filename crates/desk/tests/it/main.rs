//! The desk over real stores: every page, every form, every role, and what open boards are told.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where its ground gives way"
)]

mod filling;
mod ground;
mod live;
mod problems;
mod render;
mod rules;
mod session;
mod settings;
mod wrong;
