//! The read side: single queries on a pool, and snapshots that see one moment.

use std::sync::Arc;

use sqlx::{PgPool, SqlitePool};

use crate::BoxFuture;
use crate::engine::{Conn, check, postgres, sqlite};
use crate::error::{DbError, Result};
use crate::open::{Db, Pool};
use crate::query::Query;
use crate::row::Row;
use crate::sql::Sql;
use crate::value::Value;

/// Runs single queries, each on what is committed at that moment; cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    pool: ReadPool,
}

#[derive(Clone, Debug)]
enum ReadPool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Query for Reader {
    fn rows(&mut self, sql: Sql, values: Vec<Value>) -> BoxFuture<'_, Result<Vec<Row>>> {
        Box::pin(async move {
            check(&sql, &values)?;
            match &self.pool {
                ReadPool::Sqlite(pool) => sqlite::fetch(pool, &sql, values).await,
                ReadPool::Postgres(pool) => postgres::fetch(pool, &sql, values).await,
            }
        })
    }
}

/// Several queries that see the store at one moment.
pub struct Snapshot {
    conn: Conn,
}

impl Query for Snapshot {
    fn rows(&mut self, sql: Sql, values: Vec<Value>) -> BoxFuture<'_, Result<Vec<Row>>> {
        Box::pin(async move { self.conn.fetch(&sql, values).await })
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Snapshot")
    }
}

impl Db {
    /// The read side for single queries.
    #[must_use]
    pub fn reader(&self) -> Reader {
        let pool = match &self.0.pool {
            Pool::Sqlite { readers, .. } => ReadPool::Sqlite(readers.clone()),
            Pool::Postgres(pool) => ReadPool::Postgres(pool.clone()),
        };
        Reader { pool }
    }

    /// Runs several queries on one moment of the store:
    /// `db.read(|at| Box::pin(async move { … })).await`.
    ///
    /// # Errors
    /// Those of the queries, and when no connection could be had.
    pub async fn read<T, E, F>(&self, queries: F) -> std::result::Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Snapshot) -> BoxFuture<'t, std::result::Result<T, E>> + Send,
        T: Send,
        E: From<DbError>,
    {
        let conn = self.snapshot().await?;
        // Dropping the transaction rolls it back, which ends a snapshot.
        queries(&mut Snapshot { conn }).await
    }

    async fn snapshot(&self) -> Result<Conn> {
        const SQLITE: &str = "BEGIN DEFERRED";
        const POSTGRES: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let refused = |error| DbError::statement_text("BEGIN", error);
        match &self.0.pool {
            Pool::Sqlite { readers, .. } => readers
                .begin_with(SQLITE)
                .await
                .map(Conn::Sqlite)
                .map_err(refused),
            Pool::Postgres(pool) => pool
                .begin_with(POSTGRES)
                .await
                .map(Conn::Postgres)
                .map_err(refused),
        }
    }

    pub(crate) fn shared(&self) -> Arc<crate::tx::Shared> {
        self.0.shared.clone()
    }
}
