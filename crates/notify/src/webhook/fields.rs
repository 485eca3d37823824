//! What a webhook asks for, and what of it cannot work.

use std::borrow::Cow;

use ui::{Choice, Field, FieldKind};

use super::{signature, template};
use crate::settings::{SettingError, Settings};

pub(super) const URL: &str = "url";
pub(super) const SECRET: &str = "secret";
pub(super) const AUTHORIZATION: &str = "authorization";
pub(super) const HEADERS: &str = "headers";
pub(super) const FORMAT: &str = "format";
pub(super) const TEMPLATE: &str = "template";

pub(super) fn fields() -> Vec<Field> {
    let formats = vec![
        Choice::new("json", "notice.webhook.format_json"),
        Choice::new("form", "notice.webhook.format_form"),
        Choice::new("text", "notice.webhook.format_text"),
    ];
    vec![
        Field::new(URL, "notice.webhook.url", FieldKind::Url)
            .required()
            .example("https://ops.example.com/hooks/bongsu"),
        Field::new(SECRET, "notice.webhook.secret", FieldKind::Secret)
            .hint("notice.webhook.secret_hint")
            .example("whsec_…"),
        Field::new(
            AUTHORIZATION,
            "notice.webhook.authorization",
            FieldKind::Secret,
        )
        .hint("notice.webhook.authorization_hint")
        .example("Bearer …"),
        Field::new(HEADERS, "notice.webhook.headers", FieldKind::List)
            .hint("notice.webhook.headers_hint")
            .example("X-Team: noc"),
        Field::new(
            FORMAT,
            "notice.webhook.format",
            FieldKind::Select(Cow::Owned(formats)),
        ),
        Field::new(
            TEMPLATE,
            "notice.webhook.template",
            FieldKind::Textarea {
                rows: 6,
                code: true,
            },
        )
        .hint("notice.webhook.template_hint")
        .example(r#"{"to":"{{address}}","msg":"{{subject}}"}"#),
    ]
}

pub(super) fn check(settings: &Settings) -> Result<(), Vec<SettingError>> {
    let mut wrong = Vec::new();
    wrong.extend(check_url(settings.get(URL), URL).err());
    if signature::key(settings.get(SECRET)).is_none() {
        wrong.push(SettingError {
            field: SECRET,
            reason: "notice.check.secret",
        });
    }
    if headers(settings).is_none() {
        wrong.push(SettingError {
            field: HEADERS,
            reason: "notice.check.headers",
        });
    }
    if let Err(reason) = template::check(settings) {
        wrong.push(SettingError {
            field: TEMPLATE,
            reason,
        });
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Whether this is an absolute http or https URL.
pub(crate) fn check_url(text: &str, field: &'static str) -> Result<(), SettingError> {
    let url = reqwest::Url::parse(text).ok();
    match url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        Some(_) => Ok(()),
        None => Err(SettingError {
            field,
            reason: "notice.check.url",
        }),
    }
}

/// The extra headers; nothing when a line is no header or sets one of ours.
pub(super) fn headers(settings: &Settings) -> Option<Vec<(&str, &str)>> {
    let ours = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with("webhook-") || matches!(name.as_str(), "content-length" | "host")
    };
    let header = |line| -> Option<(&str, &str)> {
        let (name, value) = str::split_once(line, ':')?;
        let (name, value) = (name.trim(), value.trim());
        reqwest::header::HeaderName::from_bytes(name.as_bytes()).ok()?;
        reqwest::header::HeaderValue::from_str(value).ok()?;
        (!ours(name)).then_some((name, value))
    };
    settings.lines(HEADERS).map(header).collect()
}
