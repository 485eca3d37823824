//! What goes wrong here, as errors of the API.

use axum::http::StatusCode;
use db::DbError;
use web::ApiError;

use crate::NotReached;

/// The records store failed.
pub(super) fn broken(error: DbError) -> ApiError {
    if error.is_disk_full() {
        return ApiError::unavailable(error.to_string());
    }
    ApiError::internal(error.to_string())
}

impl From<NotReached> for ApiError {
    fn from(error: NotReached) -> Self {
        let text = error.to_string();
        match error {
            NotReached::NotConnected => Self::conflict("agent_not_connected", text),
            NotReached::Silent(_) => Self::new(StatusCode::GATEWAY_TIMEOUT, "agent_silent", text),
            NotReached::Refused(_) => Self::new(StatusCode::BAD_GATEWAY, "agent_refused", text),
        }
    }
}
