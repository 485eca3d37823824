//! Rows of `watch_group`.

use db::{Query, Result, Row, Sql, Tx, Value, params};
use model::GroupId;

use crate::records::Group;

const COLUMNS: &str = "id, name, note, selector, version, updated_ms, updated_by, retired_ms";

fn read(row: &Row) -> Result<Group> {
    Ok(Group {
        id: row.id("id")?,
        name: row.text("name")?,
        note: row.text("note")?,
        selector: row.json("selector")?,
        version: row.int("version")?,
        updated_ms: row.int("updated_ms")?,
        updated_by: row.text("updated_by")?,
        retired_ms: row.opt_int("retired_ms")?,
    })
}

async fn one(from: &mut impl Query, by: &str, value: Value) -> Result<Option<Group>> {
    let sql = Sql::assembled(format!("SELECT {COLUMNS} FROM watch_group WHERE {by} = $1"));
    let row = from.fetch_opt(sql, vec![value]).await?;
    row.as_ref().map(read).transpose()
}

pub(crate) async fn by_id(from: &mut impl Query, id: GroupId) -> Result<Option<Group>> {
    one(from, "id", Value::from(id)).await
}

pub(crate) async fn by_name(from: &mut impl Query, name: &str) -> Result<Option<Group>> {
    one(from, "name", Value::from(name)).await
}

/// Groups by name.
pub(crate) async fn all(from: &mut impl Query, retired: bool) -> Result<Vec<Group>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM watch_group WHERE ($1 = 1 OR retired_ms IS NULL) ORDER BY name"
    ));
    let rows = from.fetch_all(sql, params![retired]).await?;
    rows.iter().map(read).collect()
}

pub(crate) async fn save(tx: &mut Tx, before: Option<&Group>, after: &Group) -> Result<()> {
    let mut values = params![after.id, after.name.clone(), after.note.clone()];
    values.push(Value::json(&after.selector)?);
    values.extend(params![
        after.version,
        after.updated_ms,
        after.updated_by.clone(),
        after.retired_ms,
    ]);
    let sql = match before {
        None => {
            "INSERT INTO watch_group (id, name, note, selector, version, created_ms, updated_ms, \
             updated_by, retired_ms) VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)"
        }
        Some(_) => {
            "UPDATE watch_group SET name = $2, note = $3, selector = $4, version = $5, \
             updated_ms = $6, updated_by = $7, retired_ms = $8 WHERE id = $1"
        }
    };
    tx.execute(sql, values).await?;
    Ok(())
}
