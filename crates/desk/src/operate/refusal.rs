//! What `problem` refuses, as an error of a page in the reader's language.

use axum::http::StatusCode;
use i18n::Lang;
use problem::ProblemError;
use web::ApiError;

/// The error of a page.
pub(crate) fn refused(lang: Lang) -> impl Fn(ProblemError) -> ApiError {
    move |error| {
        let text = error.to_string();
        match error {
            ProblemError::NotFound { .. } => {
                ApiError::new(StatusCode::NOT_FOUND, "not_found", text)
            }
            ProblemError::Closed(number) => ApiError::conflict(
                "closed",
                i18n::tf(lang, "problem.is_closed", &[("number", &number)]),
            ),
            ProblemError::Field { field, reason } => {
                ApiError::invalid_field(field, i18n::t(lang, reason))
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
