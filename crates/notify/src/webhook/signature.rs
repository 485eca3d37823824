//! The signature of the Standard Webhooks specification: HMAC-SHA256 over `id.timestamp.body`.
//!
//! A standard rather than a scheme of our own, so that receivers verify with libraries they have.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// Secrets in the standard's notation begin so; the rest is base64 of 24 to 64 bytes.
const PREFIX: &str = "whsec_";

/// The key's bytes: decoded after `whsec_`, the text itself otherwise; nothing when it is malformed.
pub(super) fn key(secret: &str) -> Option<Vec<u8>> {
    match secret.strip_prefix(PREFIX) {
        Some(encoded) => STANDARD.decode(encoded).ok().filter(|key| !key.is_empty()),
        None => Some(secret.as_bytes().to_vec()),
    }
}

/// The value of `webhook-signature`.
pub(super) fn sign(key: &[u8], id: &str, timestamp_s: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    for part in [id, ".", &timestamp_s.to_string(), ".", body] {
        context.update(part.as_bytes());
    }
    format!("v1,{}", STANDARD.encode(context.sign().as_ref()))
}
