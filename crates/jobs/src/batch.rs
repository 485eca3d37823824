//! Many messages at once: left together, or taken and settled in the taker's own transaction.

use db::{Query as _, Result, Sql, Tx, Value, params};
use model::MessageId;

use crate::outbox::hint_of;

/// Messages of one statement. SQLite finds `$n` by name in a list, so that the cost of a statement
/// grows with the square of its values.
const MESSAGES_PER_STATEMENT: usize = 25;

/// A message that was taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Drained {
    /// Its id.
    pub id: MessageId,
    /// Its payload, as JSON text.
    pub payload: String,
}

/// Leaves messages, given as key and JSON text; those whose key is already there are not stored.
/// Workers and drains hear of them at commit.
///
/// # Errors
/// When the database refuses it.
pub async fn put_all(tx: &mut Tx, topic: &str, messages: &[(String, String)]) -> Result<()> {
    let now_ms = tx.now_ms();
    for chunk in messages.chunks(MESSAGES_PER_STATEMENT) {
        let mut values = params![topic, now_ms];
        let mut rows = Vec::with_capacity(chunk.len());
        for (key, payload) in chunk {
            let n = values.len();
            let (id, key_at, payload_at) = (n + 1, n + 2, n + 3);
            rows.push(format!(
                "(${id}, $1, ${key_at}, ${payload_at}, 'ready', 0, $2, $2)"
            ));
            values.push(Value::from(MessageId::from_bits(tx.new_bits())));
            values.extend(params![key, payload]);
        }
        let sql = format!(
            "INSERT INTO core_outbox
             (id, topic, dedup_key, payload, state, attempts, created_ms, due_ms)
             VALUES {} ON CONFLICT (topic, dedup_key) DO NOTHING",
            rows.join(", ")
        );
        tx.execute(Sql::assembled(sql), values).await?;
    }
    if !messages.is_empty() {
        tx.hint(&hint_of(topic));
    }
    Ok(())
}

/// Takes the longest waiting messages of a topic and settles them, all in the caller's transaction:
/// what the caller writes for them and their being done are kept together or not at all, so each is
/// handled exactly once, in the order of their making, and without a lease. For handlers that only
/// write records; a topic is either drained or worked on, never both. To be run with
/// [`db::Isolation::Committed`]: of two servers that drain at once, the second waits for the first
/// and sees what it wrote.
///
/// # Errors
/// When the database refuses it.
pub async fn drain(tx: &mut Tx, topic: &str, limit: usize) -> Result<Vec<Drained>> {
    const SQL: &str = "UPDATE core_outbox
        SET state = 'done', finished_ms = $1, attempts = attempts + 1, holder = NULL, error = NULL
        WHERE finished_ms IS NULL AND id IN (SELECT id FROM core_outbox
          WHERE topic = $2 AND finished_ms IS NULL AND due_ms <= $1 ORDER BY due_ms, id LIMIT $3)
        RETURNING id, payload";
    let rows = tx
        .fetch_all(SQL, params![tx.now_ms(), topic, limit])
        .await?;
    let read = |row: &db::Row| {
        Ok(Drained {
            id: row.id("id")?,
            payload: row.text("payload")?,
        })
    };
    let mut drained: Vec<Drained> = rows.iter().map(read).collect::<Result<_>>()?;
    drained.sort_by_key(|message| message.id);
    Ok(drained)
}

/// Puts a drained message aside because it cannot be handled: it stands visibly dead.
///
/// # Errors
/// When the database refuses it.
pub async fn bury(tx: &mut Tx, id: MessageId, why: &str) -> Result<()> {
    const SQL: &str = "UPDATE core_outbox SET state = 'dead', error = $1 WHERE id = $2";
    tx.execute(SQL, params![why, id]).await.map(|_| ())
}

/// The hint that those who drain a topic wait for.
#[must_use]
pub fn topic_hint(topic: &str) -> String {
    hint_of(topic)
}
