//! What can be wrong with a request to this slice, in words for whoever asked.

use db::DbError;

/// Why a use case did nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProblemError {
    /// There is no such record.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// The kind of record.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// The problem is over.
    #[error("{0} is closed")]
    Closed(String),
    /// A field is wrong; `reason` is a catalogue key.
    #[error("field `{field}`: {reason}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// A catalogue key, e.g. `problem.check.reason`.
        reason: &'static str,
    },
    /// Somebody else changed the record meanwhile.
    #[error("the record was changed by somebody else: it is version {now}, the edit was of {of}")]
    Version {
        /// The version in the store.
        now: i64,
        /// The version that was edited.
        of: i64,
    },
    /// The page cursor is of another list.
    #[error(transparent)]
    Cursor(#[from] db::CursorError),
    /// The records store failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A message could not be written.
    #[error("a message cannot be written: {0}")]
    Message(String),
}

/// The result of every use case here.
pub type Result<T> = std::result::Result<T, ProblemError>;
