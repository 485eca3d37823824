//! Use cases of recovery scripts: writing, approving, binding, starting, switching off.

mod bindings;
mod runs;
mod scripts;

use db::Db;

pub use runs::ManualRun;
pub(crate) use runs::leave;
use stdx::Env;

/// The use cases, on one records store.
#[derive(Clone, Debug)]
pub struct Remedies {
    pub(crate) db: Db,
    pub(crate) env: Env,
}

impl Remedies {
    /// The use cases on `db`.
    #[must_use]
    pub const fn new(db: Db, env: Env) -> Self {
        Self { db, env }
    }
}
