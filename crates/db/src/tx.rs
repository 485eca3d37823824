//! A transaction as a use case sees it: statements, change rows, audit, numbers, hints.

use std::sync::Arc;

use stdx::Env;

use crate::BoxFuture;
use crate::engine::Conn;
use crate::error::{DbError, Result, is_collision};
use crate::hint::Hints;
use crate::query::Query;
use crate::row::Row;
use crate::serial::Serial;
use crate::sql::Sql;
use crate::value::Value;

/// Which database is behind the store; for the `jobs` crate, which alone may fork by it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL or what speaks its protocol.
    Postgres,
}

/// What every handle of one store shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) env: Env,
    pub(crate) dialect: Dialect,
    pub(crate) hints: Arc<Hints>,
    pub(crate) serial: Serial,
}

/// One use case's view of the store: all of it is kept or none.
///
/// After a failed statement nothing more can be done but give up; this is so on both databases.
pub struct Tx {
    pub(crate) conn: Conn,
    pub(crate) shared: Arc<Shared>,
    now_ms: i64,
    failed: Option<DbError>,
    hints: Vec<String>,
}

impl Tx {
    pub(crate) fn new(conn: Conn, shared: Arc<Shared>) -> Self {
        let now_ms = shared.env.clock.now_ms();
        Self {
            conn,
            shared,
            now_ms,
            failed: None,
            hints: Vec::new(),
        }
    }

    /// The time of this use case, in UTC milliseconds: the same for every row it writes.
    #[must_use]
    pub const fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// The clock and the randomness of the store, e.g. for new ids.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.shared.env
    }

    /// Which database this is; for the `jobs` crate alone.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.shared.dialect
    }

    /// Runs a statement and returns how many rows it touched.
    ///
    /// # Errors
    /// When the database refuses it; the use case can then only be rolled back.
    pub fn execute(
        &mut self,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> BoxFuture<'_, Result<u64>> {
        let sql = sql.into();
        Box::pin(async move {
            self.alive()?;
            let done = self.conn.execute(&sql, values).await;
            self.noted(done)
        })
    }

    /// Tells whoever waits for `topic`, in this process and on other servers, once this use case is
    /// committed.
    pub fn hint(&mut self, topic: &str) {
        if !self.hints.iter().any(|known| known == topic) {
            self.hints.push(topic.to_owned());
        }
    }

    /// A new 128-bit id that sorts after every id made before in this process.
    #[must_use]
    pub fn new_bits(&self) -> u128 {
        self.shared.serial.next(&self.shared.env)
    }

    /// Why the use case can only be rolled back, if it can.
    pub(crate) const fn failed(&self) -> Option<&DbError> {
        self.failed.as_ref()
    }

    /// Whether it collided with another one and may be tried again.
    pub(crate) fn collided(&self) -> bool {
        self.failed.as_ref().is_some_and(is_collision)
    }

    /// Gives back the connection and the topics to hint at.
    pub(crate) fn into_parts(self) -> (Conn, Vec<String>) {
        (self.conn, self.hints)
    }

    /// The topics to hint at after commit.
    pub(crate) fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }

    const fn alive(&self) -> Result<()> {
        if self.failed.is_some() {
            Err(DbError::Aborted)
        } else {
            Ok(())
        }
    }

    fn noted<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }
}

impl Query for Tx {
    fn rows(&mut self, sql: Sql, values: Vec<Value>) -> BoxFuture<'_, Result<Vec<Row>>> {
        Box::pin(async move {
            self.alive()?;
            let rows = self.conn.fetch(&sql, values).await;
            self.noted(rows)
        })
    }
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx")
            .field("dialect", &self.shared.dialect)
            .finish_non_exhaustive()
    }
}
