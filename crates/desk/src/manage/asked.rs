//! What a browser sends: the view of a list, the answers of a form.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use ui::{FormValues, ListQuery};
use web::ApiError;

type Pairs = Vec<(String, String)>;

/// The query string as a list's view.
pub(crate) struct Asked(pub(crate) ListQuery);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = axum::extract::Query::<Pairs>::from_request_parts(parts, state).await;
        let pairs = read.map_err(|error| ApiError::bad_request("bad_query", error.body_text()))?;
        Ok(Self(ListQuery::new(pairs.0)))
    }
}

/// A form as it was sent.
pub(crate) struct Sent(pub(crate) FormValues);

impl Sent {
    /// The record's version that the sender saw.
    pub(crate) fn revision(&self) -> i64 {
        self.0.get("revision").parse().unwrap_or(0)
    }

    /// The ids of the picked rows.
    ///
    /// # Errors
    /// When one is no id of this kind.
    pub(crate) fn ids<T: std::str::FromStr>(&self, what: &str) -> Result<Vec<T>, ApiError> {
        let ids = self.0.all("id").iter();
        ids.map(|id| web::path_id(id, what)).collect()
    }
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let read = axum::Form::<Pairs>::from_request(request, state).await;
        let pairs = read.map_err(|error| ApiError::bad_request("bad_form", error.body_text()))?;
        Ok(Self(FormValues::from_pairs(pairs.0)))
    }
}
