//! The outbox: messages that leave in the same transaction as the state change they tell.

use db::{DbError, Query, Result, Sql, Tx, params};
use model::MessageId;
use serde::Serialize;

/// A message to be left.
#[derive(Clone, Debug)]
pub struct Post<'a> {
    topic: &'a str,
    payload: String,
    dedup_key: Option<&'a str>,
    not_before_ms: i64,
}

impl<'a> Post<'a> {
    /// A message on `topic`, due at once, with `payload` told in JSON.
    ///
    /// # Errors
    /// When the payload cannot be told in JSON.
    pub fn new(topic: &'a str, payload: &impl Serialize) -> Result<Self> {
        let payload =
            serde_json::to_string(payload).map_err(|error| DbError::Json(error.to_string()))?;
        Ok(Self {
            topic,
            payload,
            dedup_key: None,
            not_before_ms: 0,
        })
    }

    /// With a key: of two messages with one key in a topic the second is not stored, also when the
    /// first was delivered (until it is pruned).
    #[must_use]
    pub const fn key(mut self, dedup_key: &'a str) -> Self {
        self.dedup_key = Some(dedup_key);
        self
    }

    /// Not to be delivered before this time, in UTC milliseconds.
    #[must_use]
    pub const fn not_before(mut self, at_ms: i64) -> Self {
        self.not_before_ms = at_ms;
        self
    }
}

/// Leaves a message; nothing if one with its key is already there. Workers hear of it at commit.
///
/// # Errors
/// When the database refuses it.
pub async fn put(tx: &mut Tx, post: Post<'_>) -> Result<Option<MessageId>> {
    const SQL: &str = "INSERT INTO core_outbox
        (id, topic, dedup_key, payload, state, attempts, created_ms, due_ms)
        VALUES ($1, $2, $3, $4, 'ready', 0, $5, $6) ON CONFLICT (topic, dedup_key) DO NOTHING";
    let id = MessageId::from_bits(tx.new_bits());
    let key = post.dedup_key.map_or_else(|| id.to_string(), str::to_owned);
    let (now_ms, due_ms) = (tx.now_ms(), post.not_before_ms.max(tx.now_ms()));
    let stored = tx
        .execute(
            SQL,
            params![id, post.topic, key, post.payload, now_ms, due_ms],
        )
        .await?;
    if stored == 0 {
        return Ok(None);
    }
    tx.hint(&hint_of(post.topic));
    Ok(Some(id))
}

/// The hint that workers of a topic wait for.
pub(crate) fn hint_of(topic: &str) -> String {
    format!("outbox:{topic}")
}

/// How much waits in one topic; for the page of the server's own health.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Backlog {
    /// The topic.
    pub topic: String,
    /// Messages that are due or will be.
    pub ready: u64,
    /// Messages that a worker holds.
    pub leased: u64,
    /// Messages that were given up and wait for a person.
    pub dead: u64,
    /// When the longest-waiting due message was due, in UTC milliseconds.
    pub oldest_due_ms: Option<i64>,
}

/// The topics with messages that are not delivered.
///
/// # Errors
/// When the database refuses it.
pub async fn backlog(from: &mut impl Query) -> Result<Vec<Backlog>> {
    const SQL: &str = "SELECT topic,
        CAST(sum(CASE WHEN state = 'ready' THEN 1 ELSE 0 END) AS BIGINT) AS ready,
        CAST(sum(CASE WHEN state = 'leased' THEN 1 ELSE 0 END) AS BIGINT) AS leased,
        CAST(sum(CASE WHEN state = 'dead' THEN 1 ELSE 0 END) AS BIGINT) AS dead,
        min(CASE WHEN finished_ms IS NULL THEN due_ms END) AS oldest_due_ms
        FROM core_outbox WHERE finished_ms IS NULL OR state = 'dead'
        GROUP BY topic ORDER BY topic";
    let rows = from.fetch_all(SQL, params![]).await?;
    rows.iter()
        .map(|row| {
            Ok(Backlog {
                topic: row.text("topic")?,
                ready: row.number("ready")?,
                leased: row.number("leased")?,
                dead: row.number("dead")?,
                oldest_due_ms: row.opt_int("oldest_due_ms")?,
            })
        })
        .collect()
}

/// Ends every lease, for a server that starts on a store of its own: whoever held one is dead, and
/// its messages need not wait for the lease to run out. Returns how many there were.
///
/// # Errors
/// When the database refuses it.
pub async fn free_leases(tx: &mut Tx) -> Result<u64> {
    const SQL: &str = "UPDATE core_outbox SET due_ms = $1 WHERE state = 'leased' AND due_ms > $1";
    let now_ms = tx.now_ms();
    tx.execute(SQL, params![now_ms]).await
}

/// A message that was given up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeadMessage {
    /// Its id.
    pub id: MessageId,
    /// The topic.
    pub topic: String,
    /// Its payload, as JSON text.
    pub payload: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was left, in UTC milliseconds.
    pub created_ms: i64,
    /// When it was given up, in UTC milliseconds.
    pub died_ms: i64,
    /// What the last attempt said.
    pub error: String,
}

/// The messages that were given up, the latest first, at most `limit` of them; of one topic or all.
///
/// # Errors
/// When the database refuses it.
pub async fn dead(
    from: &mut impl Query,
    topic: Option<&str>,
    limit: usize,
) -> Result<Vec<DeadMessage>> {
    let narrowed = if topic.is_some() {
        "AND topic = $2"
    } else {
        ""
    };
    let sql = format!(
        "SELECT id, topic, payload, attempts, created_ms, finished_ms, error FROM core_outbox
         WHERE state = 'dead' AND finished_ms IS NOT NULL {narrowed}
         ORDER BY finished_ms DESC, id DESC LIMIT $1"
    );
    let values = params![limit]
        .into_iter()
        .chain(topic.map(db::Value::from))
        .collect();
    let rows = from.fetch_all(Sql::assembled(sql), values).await?;
    rows.iter()
        .map(|row| {
            Ok(DeadMessage {
                id: row.id("id")?,
                topic: row.text("topic")?,
                payload: row.text("payload")?,
                attempts: row.number("attempts")?,
                created_ms: row.int("created_ms")?,
                died_ms: row.int("finished_ms")?,
                error: row.opt_text("error")?.unwrap_or_default(),
            })
        })
        .collect()
}

/// How many messages were given up after `since_ms` and still wait for a person.
///
/// # Errors
/// When the database refuses it.
pub async fn died_since(from: &mut impl Query, since_ms: i64) -> Result<u64> {
    const SQL: &str = "SELECT CAST(count(*) AS BIGINT) AS died FROM core_outbox
        WHERE state = 'dead' AND finished_ms > $1";
    let row = from.fetch_opt(SQL, params![since_ms]).await?;
    row.map_or(Ok(0), |row| row.number("died"))
}

/// Gives a dead message all its attempts again, at once; whether it was dead.
///
/// # Errors
/// When the database refuses it.
pub async fn revive(tx: &mut Tx, id: MessageId) -> Result<bool> {
    const SQL: &str = "UPDATE core_outbox
        SET state = 'ready', attempts = 0, due_ms = $1, finished_ms = NULL, holder = NULL
        WHERE id = $2 AND state = 'dead' RETURNING topic";
    let now_ms = tx.now_ms();
    let Some(row) = tx.fetch_opt(SQL, params![now_ms, id]).await? else {
        return Ok(false);
    };
    tx.hint(&hint_of(row.str("topic")?));
    Ok(true)
}

/// Forgets delivered messages that were settled before `before_ms`; returns how many, at most
/// `limit` a call. Their keys may come again from then on. Dead ones stay.
///
/// # Errors
/// When the database refuses it.
pub async fn prune(tx: &mut Tx, before_ms: i64, limit: usize) -> Result<u64> {
    const SQL: &str = "DELETE FROM core_outbox WHERE id IN (SELECT id FROM core_outbox
        WHERE state = 'done' AND finished_ms IS NOT NULL AND finished_ms < $1
        ORDER BY finished_ms LIMIT $2)";
    tx.execute(SQL, params![before_ms, limit]).await
}
