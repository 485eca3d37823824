//! What watching refuses, and how the API says it.

use db::DbError;
use judge::{CompileError, ValuesError};
use model::rule::RuleError;
use web::ApiError;

use crate::matching::MatchError;

/// Why something about rules, groups, overrides or watched things was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WatchError {
    /// There is no such thing.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// Somebody else changed it meanwhile.
    #[error("`{name}` was changed meanwhile (version {found}, you saw {seen}): load it again")]
    ChangedMeanwhile {
        /// What.
        name: String,
        /// The version in the store.
        found: i64,
        /// The version the caller saw.
        seen: i64,
    },
    /// The key or name is in use.
    #[error("`{0}` is taken")]
    Taken(String),
    /// A rule contradicts itself.
    #[error("rule `{key}`: {}", list(errors))]
    Rule {
        /// Its key.
        key: String,
        /// Everything that is wrong with it.
        errors: Vec<RuleError>,
    },
    /// A rule cannot be run.
    #[error("rule `{key}`: {error}")]
    Compile {
        /// Its key.
        key: String,
        /// Why.
        error: CompileError,
    },
    /// A selector cannot be run.
    #[error(transparent)]
    Selector(#[from] MatchError),
    /// An override does not fit its rule.
    #[error(transparent)]
    Values(#[from] ValuesError),
    /// A field is wrong; `field` is its path in the API and the form.
    #[error("{what}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What is wrong and what to do.
        what: String,
    },
    /// A rule's key is permanent.
    #[error("the key of a rule is permanent: `{0}` cannot become `{1}`")]
    KeyChanged(String, String),
    /// Only what ships can be put back.
    #[error("`{0}` did not ship with the product: there is nothing to go back to")]
    NotShipped(String),
    /// Defaults are switched off, not retired.
    #[error("`{0}` ships with the product: switch it off instead of retiring it")]
    Shipped(String),
    /// Something still needs it.
    #[error("`{name}` is still used by {users}")]
    InUse {
        /// What.
        name: String,
        /// By what.
        users: String,
    },
    /// More rows at once than allowed.
    #[error("{0} rows at once; the limit is {limit}", limit = model::limits::BULK_ROWS_MAX)]
    TooMany(usize),
    /// The records store failed.
    #[error("the records store failed")]
    Db(#[from] DbError),
}

fn list(errors: &[RuleError]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

impl From<WatchError> for ApiError {
    fn from(error: WatchError) -> Self {
        let text = error.to_string();
        match error {
            WatchError::NotFound(what) => Self::not_found(what),
            WatchError::ChangedMeanwhile { .. } => Self::changed_meanwhile(text),
            WatchError::Taken(_) => Self::conflict("taken", text),
            WatchError::Rule { .. } | WatchError::Compile { .. } => {
                Self::invalid_field("rule", text)
            }
            WatchError::Selector(_) => Self::invalid_field("selector", text),
            WatchError::Values(_) => Self::invalid_field("values", text),
            WatchError::Field { field, what } => Self::invalid_field(field, what),
            WatchError::KeyChanged(..) => Self::invalid_field("key", text),
            WatchError::NotShipped(_) => Self::conflict("not_shipped", text),
            WatchError::Shipped(_) => Self::conflict("shipped", text),
            WatchError::InUse { .. } => Self::conflict("in_use", text),
            WatchError::TooMany(_) => Self::invalid_field("ids", text),
            WatchError::Db(error) if error.is_disk_full() => Self::unavailable(error.to_string()),
            WatchError::Db(error) => Self::internal(error.to_string()),
        }
    }
}
