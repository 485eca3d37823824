//! Rows of `problem_maintenance` and `problem_silence`.

use db::{Query, Row, Sql, Tx, Value, params};
use model::{MaintenanceId, SilenceId};

use crate::model::{Maintenance, Silence, When};

const MAINTENANCE: &str =
    "SELECT id, number, name, owner, reason, schedule, scope, cancelled_ms, version
    FROM problem_maintenance";
const SILENCE: &str =
    "SELECT id, number, selector, owner, reason, from_ms, to_ms, cancelled_ms, version
    FROM problem_silence";

fn read_maintenance(row: &Row) -> db::Result<Maintenance> {
    Ok(Maintenance {
        id: row.id("id")?,
        number: row.int("number")?,
        name: row.text("name")?,
        owner: row.text("owner")?,
        reason: row.text("reason")?,
        when: row.json("schedule")?,
        scope: row.json("scope")?,
        cancelled_ms: row.opt_int("cancelled_ms")?,
        version: row.int("version")?,
    })
}

fn read_silence(row: &Row) -> db::Result<Silence> {
    let selector = model::Selector::parse(row.str("selector")?);
    Ok(Silence {
        id: row.id("id")?,
        number: row.int("number")?,
        selector: selector.map_err(|error| row.wrong("selector", &error.to_string()))?,
        owner: row.text("owner")?,
        reason: row.text("reason")?,
        from_ms: row.int("from_ms")?,
        to_ms: row.int("to_ms")?,
        cancelled_ms: row.opt_int("cancelled_ms")?,
        version: row.int("version")?,
    })
}

/// The span outside of which no window lies, UTC milliseconds.
fn span(when: &When) -> (i64, i64) {
    match when {
        When::Once { from_ms, to_ms } => (*from_ms, *to_ms),
        When::Repeat {
            from_ms,
            until_ms,
            for_min,
            ..
        } => (
            *from_ms,
            until_ms.saturating_add(i64::from(*for_min) * 60_000),
        ),
    }
}

/// Maintenances that may have a window now.
pub(crate) async fn current_maintenances(
    from: &mut impl Query,
    now_ms: i64,
) -> db::Result<Vec<Maintenance>> {
    let sql = format!(
        "{MAINTENANCE} WHERE cancelled_ms IS NULL AND begins_ms <= $1 AND ends_ms > $1 ORDER BY number"
    );
    let rows = from.fetch_all(Sql::assembled(sql), params![now_ms]).await?;
    rows.iter().map(read_maintenance).collect()
}

/// Silences in force.
pub(crate) async fn current_silences(
    from: &mut impl Query,
    now_ms: i64,
) -> db::Result<Vec<Silence>> {
    let sql = format!(
        "{SILENCE} WHERE cancelled_ms IS NULL AND from_ms <= $1 AND to_ms > $1 ORDER BY number"
    );
    let rows = from.fetch_all(Sql::assembled(sql), params![now_ms]).await?;
    rows.iter().map(read_silence).collect()
}

/// All maintenances, the newest first; `past` brings those that are over too.
pub(crate) async fn maintenances(
    from: &mut impl Query,
    past: bool,
    now_ms: i64,
    limit: usize,
) -> db::Result<Vec<Maintenance>> {
    let condition = "$1 OR (cancelled_ms IS NULL AND ends_ms > $2)".replace("$1", "$1 = 1");
    let sql = format!("{MAINTENANCE} WHERE {condition} ORDER BY number DESC LIMIT $3");
    let rows = from
        .fetch_all(Sql::assembled(sql), params![past, now_ms, limit])
        .await?;
    rows.iter().map(read_maintenance).collect()
}

/// All silences, the newest first; `past` brings those that are over too.
pub(crate) async fn silences(
    from: &mut impl Query,
    past: bool,
    now_ms: i64,
    limit: usize,
) -> db::Result<Vec<Silence>> {
    let sql = format!(
        "{SILENCE} WHERE $1 = 1 OR (cancelled_ms IS NULL AND to_ms > $2) ORDER BY number DESC LIMIT $3"
    );
    let rows = from
        .fetch_all(Sql::assembled(sql), params![past, now_ms, limit])
        .await?;
    rows.iter().map(read_silence).collect()
}

/// One maintenance.
pub(crate) async fn maintenance(
    from: &mut impl Query,
    id: MaintenanceId,
) -> db::Result<Option<Maintenance>> {
    let sql = Sql::assembled(format!("{MAINTENANCE} WHERE id = $1"));
    from.fetch_opt(sql, params![id])
        .await?
        .as_ref()
        .map(read_maintenance)
        .transpose()
}

/// One silence.
pub(crate) async fn silence(from: &mut impl Query, id: SilenceId) -> db::Result<Option<Silence>> {
    let sql = Sql::assembled(format!("{SILENCE} WHERE id = $1"));
    from.fetch_opt(sql, params![id])
        .await?
        .as_ref()
        .map(read_silence)
        .transpose()
}

/// Keeps a maintenance, new or edited.
pub(crate) async fn save_maintenance(tx: &mut Tx, one: &Maintenance) -> db::Result<()> {
    const SQL: &str = "INSERT INTO problem_maintenance
        (id, number, name, owner, reason, schedule, scope, begins_ms, ends_ms, cancelled_ms, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, owner = excluded.owner,
            reason = excluded.reason, schedule = excluded.schedule, scope = excluded.scope,
            begins_ms = excluded.begins_ms, ends_ms = excluded.ends_ms,
            cancelled_ms = excluded.cancelled_ms, version = excluded.version";
    let (begins_ms, ends_ms) = span(&one.when);
    let values = params![
        one.id,
        one.number,
        &one.name,
        &one.owner,
        &one.reason,
        Value::json(&one.when)?,
        Value::json(&one.scope)?,
        begins_ms,
        ends_ms,
        one.cancelled_ms,
        one.version,
    ];
    tx.execute(SQL, values).await.map(|_| ())
}

/// Keeps a silence, new or edited.
pub(crate) async fn save_silence(tx: &mut Tx, one: &Silence) -> db::Result<()> {
    const SQL: &str = "INSERT INTO problem_silence
        (id, number, selector, owner, reason, from_ms, to_ms, cancelled_ms, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (id) DO UPDATE SET selector = excluded.selector, owner = excluded.owner,
            reason = excluded.reason, from_ms = excluded.from_ms, to_ms = excluded.to_ms,
            cancelled_ms = excluded.cancelled_ms, version = excluded.version";
    let values = params![
        one.id,
        one.number,
        Value::shown(&one.selector),
        &one.owner,
        &one.reason,
        one.from_ms,
        one.to_ms,
        one.cancelled_ms,
        one.version,
    ];
    tx.execute(SQL, values).await.map(|_| ())
}
