//! What a mail server asks for.

use std::borrow::Cow;

use lettre::message::Mailbox;
use ui::{Choice, Field, FieldKind};

use crate::settings::{SettingError, Settings};

pub(super) const HOST: &str = "host";
pub(super) const PORT: &str = "port";
pub(super) const SECURITY: &str = "security";
pub(super) const CA: &str = "ca";
pub(super) const USER: &str = "user";
pub(super) const PASSWORD: &str = "password";
pub(super) const FROM: &str = "from";
pub(super) const REPLY_TO: &str = "reply_to";

pub(super) fn fields() -> Vec<Field> {
    let security = vec![
        Choice::new("starttls", "notice.mail.security_starttls"),
        Choice::new("tls", "notice.mail.security_tls"),
        Choice::new("none", "notice.mail.security_none"),
    ];
    vec![
        Field::new(HOST, "notice.mail.host", FieldKind::Text)
            .required()
            .example("smtp.example.com"),
        Field::new(
            PORT,
            "notice.mail.port",
            FieldKind::Integer {
                min: 1,
                max: 65_535,
            },
        )
        .hint("notice.mail.port_hint")
        .example("587"),
        Field::new(
            SECURITY,
            "notice.mail.security",
            FieldKind::Select(Cow::Owned(security)),
        )
        .required(),
        Field::new(
            CA,
            "notice.mail.ca",
            FieldKind::Textarea {
                rows: 4,
                code: true,
            },
        )
        .hint("notice.mail.ca_hint")
        .example("-----BEGIN CERTIFICATE-----"),
        Field::new(USER, "notice.mail.user", FieldKind::Text),
        Field::new(PASSWORD, "notice.mail.password", FieldKind::Secret),
        Field::new(FROM, "notice.mail.from", FieldKind::Text)
            .required()
            .example("Bongsu <noc@example.com>"),
        Field::new(REPLY_TO, "notice.mail.reply_to", FieldKind::Text).example("noc@example.com"),
    ]
}

pub(super) fn check(settings: &Settings) -> Result<(), Vec<SettingError>> {
    let error = |field, reason| SettingError { field, reason };
    let mut wrong = Vec::new();
    if settings.get(HOST).is_empty() || settings.get(HOST).contains(char::is_whitespace) {
        wrong.push(error(HOST, "notice.check.host"));
    }
    if port(settings).is_none() {
        wrong.push(error(PORT, "notice.check.port"));
    }
    if settings.get(FROM).parse::<Mailbox>().is_err() {
        wrong.push(error(FROM, "notice.check.mail_address"));
    }
    let reply_to = settings.get(REPLY_TO);
    if !reply_to.is_empty() && reply_to.parse::<Mailbox>().is_err() {
        wrong.push(error(REPLY_TO, "notice.check.mail_address"));
    }
    if !settings.get(CA).is_empty() && super::send::tls(settings).is_err() {
        wrong.push(error(CA, "notice.check.certificate"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// The port, by default the one that belongs to the security.
pub(super) fn port(settings: &Settings) -> Option<u16> {
    let default = match settings.get(SECURITY) {
        "tls" => "465",
        "none" => "25",
        _ => "587",
    };
    settings
        .get_or(PORT, default)
        .parse()
        .ok()
        .filter(|port| *port > 0)
}
