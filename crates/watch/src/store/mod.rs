//! SQL of the tables `watch_*`.

pub(crate) mod groups;
pub(crate) mod overrides;
pub(crate) mod rules;
pub(crate) mod watched;

use db::{Result, Row, Value};

use crate::records::For;

/// The host or group of a row.
fn whom(row: &Row) -> Result<For> {
    match row.str("whom_kind")? {
        "group" => Ok(For::Group(row.id("whom_id")?)),
        "host" => Ok(For::Host(row.id("whom_id")?)),
        _ => Err(row.wrong("whom_kind", "is neither group nor host")),
    }
}

/// A pattern for `LIKE` over lower-case text; characters with a meaning there find a blank.
fn like(text: &str) -> Value {
    let text = text.to_lowercase().replace(['%', '_', '\\'], " ");
    Value::from(format!("%{}%", text.trim()))
}
