//! SQL of the tables `notice_*`: one text for both databases.

pub(crate) mod channel;
pub(crate) mod claim;
pub(crate) mod event;
pub(crate) mod health;
pub(crate) mod inbox;
pub(crate) mod ledger;
pub(crate) mod outbox;
pub(crate) mod recipient;

use db::{Sql, Value};

/// Rows of one statement that writes or looks up many. SQLite finds `$n` by name in a list, so that
/// the cost of a statement grows with the square of its values.
pub(crate) const ROWS_PER_STATEMENT: usize = 25;

/// `head (a, b) VALUES ($1, $2), ($3, $4) tail` for so many rows.
pub(crate) fn insert_many(head: &str, columns: &[&str], rows: usize, tail: &str) -> Sql {
    let width = columns.len();
    let row = |row: usize| places(row * width + 1, width);
    let rows: Vec<String> = (0..rows).map(row).collect();
    Sql::assembled(format!(
        "{head} ({}) VALUES {} {tail}",
        columns.join(", "),
        rows.join(", ")
    ))
}

/// `($1, $2, …)` for so many values, counted from `first`.
pub(crate) fn places(first: usize, count: usize) -> String {
    let places: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    format!("({})", places.join(", "))
}

/// The values of many rows, one after another.
pub(crate) fn flat<T>(
    rows: &[T],
    values: impl Fn(&T) -> db::Result<Vec<Value>>,
) -> db::Result<Vec<Value>> {
    let mut all = Vec::new();
    for row in rows {
        all.extend(values(row)?);
    }
    Ok(all)
}
