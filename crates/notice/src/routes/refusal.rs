//! What this slice refuses, as errors of the API in the caller's language.

use axum::http::StatusCode;
use i18n::{Lang, t};
use web::ApiError;

use crate::NoticeError;

/// The answer to a refused request; reasons of fields are put into words.
pub(super) fn refusal(lang: Lang) -> impl Fn(NoticeError) -> ApiError {
    move |error| {
        let text = error.to_string();
        match error {
            NoticeError::NotFound { .. } => ApiError::new(StatusCode::NOT_FOUND, "not_found", text),
            NoticeError::Field { field, reason } => ApiError::invalid_field(field, t(lang, reason)),
            NoticeError::Version { .. } => ApiError::changed_meanwhile(text),
            NoticeError::NotDelivered(_) => {
                ApiError::new(StatusCode::BAD_GATEWAY, "not_delivered", text)
            }
            NoticeError::Db(error) if error.is_disk_full() => {
                ApiError::unavailable(error.to_string())
            }
            NoticeError::Sealed(_) | NoticeError::Db(_) | NoticeError::Message(_) => {
                ApiError::internal(text)
            }
        }
    }
}

/// The same for a request with settings of this kind: their fields are named as they stand there.
pub(super) fn settings_refusal(lang: Lang, kind: &str) -> impl Fn(NoticeError) -> ApiError {
    let fields = notify::by_kind(kind)
        .map(|kind| kind.fields())
        .unwrap_or_default();
    move |error| {
        let mut refused = refusal(lang)(error);
        for wrong in &mut refused.fields {
            if fields.iter().any(|field| field.key == wrong.field.as_str()) {
                wrong.field.insert_str(0, "settings.");
            }
        }
        refused
    }
}
