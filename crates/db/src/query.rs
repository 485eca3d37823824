//! What reading functions take, so that one function serves use cases, snapshots and lists.

use crate::BoxFuture;
use crate::engine::one;
use crate::error::Result;
use crate::row::Row;
use crate::sql::Sql;
use crate::value::Value;

/// Anything that can be asked: a [`Tx`](crate::Tx), a [`Reader`](crate::Reader) or a
/// [`Snapshot`](crate::Snapshot).
///
/// A slice writes `async fn load(from: &mut impl Query, id: CiId) -> Result<…>` once.
pub trait Query: Send {
    /// All rows of a statement.
    fn rows(&mut self, sql: Sql, values: Vec<Value>) -> BoxFuture<'_, Result<Vec<Row>>>;

    /// All rows of a query.
    ///
    /// # Errors
    /// When the database refuses it; a use case can then only be rolled back.
    fn fetch_all(
        &mut self,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> BoxFuture<'_, Result<Vec<Row>>>
    where
        Self: Sized,
    {
        self.rows(sql.into(), values)
    }

    /// The first row of a query.
    ///
    /// # Errors
    /// [`DbError::NoRow`](crate::DbError::NoRow) when there is none; see also [`Query::fetch_all`].
    fn fetch_one(&mut self, sql: impl Into<Sql>, values: Vec<Value>) -> BoxFuture<'_, Result<Row>>
    where
        Self: Sized,
    {
        let sql = sql.into();
        Box::pin(async move { one(self.rows(sql.clone(), values).await?, &sql) })
    }

    /// The first row of a query, or nothing.
    ///
    /// # Errors
    /// See [`Query::fetch_all`].
    fn fetch_opt(
        &mut self,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> BoxFuture<'_, Result<Option<Row>>>
    where
        Self: Sized,
    {
        let sql = sql.into();
        Box::pin(async move { Ok(self.rows(sql, values).await?.into_iter().next()) })
    }
}
