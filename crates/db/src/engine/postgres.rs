//! Statements on PostgreSQL: values in, rows out.

use std::sync::Arc;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgConnectOptions, PgRow, PgTypeInfo};
use sqlx::{
    Arguments as _, AssertSqlSafe, Column as _, ConnectOptions as _, Decode, Encode, Executor,
    Postgres, Row as _, SqlSafeStr as _, SqlStr, Type, TypeInfo as _, ValueRef as _,
};

use crate::error::{DbError, shortened};
use crate::limits::STATEMENTS_PER_CONNECTION_MAX;
use crate::row::{Columns, Row};
use crate::sql::Sql;
use crate::value::{Kind, Value};

/// How connections to the server at `url` are made.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    Ok(url
        .parse::<PgConnectOptions>()?
        .application_name("bongsu")
        .statement_cache_capacity(STATEMENTS_PER_CONNECTION_MAX)
        .disable_statement_logging())
}

/// Runs a statement for its effect.
pub(crate) async fn execute<'c, E>(
    executor: E,
    sql: &Sql,
    values: Vec<Value>,
) -> Result<u64, DbError>
where
    E: Executor<'c, Database = Postgres>,
{
    let query = (tagged(sql, &values), Some(arguments(sql, values)?));
    let done = executor
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
    E: Executor<'c, Database = Postgres>,
{
    let query = (tagged(sql, &values), Some(arguments(sql, values)?));
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

/// The statement with its values' kinds behind it. A prepared statement fixes the types of its
/// parameters, and the driver finds prepared statements by text alone: the same text with a real
/// where an integer was before must be another statement.
fn tagged(sql: &Sql, values: &[Value]) -> SqlStr {
    if values.is_empty() {
        return sql.to_sqlx();
    }
    let mut text = String::with_capacity(sql.as_str().len() + values.len() + 6);
    text.push_str(sql.as_str());
    text.push_str("\n--");
    text.extend(values.iter().map(|value| match value {
        Value::Int(_) | Value::Null(Kind::Int) => 'i',
        Value::Real(_) | Value::Null(Kind::Real) => 'r',
        Value::Text(_) | Value::Null(Kind::Text) => 't',
        Value::Null(Kind::Unknown) => '?',
    }));
    AssertSqlSafe(text).into_sql_str()
}

fn arguments(sql: &Sql, values: Vec<Value>) -> Result<PgArguments, DbError> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Int(value) => arguments.add(value),
            Value::Real(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Null(Kind::Int) => arguments.add(None::<i64>),
            Value::Null(Kind::Real) => arguments.add(None::<f64>),
            Value::Null(Kind::Text) => arguments.add(None::<String>),
            Value::Null(Kind::Unknown) => arguments.add(UntypedNull),
        };
        added.map_err(|error| DbError::statement(sql, sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}

/// A null whose type the server finds out from the statement.
struct UntypedNull;

impl Type<Postgres> for UntypedNull {
    fn type_info() -> PgTypeInfo {
        // OID 0 in the protocol's Parse message: "unspecified".
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for UntypedNull {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

fn decode(row: &PgRow, columns: &Columns) -> Result<Vec<Value>, DbError> {
    let wrong = |at: usize, error: sqlx::Error| DbError::Column {
        column: columns.names.get(at).cloned().unwrap_or_default(),
        what: error.to_string(),
        sql: columns.sql.clone(),
    };
    (0..row.len())
        .map(|at| decode_one(row, at).map_err(|error| wrong(at, error)))
        .collect()
}

fn decode_one(row: &PgRow, at: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::NULL);
    }
    let name = raw.type_info().name().to_owned();
    let value = match name.as_str() {
        "INT8" => <i64 as Decode<'_, Postgres>>::decode(raw).map(Value::Int),
        "INT4" => <i32 as Decode<'_, Postgres>>::decode(raw).map(|value| Value::Int(value.into())),
        "INT2" => <i16 as Decode<'_, Postgres>>::decode(raw).map(|value| Value::Int(value.into())),
        "BOOL" => <bool as Decode<'_, Postgres>>::decode(raw).map(|value| Value::Int(value.into())),
        "FLOAT8" => <f64 as Decode<'_, Postgres>>::decode(raw).map(Value::Real),
        "FLOAT4" => <f32 as Decode<'_, Postgres>>::decode(raw).map(|v| Value::Real(v.into())),
        "TEXT" | "VARCHAR" | "NAME" | "CHAR" | "UNKNOWN" => {
            <String as Decode<'_, Postgres>>::decode(raw).map(Value::Text)
        }
        "VOID" => Ok(Value::NULL),
        "NUMERIC" => Err("is NUMERIC: write CAST(sum(…) AS BIGINT)".into()),
        other => {
            Err(format!("is {other}: this store uses BIGINT, DOUBLE PRECISION and TEXT").into())
        }
    };
    value.map_err(sqlx::Error::Decode)
}
