//! What the CMDB refuses, and how the API says it.

use db::DbError;
use web::ApiError;

/// Why something about configuration items was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CmdbError {
    /// There is no such thing.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// The name is malformed.
    #[error("host name `{0}` must be 1 to 253 letters, digits, `.`, `_` or `-`")]
    BadName(String),
    /// The name is taken.
    #[error("host name `{0}` is taken")]
    NameTaken(String),
    /// A label breaks the grammar.
    #[error("label `{0}`: names are [a-zA-Z_][a-zA-Z0-9_]*, values 1 to 200 characters")]
    BadLabel(String),
    /// Ignoring needs a reason.
    #[error("say why `{0}` is ignored")]
    NoReason(String),
    /// Somebody else changed it meanwhile.
    #[error("`{name}` was changed meanwhile (version {found}, you saw {seen}): load it again")]
    ChangedMeanwhile {
        /// Which host.
        name: String,
        /// The version in the store.
        found: i64,
        /// The version the caller saw.
        seen: i64,
    },
    /// The records store failed.
    #[error("the records store failed")]
    Db(#[from] DbError),
}

impl From<CmdbError> for ApiError {
    fn from(error: CmdbError) -> Self {
        let text = error.to_string();
        match error {
            CmdbError::NotFound(what) => Self::not_found(what),
            CmdbError::BadName(_) => Self::invalid_field("name", text),
            CmdbError::NameTaken(_) => Self::conflict("name_taken", text),
            CmdbError::BadLabel(_) => Self::invalid_field("labels", text),
            CmdbError::NoReason(_) => Self::invalid_field("why", text),
            CmdbError::ChangedMeanwhile { .. } => Self::changed_meanwhile(text),
            CmdbError::Db(error) if error.is_disk_full() => Self::unavailable(error.to_string()),
            CmdbError::Db(error) => Self::internal(error.to_string()),
        }
    }
}
