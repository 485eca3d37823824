//! The message as Slack and its relatives draw it: one attachment with a colour and fields.
//!
//! Attachments rather than blocks, because Mattermost and Rocket.Chat draw them too.

use serde_json::{Map, Value, json};

use super::fields::{NAME, ROOM};
use crate::channel::{Outgoing, Rendered};
use crate::text::{colour, cut};

/// Slack cuts a message's text at 40,000 characters and an attachment well before.
pub(super) const TEXT_CHARS_MAX: usize = 7_000;
/// A field longer than this takes the whole width.
const SHORT_CHARS_MAX: usize = 28;

pub(super) fn render(outgoing: Outgoing<'_>) -> Rendered {
    let notice = outgoing.notice;
    let (subject, link) = (notice.subject(), notice.link());
    let fields: Vec<Value> = notice.facts().iter().map(field).collect();
    let mut attachment = Map::new();
    let mut put = |key: &str, value: Value| attachment.insert(key.to_owned(), value);
    put("fallback", json!(subject));
    put("color", json!(colour(notice.severity())));
    put("title", json!(escape(&notice.headline())));
    if !link.is_empty() {
        put("title_link", json!(link));
    }
    let lines = notice.lines().join("\n");
    if !lines.is_empty() {
        put("text", json!(escape(&cut(&lines, TEXT_CHARS_MAX))));
    }
    put("fields", Value::Array(fields));
    put("footer", json!(notice.key));
    put("ts", json!(notice.at_ms().div_euclid(1_000)));
    let mut body = json!({ "text": escape(&subject), "attachments": [attachment] });
    let room = match outgoing.address {
        "" => outgoing.settings.get(ROOM),
        address => address,
    };
    for (key, value) in [("channel", room), ("username", outgoing.settings.get(NAME))] {
        if let (false, Some(object)) = (value.is_empty(), body.as_object_mut()) {
            object.insert(key.to_owned(), json!(value));
        }
    }
    Rendered {
        subject,
        text: cut(&notice.plain(), TEXT_CHARS_MAX),
        body: body.to_string(),
    }
}

fn field(fact: &crate::text::Fact) -> Value {
    let short = fact.value.chars().count() <= SHORT_CHARS_MAX;
    json!({ "title": fact.label, "value": escape(&fact.value), "short": short })
}

/// The three characters that Slack's markup reserves.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
