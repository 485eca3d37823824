//! Accounts of people: log-in, sessions, tokens, roles; who somebody is and what they may do.
//!
//! Owns the tables `account_*`. *Takes* requests of people. *Leaves* nothing but records and the two
//! answers that the gate needs: [`web::Authenticator`] and [`web::Authorizer`].
//!
//! Invariants: secrets are kept as hashes only (argon2id for passwords, blake3 for random secrets);
//! the last administrator can be neither disabled nor demoted; an account is disabled, never deleted;
//! failed log-ins slow down the name and the address they came from, and say the same whether the
//! name exists or not.

mod auth;
mod error;
mod password;
mod records;
mod routes;
mod secret;
mod service;
mod store;

pub use auth::Gatekeeper;
pub use error::AccountError;
pub use password::CHARS_MIN as PASSWORD_CHARS_MIN;
pub use records::{NewUser, Session, Token, User, UserChange};
pub use routes::routes;
pub use service::{Accounts, LoggedIn, NewToken};

/// The hint sent after somebody logged in.
pub const LOGGED_IN: &str = "account.logged-in";
