//! What recovery scripts refuse, and how the API says it.

use db::DbError;
use model::limits;
use web::ApiError;

/// Why something about scripts was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RemedyError {
    /// There is no such thing.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// A field is wrong.
    #[error("{field}: {message}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// What to do.
        message: String,
    },
    /// The name is taken.
    #[error("a script named `{0}` exists already")]
    NameTaken(String),
    /// Somebody else changed it meanwhile.
    #[error(
        "`{name}` was changed meanwhile by {by} (version {found}, you saw {seen}): load it again"
    )]
    ChangedMeanwhile {
        /// Which script.
        name: String,
        /// Who changed it.
        by: String,
        /// The version in the store.
        found: i64,
        /// The version the caller saw.
        seen: i64,
    },
    /// A message could not be written.
    #[error("the message cannot be written: {0}")]
    Message(String),
    /// The records store failed.
    #[error("the records store failed")]
    Db(#[from] DbError),
}

impl RemedyError {
    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            message: message.into(),
        }
    }

    pub(crate) fn too_long(field: &'static str) -> Self {
        let limit = limits::RUN_TIME_MS_MAX / 60_000;
        Self::invalid(
            field,
            format!("must lie between 1 second and {limit} minutes"),
        )
    }
}

impl From<RemedyError> for ApiError {
    fn from(error: RemedyError) -> Self {
        let text = error.to_string();
        match error {
            RemedyError::NotFound(what) => Self::not_found(what),
            RemedyError::Invalid { field, message } => Self::invalid_field(field, message),
            RemedyError::NameTaken(_) => Self::conflict("name_taken", text),
            RemedyError::ChangedMeanwhile { .. } => Self::changed_meanwhile(text),
            RemedyError::Db(error) if error.is_disk_full() => Self::unavailable(error.to_string()),
            RemedyError::Db(error) => Self::internal(error.to_string()),
            RemedyError::Message(_) => Self::internal(text),
        }
    }
}
