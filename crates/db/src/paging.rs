//! Keyset paging: pages that neither skip nor repeat a row while rows come and go.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::row::Row;
use crate::sql::Sql;
use crate::value::{Kind, Value};

/// Which way a list runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// The smallest first.
    Ascending,
    /// The greatest first.
    Descending,
}

/// A cursor text that this list did not give out.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the page cursor does not belong to this list: begin again from the first page")]
pub struct CursorError;

/// The place behind the last row of a page; opaque to clients.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor(Vec<Value>);

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Wire {
    Int(i64),
    Real(f64),
    Text(String),
}

impl Cursor {
    /// The cursor as a text that is safe in URLs.
    #[must_use]
    pub fn encode(&self) -> String {
        let wire = self.0.iter().filter_map(|value| match value {
            Value::Int(value) => Some(Wire::Int(*value)),
            Value::Real(value) => Some(Wire::Real(*value)),
            Value::Text(value) => Some(Wire::Text(value.clone())),
            Value::Null(_) => None,
        });
        let json = serde_json::to_vec(&wire.collect::<Vec<_>>()).unwrap_or_default();
        json.iter().fold(String::new(), |mut text, byte| {
            text.extend(
                [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16).unwrap_or('0')),
            );
            text
        })
    }

    /// Reads a cursor's text.
    ///
    /// # Errors
    /// When it is not one that [`Cursor::encode`] wrote.
    pub fn decode(text: &str) -> std::result::Result<Self, CursorError> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect();
        let digits = digits
            .filter(|digits| digits.len() % 2 == 0)
            .ok_or(CursorError)?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |byte, half| (byte << 4) | half))
            .collect();
        let wire: Vec<Wire> = serde_json::from_slice(&bytes).map_err(|_| CursorError)?;
        let values = wire.into_iter().map(|value| match value {
            Wire::Int(value) => Value::Int(value),
            Wire::Real(value) => Value::Real(value),
            Wire::Text(value) => Value::Text(value),
        });
        Ok(Self(values.collect()))
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Where the next page begins; none on the last one.
    pub next: Option<Cursor>,
}

/// The order of a list: columns that are never null, the last of which is unique.
#[derive(Clone, Debug)]
pub struct Keyset {
    columns: &'static [(&'static str, Kind)],
    direction: Direction,
}

impl Keyset {
    /// A list ordered by `columns`, e.g. `[("opened_ms", Kind::Int), ("id", Kind::Text)]`. A column
    /// is written as in the result, so that its value can be read from the last row.
    #[must_use]
    pub const fn new(columns: &'static [(&'static str, Kind)], direction: Direction) -> Self {
        Self { columns, direction }
    }

    /// Completes a query: `select` ends before or after its own `WHERE …` (say which with
    /// `filtered`), `values` are the values it already uses. One row more than `limit` is asked
    /// for, which tells whether there is a next page.
    ///
    /// # Errors
    /// When the cursor is of another list.
    pub fn complete(
        &self,
        list: List,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> std::result::Result<(Sql, Vec<Value>), CursorError> {
        let List {
            mut select,
            mut values,
            filtered,
        } = list;
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        if let Some(cursor) = cursor {
            self.check(cursor)?;
            let sign = if self.direction == Direction::Ascending {
                '>'
            } else {
                '<'
            };
            let first = values.len() + 1;
            values.extend(cursor.0.iter().cloned());
            let places: Vec<_> = (first..=values.len()).map(|n| format!("${n}")).collect();
            let word = if filtered { "AND" } else { "WHERE" };
            let (left, right) = (names.join(", "), places.join(", "));
            select.push_str(&format!(" {word} ({left}) {sign} ({right})"));
        }
        let way = if self.direction == Direction::Ascending {
            "ASC"
        } else {
            "DESC"
        };
        let order: Vec<_> = names.iter().map(|name| format!("{name} {way}")).collect();
        values.push(limit.saturating_add(1).into());
        select.push_str(&format!(
            " ORDER BY {} LIMIT ${}",
            order.join(", "),
            values.len()
        ));
        Ok((Sql::assembled(select), values))
    }

    /// Makes a page of the rows that the completed query gave.
    ///
    /// # Errors
    /// When a row lacks a column of the order, or `read` refuses it.
    pub fn page<T>(
        &self,
        mut rows: Vec<Row>,
        limit: usize,
        read: impl Fn(&Row) -> Result<T>,
    ) -> Result<Page<T>> {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = match rows.last().filter(|_| more) {
            None => None,
            Some(last) => {
                let values = self.columns.iter().map(|(name, _)| last.get(name).cloned());
                Some(Cursor(values.collect::<Result<_>>()?))
            }
        };
        Ok(Page {
            rows: rows.iter().map(read).collect::<Result<_>>()?,
            next,
        })
    }

    fn check(&self, cursor: &Cursor) -> std::result::Result<(), CursorError> {
        let fits = |(value, (_, kind)): (&Value, &(&str, Kind))| {
            matches!(
                (value, kind),
                (Value::Int(_), Kind::Int)
                    | (Value::Real(_) | Value::Int(_), Kind::Real)
                    | (Value::Text(_), Kind::Text)
            )
        };
        let same = cursor.0.len() == self.columns.len();
        (same && cursor.0.iter().zip(self.columns).all(fits))
            .then_some(())
            .ok_or(CursorError)
    }
}

/// A query that [`Keyset::complete`] turns into a page's query.
#[derive(Clone, Debug)]
pub struct List {
    /// `SELECT … FROM … [WHERE …]`, from literals and placeholders only.
    pub select: String,
    /// The values of its placeholders.
    pub values: Vec<Value>,
    /// Whether it has a `WHERE`; an `OR` in it stands in parentheses.
    pub filtered: bool,
}
