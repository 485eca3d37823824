//! Rows of `watch_watched`.

use db::{Query, Result, Row, Sql, Tx, Value, params};
use model::WatchedId;

use crate::records::{For, Watched};

const COLUMNS: &str = "id, name, what, whom_kind, whom_id, enabled, version, updated_ms, \
     updated_by, retired_ms";

fn read(row: &Row) -> Result<Watched> {
    Ok(Watched {
        id: row.id("id")?,
        name: row.text("name")?,
        what: row.json("what")?,
        whom: super::whom(row)?,
        enabled: row.bool("enabled")?,
        version: row.int("version")?,
        updated_ms: row.int("updated_ms")?,
        updated_by: row.text("updated_by")?,
        retired_ms: row.opt_int("retired_ms")?,
    })
}

pub(crate) async fn by_id(from: &mut impl Query, id: WatchedId) -> Result<Option<Watched>> {
    let sql = Sql::assembled(format!("SELECT {COLUMNS} FROM watch_watched WHERE id = $1"));
    let row = from.fetch_opt(sql, params![id]).await?;
    row.as_ref().map(read).transpose()
}

/// Watched things by name, of one host or group when given.
pub(crate) async fn list(
    from: &mut impl Query,
    whom: Option<For>,
    retired: bool,
) -> Result<Vec<Watched>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM watch_watched WHERE ($1 = '' OR whom_id = $1) \
         AND ($2 = 1 OR retired_ms IS NULL) ORDER BY kind, name, id"
    ));
    let whom = whom.map(For::id).unwrap_or_default();
    let rows = from.fetch_all(sql, params![whom, retired]).await?;
    rows.iter().map(read).collect()
}

pub(crate) async fn save(tx: &mut Tx, before: Option<&Watched>, after: &Watched) -> Result<()> {
    let mut values = params![after.id, after.name.clone(), after.what.name()];
    values.push(Value::json(&after.what)?);
    values.extend(params![
        after.whom.kind(),
        after.whom.id(),
        after.enabled,
        after.version,
        after.updated_ms,
        after.updated_by.clone(),
        after.retired_ms,
    ]);
    let sql = match before {
        None => {
            "INSERT INTO watch_watched (id, name, kind, what, whom_kind, whom_id, enabled, \
             version, created_ms, updated_ms, updated_by, retired_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)"
        }
        Some(_) => {
            "UPDATE watch_watched SET name = $2, kind = $3, what = $4, whom_kind = $5, \
             whom_id = $6, enabled = $7, version = $8, updated_ms = $9, updated_by = $10, \
             retired_ms = $11 WHERE id = $1"
        }
    };
    tx.execute(sql, values).await?;
    Ok(())
}
