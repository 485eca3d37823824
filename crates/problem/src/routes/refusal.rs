//! What this slice refuses, as errors of the API in the caller's language.

use axum::http::StatusCode;
use i18n::{Lang, t};
use web::ApiError;

use crate::ProblemError;

/// The answer to a refused request; reasons of fields are put into words.
pub(super) fn refusal(lang: Lang) -> impl Fn(ProblemError) -> ApiError {
    move |error| {
        let text = error.to_string();
        match error {
            ProblemError::NotFound { .. } => {
                ApiError::new(StatusCode::NOT_FOUND, "not_found", text)
            }
            ProblemError::Closed(_) => ApiError::conflict("closed", text),
            ProblemError::Field { field, reason } => {
                ApiError::invalid_field(field, t(lang, reason))
            }
            ProblemError::Version { .. } => ApiError::changed_meanwhile(text),
            ProblemError::Cursor(_) => ApiError::invalid_field("cursor", text),
            ProblemError::Db(error) if error.is_disk_full() => {
                ApiError::unavailable(error.to_string())
            }
            ProblemError::Db(_) | ProblemError::Message(_) => ApiError::internal(text),
        }
    }
}
