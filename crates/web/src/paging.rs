//! Pages of lists, and the version of a record as an `ETag`.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::limits;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{ApiError, Json};

/// One page of a list and the cursor of the next.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Hand this back as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// All rows of a list that is never long.
    #[must_use]
    pub fn whole(items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().collect();
        Self { items, next: None }
    }

    /// The page that rows of a store make, of which one more than `limit` was asked for: that one
    /// tells whether there is a next page and is left out.
    #[must_use]
    pub fn cut<R>(
        mut rows: Vec<R>,
        limit: usize,
        cursor: impl Fn(&R) -> String,
        body: impl FnMut(R) -> T,
    ) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(cursor);
        let items = rows.into_iter().map(body).collect();
        Self { items, next }
    }
}

/// How many rows a page has: as many as were asked for within the limit, else 100.
#[must_use]
pub fn page_rows(asked: Option<usize>) -> usize {
    asked.unwrap_or(100).clamp(1, limits::PAGE_ROWS_MAX)
}

/// The version of a record: sent as `ETag`, required as `If-Match`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Etag(pub i64);

impl Etag {
    /// The header's value, `"<version>"`.
    #[must_use]
    pub fn header(self) -> HeaderValue {
        HeaderValue::from_str(&format!("\"{}\"", self.0))
            .unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
    }

    /// An answer with the record in it and this version as its `ETag`.
    pub fn on(self, body: impl Serialize) -> Response {
        ([(header::ETAG, self.header())], Json(body)).into_response()
    }

    /// The version that the caller saw, which must be said; none for `If-Match: *`, which overwrites
    /// whatever is there.
    ///
    /// # Errors
    /// `428` without the header, `400` when it is not one of ours.
    pub fn required(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        if !headers.contains_key(header::IF_MATCH) {
            return Err(ApiError::new(
                StatusCode::PRECONDITION_REQUIRED,
                "if_match_required",
                "send the ETag that you saw as If-Match, or `*` to overwrite whatever is there",
            ));
        }
        Self::if_match(headers)
    }

    /// The version that the caller saw, from `If-Match`; none when the header is absent or `*`.
    ///
    /// # Errors
    /// `400` when the header is not one of ours.
    pub fn if_match(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let Some(value) = headers.get(header::IF_MATCH) else {
            return Ok(None);
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(None);
        }
        text.trim_matches('"')
            .parse()
            .map(|version| Some(Self(version)))
            .map_err(|_| {
                ApiError::bad_request(
                    "bad_if_match",
                    "If-Match must be the ETag of an earlier answer",
                )
            })
    }
}
