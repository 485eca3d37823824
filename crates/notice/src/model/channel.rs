//! A channel: a way to tell people something, with its settings and its health.

use model::ChannelId;
use notify::Settings;

/// Notices a minute to one recipient before the rest becomes a digest.
pub const PER_MINUTE_DEFAULT: i64 = 20;

/// One configured channel, its settings opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// Its kind, e.g. `mail`.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// Whether it is used.
    pub enabled: bool,
    /// Its settings, secrets among them; never shown, never logged.
    pub settings: Settings,
    /// The channel that takes over when this one fails.
    pub fallback: Option<ChannelId>,
    /// Notices a minute to one recipient; what is more becomes a digest.
    pub per_minute: i64,
    /// When it was retired, UTC milliseconds.
    pub retired_ms: Option<i64>,
    /// How often it was edited.
    pub version: i64,
}

impl Channel {
    /// Whether anything may be sent on it.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.enabled && self.retired_ms.is_none()
    }
}

/// How a channel does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Health {
    /// Which.
    pub channel: ChannelId,
    /// When something last arrived, UTC milliseconds; 0 for never.
    pub last_ok_ms: i64,
    /// When something last failed, UTC milliseconds; 0 for never.
    pub last_fail_ms: i64,
    /// Since when nothing arrives, UTC milliseconds; 0 while it works.
    pub failing_since_ms: i64,
    /// How many sends failed in a row.
    pub failures: i64,
    /// What the last failure said.
    pub last_error: String,
}

impl Health {
    /// Of a channel that was never used.
    #[must_use]
    pub const fn unknown(channel: ChannelId) -> Self {
        Self {
            channel,
            last_ok_ms: 0,
            last_fail_ms: 0,
            failing_since_ms: 0,
            failures: 0,
            last_error: String::new(),
        }
    }
}
