//! A recipient: a person or a shared box, and what reaches them when and where.

use std::collections::BTreeMap;

use model::{ChannelId, Lang, RecipientId, Selector, Severity, UserId};
use serde::{Deserialize, Serialize};

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipient {
    /// The id.
    pub id: RecipientId,
    /// The name.
    pub name: String,
    /// Whether it is a shared box rather than a person.
    pub shared: bool,
    /// The person's account, if any.
    pub user: Option<UserId>,
    /// The language of notices.
    pub lang: Lang,
    /// The time zone of hours and of times in notices, an IANA name.
    pub zone: String,
    /// Whether anything new is told.
    pub enabled: bool,
    /// A channel's id, or a kind such as `mail`, and the address there.
    pub addresses: BTreeMap<String, String>,
    /// What reaches them when and where; any rule that fits counts.
    pub rules: Vec<Rule>,
    /// When they were retired, UTC milliseconds.
    pub retired_ms: Option<i64>,
    /// How often the record was edited.
    pub version: i64,
}

impl Recipient {
    /// The address on a channel: that of the channel itself, else that of its kind; may be empty.
    #[must_use]
    pub fn address(&self, channel: ChannelId, kind: &str) -> &str {
        let own = self.addresses.get(&channel.to_string());
        own.or_else(|| self.addresses.get(kind))
            .map_or("", String::as_str)
    }
}

/// Severity × weekdays × hours × scope → channels.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// From this severity on.
    pub from: Severity,
    /// On these days, 1 Monday … 7 Sunday; every day when empty.
    #[serde(default)]
    pub days: Vec<u8>,
    /// From this local time, minutes after midnight.
    #[serde(default)]
    pub from_min: u16,
    /// To this local time (not included); equal to `from_min` means the whole day, less than it
    /// means past midnight into the next day.
    #[serde(default)]
    pub to_min: u16,
    /// On these channels.
    pub channels: Vec<ChannelId>,
    /// Only hosts of any of these groups, by name; all when empty.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Only hosts whose labels fit.
    #[serde(default)]
    pub labels: Option<Selector>,
}
