//! What can be wrong with a request to this slice, in words for whoever asked.

use db::DbError;

/// Why a use case did nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoticeError {
    /// There is no such record.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// The kind of record.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// A field is wrong; `reason` is a catalogue key.
    #[error("field `{field}`: {reason}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// A catalogue key, e.g. `notice.check.name`.
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
    /// Sealed settings cannot be opened: another key, or they were tampered with.
    #[error("the settings of channel `{0}` cannot be opened with this installation's key")]
    Sealed(String),
    /// A test message did not arrive.
    #[error("the test was not delivered: {0}")]
    NotDelivered(String),
    /// The records store failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A message cannot be read or written.
    #[error("a message cannot be read or written: {0}")]
    Message(String),
}

/// The result of every use case here.
pub type Result<T> = std::result::Result<T, NoticeError>;
