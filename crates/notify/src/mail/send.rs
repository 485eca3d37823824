//! Speaks SMTP: one connection a mail, TLS as the settings say.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MessageBuilder, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, Error as SmtpError};
use lettre::{AsyncTransport, Tokio1Executor};
use model::Severity;

use super::fields::{CA, FROM, HOST, PASSWORD, REPLY_TO, SECURITY, USER, port};
use super::render::render;
use crate::channel::{Failure, Outgoing, Peer, SEND_MS_MAX, SendError};
use crate::settings::Settings;
use crate::text::{What, cut};

/// How long one command may take; DATA is the one that matters.
const COMMAND_MS_MAX: u64 = 10_000;
/// Characters of a server's answer that the ledger keeps.
const ANSWER_CHARS_MAX: usize = 200;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

pub(super) async fn send(peer: &Peer, outgoing: Outgoing<'_>) -> Result<(), SendError> {
    let message = message(outgoing, peer.env.clock.now_ms())?;
    let transport = transport(outgoing.settings)?;
    let limit = Duration::from_millis(SEND_MS_MAX);
    let sent = tokio::time::timeout(limit, transport.send(message)).await;
    match sent {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(classify(&error)),
        Err(_) => Err(SendError::new(Failure::Unknown, "no answer in time")),
    }
}

fn permanent(reason: impl Into<String>) -> SendError {
    SendError::new(Failure::Permanent, reason)
}

fn mailbox(text: &str) -> Result<Mailbox, SendError> {
    text.parse()
        .map_err(|_| permanent(format!("`{text}` is no mail address")))
}

/// The whole mail; its Message-ID is made of the key, so that a repeated mail has the same.
pub(super) fn message(outgoing: Outgoing<'_>, now_ms: i64) -> Result<Message, SendError> {
    let Outgoing {
        settings,
        address,
        notice,
    } = outgoing;
    let from = mailbox(settings.get(FROM))?;
    let domain = from.email.domain().to_owned();
    let rendered = render(outgoing);
    let date = UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
    let mut builder = Message::builder()
        .from(from)
        .to(mailbox(address)?)
        .subject(rendered.subject)
        .date(date)
        .message_id(Some(format!("<{}@{domain}>", id(&notice.key))));
    if !settings.get(REPLY_TO).is_empty() {
        builder = builder.reply_to(mailbox(settings.get(REPLY_TO))?);
    }
    if let What::Problem(dispatch) = &notice.what {
        // Every mail of a problem refers to one invented root: clients draw them as one thread.
        let root = format!("<{}@{domain}>", dispatch.problem);
        builder = builder.references(root.clone()).in_reply_to(root);
    }
    for (name, value) in extra_headers(outgoing) {
        builder = raw_header(builder, name, value);
    }
    let parts = MultiPart::alternative_plain_html(rendered.text, rendered.body);
    builder
        .multipart(parts)
        .map_err(|error| permanent(error.to_string()))
}

fn id(key: &str) -> String {
    blake3::hash(key.as_bytes())
        .to_hex()
        .chars()
        .take(32)
        .collect()
}

fn extra_headers(outgoing: Outgoing<'_>) -> Vec<(&'static str, String)> {
    let severity = outgoing.notice.severity();
    let mut headers = vec![
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("X-Auto-Response-Suppress", "All".to_owned()),
        ("X-Bongsu-Key", outgoing.notice.key.clone()),
        ("X-Bongsu-Severity", severity.name().to_owned()),
    ];
    if severity >= Severity::Major {
        headers.push(("Importance", "high".to_owned()));
        headers.push(("X-Priority", "1".to_owned()));
    }
    headers
}

fn raw_header(builder: MessageBuilder, name: &'static str, value: String) -> MessageBuilder {
    let name = HeaderName::new_from_ascii_str(name);
    builder.raw_header(HeaderValue::new(name, value))
}

/// Whom the connection trusts: the public roots and the additional certificate.
pub(super) fn tls(settings: &Settings) -> Result<TlsParameters, SmtpError> {
    let mut parameters = TlsParameters::builder(settings.get(HOST).to_owned());
    if let pem @ [_, ..] = settings.get(CA).as_bytes() {
        parameters = parameters.add_root_certificate(Certificate::from_pem(pem)?);
    }
    parameters.build()
}

fn transport(settings: &Settings) -> Result<Transport, SendError> {
    let host = settings.get(HOST);
    let security = match settings.get(SECURITY) {
        "none" => Ok(Tls::None),
        "tls" => tls(settings).map(Tls::Wrapper),
        _ => tls(settings).map(Tls::Required),
    };
    let security = security.map_err(|error| permanent(error.to_string()))?;
    let port = port(settings).ok_or_else(|| permanent("the port is no number from 1 to 65535"))?;
    let mut builder = Transport::builder_dangerous(host)
        .port(port)
        .tls(security)
        .timeout(Some(Duration::from_millis(COMMAND_MS_MAX)));
    let user = settings.get(USER);
    if !user.is_empty() {
        let password = settings.get(PASSWORD).to_owned();
        builder = builder.credentials(Credentials::new(user.to_owned(), password));
    }
    Ok(builder.build())
}

/// 4xx and no connection: later. 5xx: never. Everything after the first byte is ambiguous.
fn classify(error: &SmtpError) -> SendError {
    let reason = cut(&chain(error), ANSWER_CHARS_MAX);
    let failure = if error.is_permanent() || error.is_client() {
        Failure::Permanent
    } else if error.is_transient() || error.is_tls() || is_connect(error) {
        Failure::Retry
    } else {
        Failure::Unknown
    };
    SendError::new(failure, reason)
}

/// lettre names this kind only in its text.
fn is_connect(error: &SmtpError) -> bool {
    error.to_string().starts_with("Connection error")
}

fn chain(error: &SmtpError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
