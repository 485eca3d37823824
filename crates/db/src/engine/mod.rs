//! The two databases behind one way of asking: [`Conn`] runs a statement on either.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use sqlx::{Postgres, Sqlite, SqliteConnection, Transaction};

use crate::error::DbError;
use crate::row::Row;
use crate::sql::Sql;
use crate::value::Value;

/// An open connection that statements run on one after the other.
pub(crate) enum Conn {
    /// SQLite's one writer; its transaction is the writer's business.
    Writer(SqliteConnection),
    /// A snapshot of SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// A transaction or a snapshot of PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

impl Conn {
    /// Runs a statement and returns how many rows it touched.
    pub(crate) async fn execute(&mut self, sql: &Sql, values: Vec<Value>) -> Result<u64, DbError> {
        check(sql, &values)?;
        match self {
            Self::Writer(conn) => sqlite::execute(conn, sql, values).await,
            Self::Sqlite(tx) => sqlite::execute(tx, sql, values).await,
            Self::Postgres(tx) => postgres::execute(&mut **tx, sql, values).await,
        }
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn fetch(
        &mut self,
        sql: &Sql,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, DbError> {
        check(sql, &values)?;
        match self {
            Self::Writer(conn) => sqlite::fetch(&mut *conn, sql, values).await,
            Self::Sqlite(tx) => sqlite::fetch(&mut **tx, sql, values).await,
            Self::Postgres(tx) => postgres::fetch(&mut **tx, sql, values).await,
        }
    }
}

/// SQLite would take a missing value for NULL: both databases refuse it here, alike.
pub(crate) fn check(sql: &Sql, values: &[Value]) -> Result<(), DbError> {
    let (wanted, given) = (sql.wanted(), values.len());
    if wanted == given {
        return Ok(());
    }
    Err(DbError::Values {
        wanted,
        given,
        sql: crate::error::shortened(sql.as_str()),
    })
}

/// The first row, or the error that there is none.
pub(crate) fn one(rows: Vec<Row>, sql: &Sql) -> Result<Row, DbError> {
    rows.into_iter().next().ok_or_else(|| DbError::NoRow {
        sql: crate::error::shortened(sql.as_str()),
    })
}
