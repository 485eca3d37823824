//! Messages that leave in the same transaction as the state change they tell.

use db::{Tx, params};
use model::MessageId;
use model::flow::{Dispatch, Message, RunOrder, encode};

use super::{ROWS_PER_STATEMENT, flat, insert_many};
use crate::error::{ProblemError, Result};

const COLUMNS: [&str; 8] = [
    "id",
    "topic",
    "dedup_key",
    "payload",
    "state",
    "attempts",
    "created_ms",
    "due_ms",
];

/// Leaves dispatches for `notice`.
pub(crate) async fn dispatches(tx: &mut Tx, all: &[Dispatch]) -> Result<()> {
    let keyed = all
        .iter()
        .map(|one| (format!("{}/{}", one.problem, one.seq), one));
    leave(tx, keyed).await
}

/// Leaves orders for `remedy`.
pub(crate) async fn orders(tx: &mut Tx, all: &[RunOrder]) -> Result<()> {
    leave(tx, all.iter().map(|one| (one.run.to_string(), one))).await
}

async fn leave<'a, T: Message + 'a>(
    tx: &mut Tx,
    messages: impl Iterator<Item = (String, &'a T)>,
) -> Result<()> {
    let mut rows = Vec::new();
    for (key, message) in messages {
        let payload = encode(message).map_err(|error| ProblemError::Message(error.to_string()))?;
        rows.push((MessageId::from_bits(tx.new_bits()), key, payload));
    }
    if rows.is_empty() {
        return Ok(());
    }
    let now_ms = tx.now_ms();
    for chunk in rows.chunks(ROWS_PER_STATEMENT) {
        let tail = "ON CONFLICT (topic, dedup_key) DO NOTHING";
        let sql = insert_many("INSERT INTO core_outbox", &COLUMNS, chunk.len(), tail);
        let values = flat(chunk, |(id, key, payload)| {
            Ok(params![
                *id,
                T::KIND,
                key,
                payload,
                "ready",
                0_i64,
                now_ms,
                now_ms
            ])
        })?;
        tx.execute(sql, values).await?;
    }
    tx.hint(&format!("outbox:{}", T::KIND));
    Ok(())
}
