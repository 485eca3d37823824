//! Posts the message and reads the answer.

use super::fields::URL;
use super::render::render;
use crate::channel::{Failure, Outgoing, Peer, SendError};
use crate::http;

pub(super) async fn send(peer: &Peer, outgoing: Outgoing<'_>) -> Result<(), SendError> {
    let request = peer
        .http
        .post(outgoing.settings.get(URL))
        .map_err(hide_url)?;
    let request = request
        .header("content-type", "application/json; charset=utf-8")
        .body(render(outgoing).body);
    let answer = http::post(request).await?;
    // Real ones answer `ok` or JSON; a log-in page of a proxy answers 200 and delivers nothing.
    if answer.trim_start().starts_with('<') {
        let reason = "answered with a web page: this is no incoming webhook";
        return Err(SendError::new(Failure::Retry, reason));
    }
    Ok(())
}

/// The URL is a secret, and a malformed one would be quoted.
fn hide_url(error: web::OutgoingError) -> SendError {
    match error {
        web::OutgoingError::Url(_) => SendError::new(
            Failure::Permanent,
            "the address is not an http or https URL",
        ),
        other => http::refused(&other),
    }
}
