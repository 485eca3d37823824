//! JSON bodies and query strings whose refusals are errors of the API, with the field at fault.

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ApiError;

/// A JSON body, asked or answered; as axum's, but a refusal names the field.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(JsonRejection::JsonDataError(error)) => Err(misfit(&error.body_text(), "bad_json")),
            Err(JsonRejection::JsonSyntaxError(error)) => Err(ApiError::bad_request(
                "bad_json",
                reason(&error.body_text()),
            )),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "send JSON with `Content-Type: application/json`",
            )),
            Err(other) => Err(ApiError::new(
                other.status(),
                "unreadable_body",
                other.body_text(),
            )),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The query string; as axum's, but a refusal names the field.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|error: QueryRejection| misfit(&error.body_text(), "bad_query"))
    }
}

/// The deserialiser's own words, without the sentence that axum puts before them.
fn reason(text: &str) -> &str {
    ["target type: ", "as JSON: ", "query string: "]
        .into_iter()
        .find_map(|end| text.split_once(end).map(|(_, reason)| reason))
        .unwrap_or(text)
}

fn misfit(text: &str, code: &'static str) -> ApiError {
    let reason = reason(text);
    match field_of(reason) {
        Some((field, message)) => ApiError::invalid_field(field, message),
        None => ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, reason),
    }
}

/// The field that serde names: as a path before the message, or in it when it is missing or unknown.
fn field_of(reason: &str) -> Option<(&str, &str)> {
    let is_path = |path: &str| {
        !path.is_empty()
            && path
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']'))
    };
    if let Some((path, message)) = reason.split_once(": ").filter(|(path, _)| is_path(path)) {
        return Some((path, message));
    }
    let named = ["missing field `", "unknown field `"]
        .into_iter()
        .find_map(|start| reason.strip_prefix(start))?;
    Some((named.split('`').next()?, reason))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        #[expect(dead_code, reason = "only read")]
        count: u32,
        #[expect(dead_code, reason = "only read")]
        #[serde(default)]
        parts: Vec<u32>,
    }

    async fn read(body: &str) -> ApiError {
        let request = Request::builder()
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body.to_owned()))
            .unwrap();
        Json::<Thing>::from_request(request, &()).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_refused_body_names_its_field() {
        for (body, status, field) in [
            (r#"{"count": "x"}"#, 422, "count"),
            (r#"{"count": 1, "parts": [1, -2]}"#, 422, "parts[1]"),
            ("{}", 422, "count"),
            (r#"{"count": 1, "colour": 2}"#, 422, "colour"),
            ("[", 400, ""),
            ("7", 422, ""),
        ] {
            let error = read(body).await;
            assert_eq!(error.status.as_u16(), status, "{body}: {error}");
            let named = error
                .fields
                .first()
                .map_or("", |field| field.field.as_str());
            assert_eq!(named, field, "{body}: {error}");
        }
    }

    #[tokio::test]
    async fn a_refused_query_names_its_field() {
        let request = Request::builder().uri("/x?count=many").body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        let error = Query::<Thing>::from_request_parts(&mut parts, &()).await;
        let error = error.unwrap_err();
        assert_eq!(error.fields.first().unwrap().field, "count", "{error}");
    }
}
