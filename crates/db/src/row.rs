//! One row of a result, read by column name with errors that name column and statement.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use crate::{DbError, Result, Value};

/// The names of a result's columns and the statement they came from; shared by its rows.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) names: Vec<String>,
    pub(crate) sql: String,
}

/// One row of a result.
#[derive(Clone, Debug)]
pub struct Row {
    columns: Arc<Columns>,
    values: Vec<Value>,
}

impl Row {
    pub(crate) const fn new(columns: Arc<Columns>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// The value of a column.
    ///
    /// # Errors
    /// When the result has no such column.
    pub fn get(&self, column: &str) -> Result<&Value> {
        let at = self.columns.names.iter().position(|name| name == column);
        at.and_then(|at| self.values.get(at))
            .ok_or_else(|| self.wrong(column, "is not in the result"))
    }

    /// A whole number.
    ///
    /// # Errors
    /// When the column is missing, null or no whole number; so for all that follow.
    pub fn int(&self, column: &str) -> Result<i64> {
        self.opt_int(column)?
            .ok_or_else(|| self.wrong(column, "is null"))
    }

    /// A whole number or nothing.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn opt_int(&self, column: &str) -> Result<Option<i64>> {
        match self.get(column)? {
            Value::Int(value) => Ok(Some(*value)),
            Value::Null(_) => Ok(None),
            Value::Real(_) | Value::Text(_) => Err(self.wrong(column, "is no whole number")),
        }
    }

    /// A number.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn real(&self, column: &str) -> Result<f64> {
        self.opt_real(column)?
            .ok_or_else(|| self.wrong(column, "is null"))
    }

    /// A number or nothing.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn opt_real(&self, column: &str) -> Result<Option<f64>> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "asked for as a floating-point number"
        )]
        match self.get(column)? {
            Value::Real(value) => Ok(Some(*value)),
            Value::Int(value) => Ok(Some(*value as f64)),
            Value::Null(_) => Ok(None),
            Value::Text(_) => Err(self.wrong(column, "is no number")),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn text(&self, column: &str) -> Result<String> {
        self.str(column).map(str::to_owned)
    }

    /// A text, borrowed from the row.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn str(&self, column: &str) -> Result<&str> {
        self.opt_str(column)?
            .ok_or_else(|| self.wrong(column, "is null"))
    }

    /// A text or nothing.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn opt_text(&self, column: &str) -> Result<Option<String>> {
        Ok(self.opt_str(column)?.map(str::to_owned))
    }

    /// A text or nothing, borrowed from the row.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn opt_str(&self, column: &str) -> Result<Option<&str>> {
        match self.get(column)? {
            Value::Text(value) => Ok(Some(value)),
            Value::Null(_) => Ok(None),
            Value::Int(_) | Value::Real(_) => Err(self.wrong(column, "is no text")),
        }
    }

    /// A bool, stored as 0 or 1.
    ///
    /// # Errors
    /// When it is neither; see also [`Row::int`].
    pub fn bool(&self, column: &str) -> Result<bool> {
        match self.int(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.wrong(column, "is neither 0 nor 1")),
        }
    }

    /// A typed id, or anything else that is read from its text.
    ///
    /// # Errors
    /// When the text is refused; see also [`Row::int`].
    pub fn id<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T> {
        self.opt_id(column)?
            .ok_or_else(|| self.wrong(column, "is null"))
    }

    /// A typed id or nothing.
    ///
    /// # Errors
    /// See [`Row::id`].
    pub fn opt_id<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>> {
        let Some(text) = self.opt_str(column)? else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|why| self.wrong(column, &format!("is wrong: {why}")))
    }

    /// A value told in JSON.
    ///
    /// # Errors
    /// When the text is no JSON of that shape; see also [`Row::int`].
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        self.opt_json(column)?
            .ok_or_else(|| self.wrong(column, "is null"))
    }

    /// A value told in JSON, or nothing.
    ///
    /// # Errors
    /// See [`Row::json`].
    pub fn opt_json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        let Some(text) = self.opt_str(column)? else {
            return Ok(None);
        };
        serde_json::from_str(text)
            .map(Some)
            .map_err(|why| self.wrong(column, &format!("is wrong: {why}")))
    }

    /// A whole number that fits a narrower type, such as a `u32` port.
    ///
    /// # Errors
    /// When it does not fit; see also [`Row::int`].
    pub fn number<T: TryFrom<i64>>(&self, column: &str) -> Result<T> {
        T::try_from(self.int(column)?).map_err(|_| self.wrong(column, "is out of range"))
    }

    /// The error of a slice that finds a column's value impossible.
    #[must_use]
    pub fn wrong(&self, column: &str, what: &str) -> DbError {
        DbError::Column {
            column: column.to_owned(),
            what: what.to_owned(),
            sql: self.columns.sql.clone(),
        }
    }

    /// The columns' names and values, in the statement's order.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.columns
            .names
            .iter()
            .map(String::as_str)
            .zip(&self.values)
    }
}
