//! What accounts refuse, and how the API says it.

use axum::http::StatusCode;
use db::DbError;
use web::ApiError;

/// Why something about accounts was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccountError {
    /// Name or password is wrong; it does not say which.
    #[error("the name or the password is wrong")]
    WrongLogin,
    /// Too many failures.
    #[error("too many failed log-ins; try again in {wait_s} seconds")]
    Blocked {
        /// Seconds to wait.
        wait_s: u64,
    },
    /// A new password breaks a rule.
    #[error("{0}")]
    WeakPassword(&'static str),
    /// The name is malformed.
    #[error("log-in name `{0}` must be 2 to 64 of a-z, 0-9, `.`, `_`, `-` and `@`")]
    BadLogin(String),
    /// The name is taken.
    #[error("log-in name `{0}` is taken")]
    LoginTaken(String),
    /// The time zone is not known.
    #[error("`{0}` is no IANA time zone, such as `Asia/Seoul`")]
    BadTimeZone(String),
    /// There is no such thing.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// Nobody could administer any more.
    #[error("`{0}` is the last administrator: make somebody else administrator first")]
    LastAdministrator(String),
    /// Somebody else changed it meanwhile.
    #[error("`{login}` was changed meanwhile (version {found}, you saw {seen}): load it again")]
    ChangedMeanwhile {
        /// Which account.
        login: String,
        /// The version in the store.
        found: i64,
        /// The version the caller saw.
        seen: i64,
    },
    /// A token would live too long, not at all, or may more than its owner.
    #[error("{0}")]
    BadToken(&'static str),
    /// The password could not be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
    /// The records store failed.
    #[error("the records store failed")]
    Db(#[from] DbError),
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        let text = error.to_string();
        match error {
            AccountError::WrongLogin => Self::new(StatusCode::UNAUTHORIZED, "wrong_login", text),
            AccountError::Blocked { wait_s } => Self::too_many(text, wait_s),
            AccountError::WeakPassword(_) => Self::invalid_field("password", text),
            AccountError::BadLogin(_) => Self::invalid_field("login", text),
            AccountError::LoginTaken(_) => Self::conflict("login_taken", text),
            AccountError::BadTimeZone(_) => Self::invalid_field("time_zone", text),
            AccountError::NotFound(what) => Self::not_found(what),
            AccountError::LastAdministrator(_) => Self::conflict("last_administrator", text),
            AccountError::ChangedMeanwhile { .. } => Self::changed_meanwhile(text),
            AccountError::BadToken(_) => Self::bad_request("bad_token", text),
            AccountError::Hash(_) => Self::internal(text),
            AccountError::Db(error) if error.is_disk_full() => Self::unavailable(error.to_string()),
            AccountError::Db(error) => Self::internal(error.to_string()),
        }
    }
}
