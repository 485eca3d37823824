//! Posts the body with its key, time and signature.

use super::fields::{AUTHORIZATION, SECRET, URL, headers};
use super::render::render;
use super::signature;
use super::template::Format;
use crate::channel::{Failure, Outgoing, Peer, SendError};
use crate::http;

pub(super) async fn send(peer: &Peer, outgoing: Outgoing<'_>) -> Result<(), SendError> {
    let Outgoing {
        settings, notice, ..
    } = outgoing;
    let body = render(outgoing).body;
    let timestamp_s = peer.env.clock.now_ms().div_euclid(1_000);
    let request = peer.http.post(settings.get(URL));
    let mut request = request
        .map_err(|error| http::refused(&error))?
        .header("content-type", Format::of(settings).content_type())
        .header("idempotency-key", &notice.key)
        .header("webhook-id", &notice.key)
        .header("webhook-timestamp", timestamp_s);
    let secret = settings.get(SECRET);
    if !secret.is_empty() {
        let bad = || SendError::new(Failure::Permanent, "the signing secret is malformed");
        let key = signature::key(secret).ok_or_else(bad)?;
        let signed = signature::sign(&key, &notice.key, timestamp_s, &body);
        request = request.header("webhook-signature", signed);
    }
    let authorization = settings.get(AUTHORIZATION);
    if !authorization.is_empty() {
        request = request.header("authorization", authorization);
    }
    for (name, value) in headers(settings).unwrap_or_default() {
        request = request.header(name, value);
    }
    http::post(request.body(body)).await.map(|_| ())
}
