//! Errors of the API after RFC 9457: status, stable code, a sentence, and the fields at fault.

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// What is wrong with one field of a request.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field, as a path: `levels[1].for`.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// An error with a stable code; drawn as JSON for the API and as a page for browsers.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// A stable code for programs, `snake_case`.
    pub code: Cow<'static, str>,
    /// What was wrong, where, and what to do.
    pub detail: String,
    /// The fields at fault.
    pub fields: Vec<FieldError>,
    /// Seconds to wait before trying again, if that helps.
    pub retry_after_s: Option<u64>,
}

/// The body of an error answer, `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemDetails {
    /// `about:blank`: the code says which error it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// The stable code.
    code: String,
    /// What was wrong, where, and what to do.
    detail: String,
    /// The fields at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldError>,
}

impl ApiError {
    /// An error with this status, code and sentence.
    #[must_use]
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        let (code, detail) = (code.into(), detail.into());
        Self {
            status,
            code,
            detail,
            fields: Vec::new(),
            retry_after_s: None,
        }
    }

    /// `400`: the request cannot be understood.
    #[must_use]
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// `422`: understood, but these fields are wrong.
    #[must_use]
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let detail = fields
            .iter()
            .map(|f| format!("{}: {}", f.field, f.message))
            .collect::<Vec<_>>()
            .join("; ");
        Self {
            fields,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields", detail)
        }
    }

    /// `422` for one field.
    #[must_use]
    pub fn invalid_field(field: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError {
            field: field.to_owned(),
            message: message.into(),
        }])
    }

    /// `401`: nobody is logged in.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "log in, or send `Authorization: Bearer <token>`",
        )
    }

    /// `403`: the role does not allow it.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// `404`: there is no such thing.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("{what} does not exist"),
        )
    }

    /// `409`: the state does not allow it.
    #[must_use]
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// `412`: somebody else changed it meanwhile; the detail says who and what.
    #[must_use]
    pub fn changed_meanwhile(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "changed_meanwhile", detail)
    }

    /// `429` with the seconds to wait.
    #[must_use]
    pub fn too_many(detail: impl Into<String>, retry_after_s: u64) -> Self {
        Self {
            retry_after_s: Some(retry_after_s),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
        }
    }

    /// `503`: not now; for example the disk is full.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    /// `500`: our fault; the detail goes to the log and, short, to the caller.
    #[must_use]
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::error!(error.code = %self.code, "a request failed: {}", self.detail);
        }
        let body = ProblemDetails {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("error").to_owned(),
            status: self.status.as_u16(),
            code: self.code.to_string(),
            detail: self.detail.clone(),
            fields: self.fields.clone(),
        };
        let mut response = (self.status, Json(body)).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        if let Some(seconds) = self.retry_after_s {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}
