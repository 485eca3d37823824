//! Outcomes for the problem's timeline, left in the transaction that settles the ledger.

use db::{Tx, params};
use model::MessageId;
use model::flow::{Message, Outcome, encode};

use super::{ROWS_PER_STATEMENT, flat, insert_many};
use crate::error::{NoticeError, Result};

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

/// Leaves outcomes under their keys.
pub(crate) async fn outcomes(tx: &mut Tx, all: &[(String, Outcome)]) -> Result<()> {
    let mut rows = Vec::with_capacity(all.len());
    for (key, outcome) in all {
        let payload = encode(outcome).map_err(|error| NoticeError::Message(error.to_string()))?;
        rows.push((MessageId::from_bits(tx.new_bits()), key, payload));
    }
    let now_ms = tx.now_ms();
    for chunk in rows.chunks(ROWS_PER_STATEMENT) {
        let tail = "ON CONFLICT (topic, dedup_key) DO NOTHING";
        let sql = insert_many("INSERT INTO core_outbox", &COLUMNS, chunk.len(), tail);
        let values = flat(chunk, |(id, key, payload)| {
            Ok(params![
                *id,
                Outcome::KIND,
                *key,
                payload,
                "ready",
                0_i64,
                now_ms,
                now_ms
            ])
        })?;
        tx.execute(sql, values).await?;
    }
    if !rows.is_empty() {
        tx.hint(&format!("outbox:{}", Outcome::KIND));
    }
    Ok(())
}
