//! SQL of the tables `problem_*`: one text for both databases, many rows a statement.

pub(crate) mod cover;
pub(crate) mod entry;
pub(crate) mod list;
pub(crate) mod outbox;
pub(crate) mod problem;

use db::{Sql, Value};

/// Rows of one statement that writes or looks up many. SQLite finds `$n` by name in a list, so that
/// the cost of a statement grows with the square of its values.
pub(crate) const ROWS_PER_STATEMENT: usize = 25;

/// `head (a, b) VALUES ($1, $2), ($3, $4) tail` for so many rows of so many columns.
pub(crate) fn insert_many(head: &str, columns: &[&str], rows: usize, tail: &str) -> Sql {
    let width = columns.len();
    let mut text = format!("{head} ({}) VALUES ", columns.join(", "));
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=width {
            let comma = if column == 1 { "" } else { ", " };
            text.push_str(&format!("{comma}${}", row * width + column));
        }
        text.push(')');
    }
    Sql::assembled(format!("{text} {tail}"))
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
