//! Statements on SQLite: values in, rows out.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{
    Arguments as _, Column as _, ConnectOptions as _, Decode, Executor, Row as _, Sqlite,
    SqliteConnection, TypeInfo as _, ValueRef as _,
};

use crate::error::{DbError, shortened};
use crate::limits::{BUSY_MS_MAX, STATEMENTS_PER_CONNECTION_MAX};
use crate::row::{Columns, Row};
use crate::sql::Sql;
use crate::value::{Kind, Value};

/// How connections to the file at `path` are made.
pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_millis(BUSY_MS_MAX))
        .statement_cache_capacity(STATEMENTS_PER_CONNECTION_MAX)
        .pragma("temp_store", "MEMORY")
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging()
}

/// Runs a statement for its effect.
pub(crate) async fn execute(
    conn: &mut SqliteConnection,
    sql: &Sql,
    values: Vec<Value>,
) -> Result<u64, DbError> {
    let query = (sql.to_sqlx(), Some(arguments(sql, values)?));
    let done = conn
        .execute(query)
        .await
        .map_err(|error| DbError::statement(sql, error))?;
    Ok(done.rows_affected())
}

/// Runs a statement for its rows.
pub(crate) async fn fetch<'c, E>(
    executor: E,
    sql: &Sql,
    values: Vec<Value>,
) -> Result<Vec<Row>, DbError>
where
    E: Executor<'c, Database = Sqlite>,
{
    let query = (sql.to_sqlx(), Some(arguments(sql, values)?));
    let rows = executor
        .fetch_all(query)
        .await
        .map_err(|error| DbError::statement(sql, error))?;
    let Some(first) = rows.first() else {
        return Ok(Vec::new());
    };
    let names = first
        .columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    let columns = Arc::new(Columns {
        names,
        sql: shortened(sql.as_str()),
    });
    rows.iter()
        .map(|row| Ok(Row::new(columns.clone(), decode(row, &columns)?)))
        .collect()
}

fn arguments(sql: &Sql, values: Vec<Value>) -> Result<SqliteArguments, DbError> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match value {
            Value::Int(value) => arguments.add(value),
            Value::Real(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Null(_) => arguments.add(None::<i64>),
        };
        added.map_err(|error| DbError::statement(sql, sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}

fn decode(row: &SqliteRow, columns: &Columns) -> Result<Vec<Value>, DbError> {
    let one = |at: usize| {
        let raw = row.try_get_raw(at)?;
        if raw.is_null() {
            return Ok(Value::NULL);
        }
        let kind = match raw.type_info().name() {
            "INTEGER" | "BOOLEAN" => Kind::Int,
            "REAL" => Kind::Real,
            "TEXT" => Kind::Text,
            _ => Kind::Unknown,
        };
        let value = match kind {
            Kind::Int => <i64 as Decode<'_, Sqlite>>::decode(raw).map(Value::Int),
            Kind::Real => <f64 as Decode<'_, Sqlite>>::decode(raw).map(Value::Real),
            Kind::Text => <String as Decode<'_, Sqlite>>::decode(raw).map(Value::Text),
            Kind::Unknown => Err("has a type that this store does not use".into()),
        };
        value.map_err(sqlx::Error::Decode)
    };
    let wrong = |at: usize, error: sqlx::Error| DbError::Column {
        column: columns.names.get(at).cloned().unwrap_or_default(),
        what: error.to_string(),
        sql: columns.sql.clone(),
    };
    (0..row.len())
        .map(|at| one(at).map_err(|error| wrong(at, error)))
        .collect()
}
