//! `Idempotency-Key`: a `POST` of the API that is sent again gets the first one's answer, not a second effect.
//!
//! The answer is kept for a day, over restarts. What was refused for lack of rights, or failed on our
//! side, is forgotten: sending it again may help.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::limits;
use serde::{Deserialize, Serialize};

use crate::{ApiError, BoxFuture, Ctx, EndpointKind, EndpointSpec};

/// The header that carries the key.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The header of an answer that was kept.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Characters of a key.
const KEY_CHARS_MAX: usize = 255;
/// Bytes of an answer that are kept; of a longer one only the status is.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Headers that belong to a kept answer.
const KEPT_HEADERS: [&str; 3] = ["content-type", "etag", "location"];

/// What is known of a request with a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Known {
    /// Nothing: do it, then keep the answer.
    Nothing,
    /// It was done, with this answer, as it was given to [`Answers::keep`].
    Done(u16, String),
    /// It is being done right now.
    Busy,
    /// It was begun and nobody knows how it ended.
    Lost,
    /// The key belongs to another request.
    Other,
}

/// Keeps answers; implemented by the server on the records store, sealed.
pub trait Answers: Send + Sync {
    /// Notes that a request begins, or says what is known of it.
    ///
    /// # Errors
    /// When it cannot be noted; the request is then not carried out.
    fn begin<'a>(
        &'a self,
        who: &'a str,
        key: &'a str,
        request: &'a str,
    ) -> BoxFuture<'a, Result<Known, ApiError>>;

    /// Keeps the answer; with none the request is forgotten.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn keep<'a>(
        &'a self,
        who: &'a str,
        key: &'a str,
        answer: Option<(u16, String)>,
    ) -> BoxFuture<'a, Result<(), ApiError>>;
}

/// The store of answers, as the gate hands it to endpoints.
#[derive(Clone)]
pub(crate) struct Keeper(pub(crate) Arc<dyn Answers>);

/// Marks an answer that was not made now, so that it is not audited a second time.
#[derive(Clone, Copy)]
pub(crate) struct Replayed;

/// An answer as it is kept.
#[derive(Deserialize, Serialize)]
struct Kept {
    headers: Vec<(String, String)>,
    body: String,
}

/// Carries out a request, once per key.
pub(crate) async fn once(spec: &EndpointSpec, ctx: &Ctx, request: Request, next: Next) -> Response {
    let keeper = request.extensions().get::<Keeper>().cloned();
    let key = match key_of(spec, ctx, request.headers()) {
        Ok(key) => key,
        Err(error) => return error.into_response(),
    };
    match (keeper, key) {
        (Some(keeper), Some((who, key))) => {
            let done = keyed(&*keeper.0, (&who, &key), request, next).await;
            done.unwrap_or_else(IntoResponse::into_response)
        }
        _ => next.run(request).await,
    }
}

/// Whose key it is and the key, where a key means something.
fn key_of(
    spec: &EndpointSpec,
    ctx: &Ctx,
    headers: &HeaderMap,
) -> Result<Option<(String, String)>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let Some(actor) = &ctx.actor else {
        return Ok(None);
    };
    if spec.method != Method::POST || spec.kind != EndpointKind::Api {
        return Ok(None);
    }
    let key = value.to_str().unwrap_or_default().trim();
    if key.is_empty() || key.len() > KEY_CHARS_MAX {
        return Err(ApiError::bad_request(
            "bad_idempotency_key",
            format!("`Idempotency-Key` must have 1 to {KEY_CHARS_MAX} visible ASCII characters"),
        ));
    }
    Ok(Some((actor.user.to_string(), key.to_owned())))
}

async fn keyed(
    answers: &dyn Answers,
    (who, key): (&str, &str),
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, limits::REQUEST_BODY_BYTES_MAX).await;
    let body = body.map_err(|_| {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "the body is larger than the server takes",
        )
    })?;
    let mut sum = blake3::Hasher::new();
    sum.update(parts.method.as_str().as_bytes());
    sum.update(b"\n");
    sum.update(parts.uri.to_string().as_bytes());
    sum.update(b"\n");
    sum.update(&body);
    let sum = sum.finalize().to_hex();
    match answers.begin(who, key, sum.as_str()).await? {
        Known::Nothing => {}
        known => return answered(known),
    }
    let request = Request::from_parts(parts, Body::from(body));
    let response = next.run(request).await;
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        answers.keep(who, key, None).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let kept = kept(&parts.headers, &body);
    answers
        .keep(who, key, Some((status.as_u16(), kept)))
        .await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn kept(headers: &HeaderMap, body: &Bytes) -> String {
    let text = |name: &&str| {
        let value = headers.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), value.to_owned()))
    };
    let fits = body.len() <= ANSWER_BYTES_MAX;
    let body = std::str::from_utf8(body).ok().filter(|_| fits);
    let kept = Kept {
        headers: KEPT_HEADERS.iter().filter_map(text).collect(),
        body: body.unwrap_or_default().to_owned(),
    };
    serde_json::to_string(&kept).unwrap_or_default()
}

/// The answer to a request that is not carried out again.
fn answered(known: Known) -> Result<Response, ApiError> {
    match known {
        Known::Done(status, kept) => {
            let kept: Kept = serde_json::from_str(&kept)
                .map_err(|_| ApiError::internal("the kept answer cannot be read"))?;
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            let mut response = (status, kept.body).into_response();
            let headers = response.headers_mut();
            headers.remove("content-type");
            for (name, value) in kept.headers {
                let name = HeaderName::from_bytes(name.as_bytes());
                if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
                    headers.insert(name, value);
                }
            }
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
            response.extensions_mut().insert(Replayed);
            Ok(response)
        }
        Known::Busy => Err(ApiError {
            retry_after_s: Some(2),
            ..ApiError::conflict(
                "idempotency_key_busy",
                "the first request with this `Idempotency-Key` is still being carried out: ask \
                 again shortly",
            )
        }),
        Known::Lost => Err(ApiError::conflict(
            "idempotency_outcome_unknown",
            "the server stopped while it carried out the request with this `Idempotency-Key`: look \
             whether it was done, and use a new key",
        )),
        Known::Other | Known::Nothing => Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "this `Idempotency-Key` was used for another request within a day: use a new key for \
             every new request",
        )),
    }
}
