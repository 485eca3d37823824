//! Channels on which notices reach people: mail, Slack-compatible webhooks, JSON webhooks.
//!
//! *Takes* a [`NoticeText`] (what happened, for whom, in which language), the channel's settings and
//! the recipient's address. *Leaves* one message on the wire and says whether it certainly arrived,
//! certainly did not, or may have ([`SendError`]). *Never*: a database, a retry, a decision whether
//! to send; those are the `notice` slice's.
//!
//! Invariants: rendering is pure and speaks Korean and English; an error text never holds a secret;
//! a message sent twice carries the same key both times; every send ends within [`SEND_MS_MAX`].
//! **Adding a channel** is one folder and one line in [`ALL`].

mod channel;
#[cfg(any(test, feature = "fake"))]
pub mod fake;
mod http;
mod mail;
mod samples;
mod settings;
mod slack;
pub mod text;
mod webhook;

pub use channel::{
    Address, BoxFuture, Capabilities, Channel, Failure, Outgoing, Peer, Rendered, SEND_MS_MAX,
    SendError,
};
pub use mail::Mail;
pub use samples::samples;
pub use settings::{SettingError, Settings};
pub use slack::Slack;
pub use text::{Digest, NoticeText, What};
pub use webhook::Webhook;

/// Every channel, in alphabetic order of its kind.
pub static ALL: [&dyn Channel; 3] = [&Mail, &Slack, &Webhook];

/// The channel of this kind.
#[must_use]
pub fn by_kind(kind: &str) -> Option<&'static dyn Channel> {
    ALL.into_iter().find(|channel| channel.kind() == kind)
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
