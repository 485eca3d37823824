//! Rows of `remedy_script`.

use db::{Query, Result, Row, Sql, Tx, Value, params};
use model::ScriptId;

use crate::{Mode, Script, ScriptDraft};

const COLUMNS: &str = "id, name, help, body, precondition, run_as, time_limit_ms, max_runs, \
     window_ms, cooldown_ms, verify_ms, mode, version, approved_version, approved_by, approved_ms, \
     changed_by, retired_ms";

fn read(row: &Row) -> Result<Script> {
    let mode = row.text("mode")?;
    Ok(Script {
        id: row.id("id")?,
        draft: ScriptDraft {
            name: row.text("name")?,
            help: row.text("help")?,
            body: row.text("body")?,
            precondition: row.text("precondition")?,
            run_as: row.text("run_as")?,
            time_limit_ms: row.number("time_limit_ms")?,
            max_runs: row.number("max_runs")?,
            window_ms: row.number("window_ms")?,
            cooldown_ms: row.number("cooldown_ms")?,
            verify_ms: row.number("verify_ms")?,
            mode: Mode::from_name(&mode).ok_or_else(|| row.wrong("mode", "names no mode"))?,
        },
        version: row.int("version")?,
        approved_version: row.int("approved_version")?,
        approved_by: row.text("approved_by")?,
        approved_ms: row.opt_int("approved_ms")?,
        changed_by: row.text("changed_by")?,
        retired_ms: row.opt_int("retired_ms")?,
    })
}

/// The scripts in use, by name.
pub(crate) async fn scripts(from: &mut impl Query) -> Result<Vec<Script>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM remedy_script WHERE retired_ms IS NULL ORDER BY name"
    ));
    from.fetch_all(sql, params![])
        .await?
        .iter()
        .map(read)
        .collect()
}

pub(crate) async fn script(from: &mut impl Query, id: ScriptId) -> Result<Option<Script>> {
    let sql = Sql::assembled(format!("SELECT {COLUMNS} FROM remedy_script WHERE id = $1"));
    from.fetch_opt(sql, params![id])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

pub(crate) async fn name_taken(
    from: &mut impl Query,
    name: &str,
    by_not: ScriptId,
) -> Result<bool> {
    let sql = "SELECT id FROM remedy_script WHERE name = $1 AND id <> $2 AND retired_ms IS NULL";
    Ok(from.fetch_opt(sql, params![name, by_not]).await?.is_some())
}

/// The values of `$1` to `$13`, the same in both statements.
fn columns(script: &Script) -> Vec<Value> {
    let draft = &script.draft;
    params![
        script.id,
        &draft.name,
        &draft.help,
        &draft.body,
        &draft.precondition,
        &draft.run_as,
        draft.time_limit_ms,
        draft.max_runs,
        draft.window_ms,
        draft.cooldown_ms,
        draft.verify_ms,
        draft.mode.name(),
        script.version,
    ]
}

pub(crate) async fn insert_script(tx: &mut Tx, script: &Script) -> Result<()> {
    let sql = "INSERT INTO remedy_script (id, name, help, body, precondition, run_as, \
         time_limit_ms, max_runs, window_ms, cooldown_ms, verify_ms, mode, version, \
         approved_version, approved_by, changed_by, created_ms, updated_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, '', $14, $15, $15)";
    let mut values = columns(script);
    values.extend(params![&script.changed_by, tx.now_ms()]);
    tx.execute(sql, values).await.map(drop)
}

pub(crate) async fn save_script(tx: &mut Tx, script: &Script) -> Result<()> {
    let sql = "UPDATE remedy_script SET name = $2, help = $3, body = $4, precondition = $5, \
         run_as = $6, time_limit_ms = $7, max_runs = $8, window_ms = $9, cooldown_ms = $10, \
         verify_ms = $11, mode = $12, version = $13, changed_by = $14, updated_ms = $15, \
         retired_ms = $16 WHERE id = $1";
    let mut values = columns(script);
    values.extend(params![&script.changed_by, tx.now_ms(), script.retired_ms]);
    tx.execute(sql, values).await.map(drop)
}

pub(crate) async fn approve(tx: &mut Tx, id: ScriptId, version: i64, by: &str) -> Result<()> {
    let sql = "UPDATE remedy_script SET approved_version = $2, approved_by = $3, \
         approved_ms = $4 WHERE id = $1";
    tx.execute(sql, params![id, version, by, tx.now_ms()])
        .await
        .map(drop)
}
