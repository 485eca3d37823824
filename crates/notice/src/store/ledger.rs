//! Rows of `notice_ledger`: written when decided, read by people, settled by lanes.

use db::{Query, Row, Sql, Tx, Value, params};
use model::flow::DispatchEvent;
use model::{ChannelId, DeliveryId, ProblemId, RecipientId, Severity};
use serde_json::Value as Json;

use super::{ROWS_PER_STATEMENT, flat, insert_many, places};
use crate::model::{LedgerRow, Reason, State};

const COLUMNS: [&str; 19] = [
    "id",
    "problem",
    "seq",
    "event",
    "severity",
    "recipient",
    "channel",
    "decided_ms",
    "reason",
    "detail",
    "state",
    "due_ms",
    "holder",
    "attempts",
    "first_try_ms",
    "unsure",
    "done_ms",
    "digest",
    "fallback_of",
];

fn event_name(event: DispatchEvent) -> String {
    match serde_json::to_value(event) {
        Ok(Json::String(name)) => name,
        _ => String::new(),
    }
}

/// An id, or the empty text for nobody and nowhere.
fn or_empty<T: ToString>(id: Option<T>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn values(row: &LedgerRow) -> db::Result<Vec<Value>> {
    Ok(params![
        row.id,
        row.problem,
        row.seq,
        event_name(row.event),
        row.severity.code(),
        or_empty(row.recipient),
        or_empty(row.channel),
        row.decided_ms,
        row.reason.code(),
        &row.detail,
        row.state.name(),
        row.due_ms,
        None::<&str>,
        row.attempts,
        row.first_try_ms,
        row.unsure,
        row.done_ms,
        row.digest.as_deref(),
        row.fallback_of,
    ])
}

pub(crate) fn read(row: &Row) -> db::Result<LedgerRow> {
    let event = serde_json::from_value(Json::from(row.str("event")?));
    let severity: u8 = row.number("severity")?;
    let recipient = Some(row.str("recipient")?).filter(|id| !id.is_empty());
    let channel = Some(row.str("channel")?).filter(|id| !id.is_empty());
    Ok(LedgerRow {
        id: row.id("id")?,
        problem: row.id("problem")?,
        seq: row.int("seq")?,
        event: event.map_err(|_| row.wrong("event", "is no event"))?,
        severity: Severity::from_code(severity)
            .ok_or_else(|| row.wrong("severity", "is no severity"))?,
        recipient: recipient
            .map(|_| row.id::<RecipientId>("recipient"))
            .transpose()?,
        channel: channel
            .map(|_| row.id::<ChannelId>("channel"))
            .transpose()?,
        decided_ms: row.int("decided_ms")?,
        reason: Reason::from_code(row.str("reason")?)
            .ok_or_else(|| row.wrong("reason", "is no reason"))?,
        detail: row.text("detail")?,
        state: State::from_name(row.str("state")?)
            .ok_or_else(|| row.wrong("state", "is no state"))?,
        due_ms: row.int("due_ms")?,
        attempts: row.int("attempts")?,
        first_try_ms: row.int("first_try_ms")?,
        unsure: row.bool("unsure")?,
        done_ms: row.opt_int("done_ms")?,
        digest: row.opt_text("digest")?,
        fallback_of: row.opt_id("fallback_of")?,
    })
}

/// The columns, for `SELECT` and `RETURNING`.
pub(super) fn columns() -> String {
    COLUMNS.join(", ")
}

/// Keeps new rows; one with a known key is not kept twice.
pub(crate) async fn add(tx: &mut Tx, rows: &[LedgerRow]) -> db::Result<()> {
    let tail = "ON CONFLICT (problem, seq, recipient, channel) DO NOTHING";
    insert(tx, rows, tail).await
}

/// Keeps new rows; one with a known key that had nothing to say is on its way after all: the
/// recovery of a notice that never left here, now that this channel stands in for another.
pub(crate) async fn add_or_wake(tx: &mut Tx, rows: &[LedgerRow]) -> db::Result<()> {
    let tail = "ON CONFLICT (problem, seq, recipient, channel) DO UPDATE SET
        state = excluded.state, reason = excluded.reason, detail = excluded.detail,
        due_ms = excluded.due_ms, done_ms = NULL, fallback_of = excluded.fallback_of
        WHERE notice_ledger.reason = 'not_needed'";
    insert(tx, rows, tail).await
}

async fn insert(tx: &mut Tx, rows: &[LedgerRow], tail: &str) -> db::Result<()> {
    for chunk in rows.chunks(ROWS_PER_STATEMENT) {
        let sql = insert_many("INSERT INTO notice_ledger", &COLUMNS, chunk.len(), tail);
        tx.execute(sql, flat(chunk, values)?).await?;
    }
    Ok(())
}

/// All rows of these problems, in the order of their making.
pub(crate) async fn of_problems(
    from: &mut impl Query,
    problems: &[ProblemId],
) -> db::Result<Vec<LedgerRow>> {
    let mut rows = Vec::new();
    for chunk in problems.chunks(ROWS_PER_STATEMENT) {
        let sql = format!(
            "SELECT {} FROM notice_ledger WHERE problem IN {} ORDER BY problem, id",
            columns(),
            places(1, chunk.len())
        );
        let values = chunk.iter().map(Value::from).collect();
        for row in from.fetch_all(Sql::assembled(sql), values).await? {
            rows.push(read(&row)?);
        }
    }
    Ok(rows)
}

/// Rows of a condition that stands behind `WHERE`.
pub(crate) async fn with(
    from: &mut impl Query,
    condition: &str,
    values: Vec<Value>,
) -> db::Result<Vec<LedgerRow>> {
    let sql = format!("SELECT {} FROM notice_ledger WHERE {condition}", columns());
    from.fetch_all(Sql::assembled(sql), values)
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Settles rows, whatever they did, for this reason.
pub(crate) async fn close(
    tx: &mut Tx,
    ids: &[DeliveryId],
    reason: Reason,
    detail: &str,
) -> db::Result<()> {
    for chunk in ids.chunks(ROWS_PER_STATEMENT) {
        let sql = format!(
            "UPDATE notice_ledger SET state = 'settled', reason = $1, detail = $2, done_ms = $3,
             holder = NULL WHERE done_ms IS NULL AND id IN {}",
            places(4, chunk.len())
        );
        let mut values = params![reason.code(), detail, tx.now_ms()];
        values.extend(chunk.iter().map(Value::from));
        tx.execute(Sql::assembled(sql), values).await?;
    }
    Ok(())
}

/// Settles rows that still wait, for this reason; others are left alone.
pub(crate) async fn settle_waiting(
    tx: &mut Tx,
    ids: &[DeliveryId],
    reason: Reason,
) -> db::Result<()> {
    for chunk in ids.chunks(ROWS_PER_STATEMENT) {
        let sql = format!(
            "UPDATE notice_ledger SET state = 'settled', reason = $1, done_ms = $2
             WHERE state = 'waiting' AND id IN {}",
            places(3, chunk.len())
        );
        let mut values = params![reason.code(), tx.now_ms()];
        values.extend(chunk.iter().map(Value::from));
        tx.execute(Sql::assembled(sql), values).await?;
    }
    Ok(())
}

/// The start of a query for whole rows, with its condition.
pub(crate) fn select(condition: &str) -> String {
    format!("SELECT {} FROM notice_ledger WHERE {condition}", columns())
}

/// Makes an undelivered row wait again; its channel.
pub(crate) async fn revive(tx: &mut Tx, id: DeliveryId) -> db::Result<Option<ChannelId>> {
    const SQL: &str = "UPDATE notice_ledger SET state = 'waiting', reason = 'pending', due_ms = $1,
        decided_ms = $1, done_ms = NULL, digest = NULL
        WHERE id = $2 AND reason = 'undelivered' RETURNING channel";
    let row = tx.fetch_opt(SQL, params![tx.now_ms(), id]).await?;
    row.map(|row| row.id("channel")).transpose()
}

/// Deletes what was settled before and whose problem is over; how many rows went.
pub(crate) async fn prune(tx: &mut Tx, before_ms: i64) -> db::Result<u64> {
    const ROWS: &str = "DELETE FROM notice_ledger WHERE done_ms < $1 AND EXISTS (
        SELECT 1 FROM notice_event e WHERE e.problem = notice_ledger.problem
          AND e.taken_ms < $1 AND e.dispatch LIKE '%\"event\":\"recovered\"%')";
    const EVENTS: &str = "DELETE FROM notice_event WHERE taken_ms < $1 AND NOT EXISTS (
        SELECT 1 FROM notice_ledger l WHERE l.problem = notice_event.problem)";
    let rows = tx.execute(ROWS, params![before_ms]).await?;
    tx.execute(EVENTS, params![before_ms]).await?;
    Ok(rows)
}
