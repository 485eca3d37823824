//! Use cases of accounts: one file each for logging in, users and tokens.

mod login;
mod tokens;
mod users;

use db::Db;
use stdx::Env;

pub(crate) use login::Attempts;
pub use login::LoggedIn;
pub use tokens::NewToken;

/// The use cases, on one records store.
#[derive(Clone, Debug)]
pub struct Accounts {
    pub(crate) db: Db,
    pub(crate) env: Env,
}

impl Accounts {
    /// The use cases on `db`.
    #[must_use]
    pub const fn new(db: Db, env: Env) -> Self {
        Self { db, env }
    }
}
