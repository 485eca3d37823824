//! Rows of `notice_health`.

use db::{Query, Row, Sql, Tx, params};
use model::ChannelId;

use crate::model::Health;

const SELECT: &str =
    "SELECT channel, last_ok_ms, last_fail_ms, failing_since_ms, failures, last_error
    FROM notice_health";

fn read(row: &Row) -> db::Result<Health> {
    Ok(Health {
        channel: row.id("channel")?,
        last_ok_ms: row.int("last_ok_ms")?,
        last_fail_ms: row.int("last_fail_ms")?,
        failing_since_ms: row.int("failing_since_ms")?,
        failures: row.int("failures")?,
        last_error: row.text("last_error")?,
    })
}

/// The health of every channel that was ever used.
pub(crate) async fn all(from: &mut impl Query) -> db::Result<Vec<Health>> {
    from.fetch_all(SELECT, params![])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The health of one channel.
pub(crate) async fn one(from: &mut impl Query, id: ChannelId) -> db::Result<Health> {
    let sql = Sql::assembled(format!("{SELECT} WHERE channel = $1"));
    let row = from.fetch_opt(sql, params![id]).await?;
    row.as_ref().map_or_else(|| Ok(Health::unknown(id)), read)
}

/// Keeps it.
pub(crate) async fn save(tx: &mut Tx, health: &Health) -> db::Result<()> {
    const SQL: &str = "INSERT INTO notice_health
        (channel, last_ok_ms, last_fail_ms, failing_since_ms, failures, last_error)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (channel) DO UPDATE SET last_ok_ms = excluded.last_ok_ms,
            last_fail_ms = excluded.last_fail_ms, failing_since_ms = excluded.failing_since_ms,
            failures = excluded.failures, last_error = excluded.last_error";
    let values = params![
        health.channel,
        health.last_ok_ms,
        health.last_fail_ms,
        health.failing_since_ms,
        health.failures,
        &health.last_error,
    ];
    tx.execute(SQL, values).await.map(|_| ())
}
