//! A body of the user's own: `{{subject}}` and friends, escaped for the format it stands in.

use std::fmt::Write as _;

use model::flow::DispatchEvent;

use super::body::event_name;
use super::fields::{FORMAT, TEMPLATE};
use crate::settings::Settings;
use crate::text::{NoticeText, What};

/// In which form a body is sent, and so how values are escaped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    Json,
    Form,
    Text,
}

impl Format {
    pub(super) fn of(settings: &Settings) -> Self {
        match settings.get(FORMAT) {
            "form" => Self::Form,
            "text" => Self::Text,
            _ => Self::Json,
        }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    fn escape(self, value: &str) -> String {
        match self {
            Self::Text => value.to_owned(),
            Self::Form => percent(value),
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                let inner = quoted
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'));
                inner.unwrap_or_default().to_owned()
            }
        }
    }
}

/// RFC 3986 unreserved characters stay, every other byte becomes `%XX`.
fn percent(value: &str) -> String {
    value.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// The names a template may use.
pub(super) const NAMES: [&str; 11] = [
    "address",
    "body",
    "event",
    "headline",
    "host",
    "key",
    "number",
    "severity",
    "severity_code",
    "subject",
    "url",
];

/// The body that the template makes, or nothing without a template.
pub(super) fn fill(settings: &Settings, notice: &NoticeText, address: &str) -> Option<String> {
    let template = settings.get(TEMPLATE);
    if template.is_empty() {
        return None;
    }
    let format = Format::of(settings);
    let mut out = String::with_capacity(template.len() + 256);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, tail)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        let value = value(name.trim(), notice, address).unwrap_or_default();
        out.push_str(&format.escape(&value));
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

fn value(name: &str, notice: &NoticeText, address: &str) -> Option<String> {
    let dispatch = match &notice.what {
        What::Problem(dispatch) => Some(dispatch),
        _ => None,
    };
    let event = match &notice.what {
        What::Problem(dispatch) => event_name(dispatch.event),
        What::Digest(_) => "digest",
        What::Test { .. } => "test",
    };
    // A recovery's colour is normal, but receivers want to know what it recovered from.
    let recovered = dispatch.filter(|d| d.event == DispatchEvent::Recovered);
    let severity = recovered.map_or(notice.severity(), |d| d.severity);
    Some(match name {
        "address" => address.to_owned(),
        "body" => notice.plain(),
        "event" => event.to_owned(),
        "headline" => notice.headline(),
        "host" => dispatch.map(|d| d.host.clone()).unwrap_or_default(),
        "key" => notice.key.clone(),
        "number" => dispatch.map(|d| d.number.to_string()).unwrap_or_default(),
        "severity" => severity.name().to_owned(),
        "severity_code" => severity.code().to_string(),
        "subject" => notice.subject(),
        "url" => notice.link(),
        _ => return None,
    })
}

/// Refuses unknown names, and JSON templates that do not become JSON.
pub(super) fn check(settings: &Settings) -> Result<(), &'static str> {
    let names = settings.get(TEMPLATE).split("{{").skip(1);
    for part in names {
        let name = part.split_once("}}").map(|(name, _)| name.trim());
        if !name.is_some_and(|name| NAMES.contains(&name)) {
            return Err("notice.check.template_name");
        }
    }
    if Format::of(settings) != Format::Json {
        return Ok(());
    }
    let bad = crate::samples().into_iter().any(|sample| {
        let body = fill(settings, &sample, "\"010-0000-0000\"");
        body.is_some_and(|body| serde_json::from_str::<serde_json::Value>(&body).is_err())
    });
    if bad {
        Err("notice.check.template_json")
    } else {
        Ok(())
    }
}
