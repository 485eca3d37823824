//! The records of this slice: users, sessions, tokens.

use model::{Lang, SessionId, TokenId, UserId};
use web::Role;

/// An account of a person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// What is typed at log-in; lower case.
    pub login: String,
    /// The name on screens.
    pub display: String,
    /// What the person may do.
    pub role: Role,
    /// The language; none follows the browser.
    pub lang: Option<Lang>,
    /// The IANA time zone; none is the server's.
    pub time_zone: Option<String>,
    /// The password must be changed at the next log-in.
    pub must_change: bool,
    /// Since when it is disabled, UTC milliseconds.
    pub disabled_ms: Option<i64>,
    /// When it was made, UTC milliseconds.
    pub created_ms: i64,
    /// The version, for `If-Match`.
    pub version: i64,
}

/// What is needed for a new account.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// 2 to 64 of a-z, 0-9, `.`, `_`, `-`, `@`.
    pub login: String,
    /// The name on screens; the log-in name when empty.
    pub display: String,
    /// What the person may do.
    pub role: Role,
    /// The language.
    pub lang: Option<Lang>,
    /// The IANA time zone.
    pub time_zone: Option<String>,
}

/// What may be changed of an account; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// The name on screens.
    pub display: Option<String>,
    /// What the person may do.
    pub role: Option<Role>,
    /// The language; `Some(None)` follows the browser.
    pub lang: Option<Option<Lang>>,
    /// The time zone; `Some(None)` is the server's.
    pub time_zone: Option<Option<String>>,
    /// Disabled or not.
    pub disabled: Option<bool>,
}

/// A logged-in browser.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// When it began, UTC milliseconds.
    pub created_ms: i64,
    /// When it was last used, within a minute.
    pub seen_ms: i64,
    /// When it ends by itself.
    pub expires_ms: i64,
    /// Where it came from.
    pub peer: String,
    /// What browser.
    pub agent: String,
}

/// An API token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// Whose.
    pub user: UserId,
    /// The owner's log-in name.
    pub login: String,
    /// What it is for.
    pub label: String,
    /// What it may do, at most what its owner may.
    pub role: Role,
    /// When it was made, UTC milliseconds.
    pub created_ms: i64,
    /// When it ends.
    pub expires_ms: i64,
    /// When it was last used, within a minute.
    pub used_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
}
