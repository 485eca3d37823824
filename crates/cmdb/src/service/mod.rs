//! Use cases of configuration items: hosts and discoveries.

mod discover;
mod hosts;

use db::Db;
use stdx::Env;

/// The use cases, on one records store.
#[derive(Clone, Debug)]
pub struct Cmdb {
    pub(crate) db: Db,
    pub(crate) env: Env,
}

impl Cmdb {
    /// The use cases on `db`.
    #[must_use]
    pub const fn new(db: Db, env: Env) -> Self {
        Self { db, env }
    }
}
