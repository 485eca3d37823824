//! Work that must happen: messages delivered at least once, reconcilers, one leader among servers.
//!
//! A state change leaves a message with [`put`] in its own transaction; a [`Worker`] leases it, runs
//! its handler and settles it. A [`Reconciler`] compares and mends, woken by hint and by period. A
//! [`LeaderLease`] lets one server of several do periodic work.
//!
//! Invariants: a message is delivered at least once or is visibly dead; two messages with one key in
//! a topic are one; a late answer of a worker that lost its lease changes nothing; every hint has a
//! period behind it. Absent on purpose: order between messages, exactly-once (a handler is
//! idempotent, or settles in its own transaction with [`Delivery::done_in`]), priorities, schedules.

mod batch;
mod leader;
mod message;
mod outbox;
mod panics;
mod reconciler;
mod shutdown;
mod worker;

pub use batch::{Drained, bury, drain, put_all, topic_hint};
pub use leader::{LeaderLease, Term};
pub use message::{Delivery, Failure, Handler};
pub use outbox::{
    Backlog, DeadMessage, Post, backlog, dead, died_since, free_leases, prune, put, revive,
};
pub use reconciler::Reconciler;
pub use shutdown::{Shutdown, Trigger, shutdown};
pub use worker::{Policy, Worker};
