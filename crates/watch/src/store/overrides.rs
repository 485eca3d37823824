//! Rows of `watch_override`.

use db::{Query, Result, Row, Sql, Tx, Value, params};
use model::OverrideId;

use crate::records::Override;
use crate::service::OverrideFilter;

const COLUMNS: &str = "id, rule_id, whom_kind, whom_id, target_key, value_changes, why, made_by, \
     until_ms, version, created_ms, ended_ms";

fn read(row: &Row) -> Result<Override> {
    Ok(Override {
        id: row.id("id")?,
        rule: row.id("rule_id")?,
        whom: super::whom(row)?,
        target_key: row.opt_text("target_key")?,
        values: row.json("value_changes")?,
        why: row.text("why")?,
        by: row.text("made_by")?,
        until_ms: row.opt_int("until_ms")?,
        version: row.int("version")?,
        created_ms: row.int("created_ms")?,
        ended_ms: row.opt_int("ended_ms")?,
    })
}

pub(crate) async fn by_id(from: &mut impl Query, id: OverrideId) -> Result<Option<Override>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM watch_override WHERE id = $1"
    ));
    let row = from.fetch_opt(sql, params![id]).await?;
    row.as_ref().map(read).transpose()
}

/// Overrides, the latest first.
pub(crate) async fn list(from: &mut impl Query, filter: &OverrideFilter) -> Result<Vec<Override>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM watch_override WHERE ($1 = '' OR rule_id = $1) \
         AND ($2 = '' OR whom_id = $2) AND ($3 = 1 OR ended_ms IS NULL) \
         AND ($4 = '' OR id < $4) ORDER BY id DESC LIMIT $5"
    ));
    let text = |id: Option<String>| id.unwrap_or_default();
    let values = params![
        text(filter.rule.map(|id| id.to_string())),
        text(filter.whom.map(crate::records::For::id)),
        filter.ended,
        text(filter.after.map(|id| id.to_string())),
        filter.limit,
    ];
    let rows = from.fetch_all(sql, values).await?;
    rows.iter().map(read).collect()
}

/// Every override that has not ended.
pub(crate) async fn in_force(from: &mut impl Query) -> Result<Vec<Override>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM watch_override WHERE ended_ms IS NULL ORDER BY id"
    ));
    let rows = from.fetch_all(sql, params![]).await?;
    rows.iter().map(read).collect()
}

/// Overrides whose end has come.
pub(crate) async fn due(from: &mut impl Query, now_ms: i64) -> Result<Vec<Override>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM watch_override WHERE ended_ms IS NULL AND until_ms <= $1 ORDER BY id"
    ));
    let rows = from.fetch_all(sql, params![now_ms]).await?;
    rows.iter().map(read).collect()
}

pub(crate) async fn save(tx: &mut Tx, before: Option<&Override>, after: &Override) -> Result<()> {
    let mut values = params![
        after.id,
        after.rule,
        after.whom.kind(),
        after.whom.id(),
        after.target_key.clone(),
    ];
    values.push(Value::json(&after.values)?);
    values.extend(params![
        after.why.clone(),
        after.by.clone(),
        after.until_ms,
        after.version,
        after.created_ms,
        tx.now_ms(),
        after.ended_ms,
    ]);
    let sql = match before {
        None => {
            "INSERT INTO watch_override (id, rule_id, whom_kind, whom_id, target_key, \
             value_changes, why, made_by, until_ms, version, created_ms, updated_ms, ended_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        }
        Some(_) => {
            "UPDATE watch_override SET rule_id = $2, whom_kind = $3, whom_id = $4, \
             target_key = $5, value_changes = $6, why = $7, made_by = $8, until_ms = $9, \
             version = $10, created_ms = $11, updated_ms = $12, ended_ms = $13 WHERE id = $1"
        }
    };
    tx.execute(sql, values).await?;
    Ok(())
}
