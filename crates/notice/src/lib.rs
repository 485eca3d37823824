//! Notices (통보): who is told what on which channel, and the ledger of every decision.
//!
//! Owns the tables `notice_*`. *Takes* [`model::flow::Dispatch`] from the outbox. *Leaves* messages on
//! the wire through [`notify`], and [`model::flow::Outcome`] for the problem's timeline.
//!
//! Invariants: every decision to send or not to send is a ledger row with a reason, kept for more
//! than a year; what is to be sent is durable before it is tried and is tried until it is accepted,
//! taken over by another channel or visibly undelivered; a message is sent at least once, and again
//! only with the same key; if a problem notice went out or may have gone out to somebody on a
//! channel, its recovery goes to them on that channel, after it; one channel never delays another.
//! Secrets are sealed at rest and leave only towards their own channel. Absent on purpose: whether a
//! problem is worth telling (that is `problem`'s hold), escalation, pages.

pub mod courier;
pub mod decide;
mod error;
pub mod model;
mod ports;
mod routes;
mod seal;
pub mod service;
mod store;

use std::sync::Arc;

use ::model::ChannelId;

pub use error::{NoticeError, Result};
pub use ports::{HealthSink, HostFacts, Hosts, LogHealth};
pub use routes::routes;
pub use seal::Sealer;

/// Hinted after commit whenever a channel was made, edited or retired.
pub const CHANNELS: &str = "notice.channels";

/// The hint that the lane of a channel waits for.
#[must_use]
pub fn lane_topic(channel: ChannelId) -> String {
    format!("notice.lane:{channel}")
}

/// How the installation names itself in notices.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Site {
    /// In front of subjects; the product's name when empty.
    pub name: String,
    /// The console's address without a trailing slash, for links; empty when it is not known.
    pub console_url: String,
}

/// What the use cases of this slice need beside the store.
#[derive(Clone, Debug)]
pub struct Context {
    /// Opens and seals settings.
    pub sealer: Sealer,
    /// Hosts' labels and groups.
    pub hosts: Arc<dyn Hosts>,
    /// The outside world.
    pub peer: notify::Peer,
    /// Who hears of sick channels.
    pub health: Arc<dyn HealthSink>,
    /// How the installation names itself.
    pub site: Site,
}
