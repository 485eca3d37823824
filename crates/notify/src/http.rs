//! One `POST` of a channel, and what the answer means for retrying and pairing.

use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, StatusCode};
use web::OutgoingError;

use crate::channel::{Failure, SendError};
use crate::text::cut;

/// The longest wait that a receiver may ask for, in milliseconds.
const WAIT_MS_MAX: u64 = 60 * 60 * 1_000;
/// Characters of an answer that the ledger keeps.
const ANSWER_CHARS_MAX: usize = 200;
/// Bytes of an answer that are read at all.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// A request that could not even begin.
pub(crate) fn refused(error: &OutgoingError) -> SendError {
    SendError::new(Failure::Permanent, error.to_string())
}

/// Sends and reads the answer; the text of a 2xx answer.
pub(crate) async fn post(request: RequestBuilder) -> Result<String, SendError> {
    let response = request.send().await.map_err(|error| classify(&error))?;
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER);
    let wait_ms = retry_after
        .and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok())
        .map(|wait_s| wait_s.saturating_mul(1_000).min(WAIT_MS_MAX));
    // A status was received: what the body says no longer decides whether it arrived.
    let answer = read_some(response).await;
    if status.is_success() {
        return Ok(answer);
    }
    let answer = cut(answer.trim(), ANSWER_CHARS_MAX);
    let reason = format!("answered {}: {answer}", status.as_u16());
    let reason = reason.trim_end_matches([':', ' ']);
    Err(SendError::new(meaning(status), reason).wait_ms(wait_ms))
}

async fn read_some(mut response: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= ANSWER_BYTES_MAX {
            bytes.truncate(ANSWER_BYTES_MAX);
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A refusal is certain (429, 503: not now); another server error may hide a message that arrived.
fn meaning(status: StatusCode) -> Failure {
    match status.as_u16() {
        408 | 425 | 429 | 503 => Failure::Retry,
        500..=599 => Failure::Unknown,
        _ => Failure::Permanent,
    }
}

fn classify(error: &reqwest::Error) -> SendError {
    if let Some(local) = local_refusal(error) {
        return refused(local);
    }
    let (failure, reason) = if error.is_connect() {
        (Failure::Retry, "no connection")
    } else if error.is_builder() {
        (Failure::Permanent, "the request cannot be built")
    } else if error.is_timeout() {
        (Failure::Unknown, "no answer in time")
    } else {
        (Failure::Unknown, "the connection broke before the answer")
    };
    SendError::new(failure, format!("{reason}{}", cause(error)))
}

type Cause = dyn std::error::Error + 'static;

fn sources(error: &reqwest::Error) -> impl Iterator<Item = &Cause> {
    let first: Option<&Cause> = std::error::Error::source(error);
    std::iter::successors(first, |error| error.source())
}

fn local_refusal(error: &reqwest::Error) -> Option<&OutgoingError> {
    sources(error).find_map(|source| source.downcast_ref::<OutgoingError>())
}

/// The deepest cause; the outer texts repeat it and may name the URL, which can hold a secret.
fn cause(error: &reqwest::Error) -> String {
    let deepest = sources(error).last();
    deepest.map_or_else(String::new, |source| format!(": {source}"))
}
