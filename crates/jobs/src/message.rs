//! A message on its way: leased by one worker, handled, settled.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use db::{Db, DbError, Dialect, Isolation, Query as _, Result, Row, Sql, Tx, params};
use model::MessageId;
use serde::de::DeserializeOwned;

/// One attempt to deliver one message.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The message; the same in every attempt, so fit as an idempotency key towards others.
    pub id: MessageId,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Whether the message is given up if this attempt fails.
    pub last: bool,
    /// When the message was left, in UTC milliseconds.
    pub created_ms: i64,
    /// Its payload, as JSON text.
    pub payload: String,
    settled: Arc<AtomicBool>,
}

/// Why a delivery failed, and what becomes of the message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Failure {
    /// It may work later: try again after the policy's back-off.
    Retry(String),
    /// It may work at a known time, such as a provider's `Retry-After`; UTC milliseconds.
    RetryAt(i64, String),
    /// It will never work: give it up now.
    Never(String),
}

impl Failure {
    /// It may work later.
    #[must_use]
    pub fn retry(why: &impl ToString) -> Self {
        Self::Retry(why.to_string())
    }

    /// It will never work.
    #[must_use]
    pub fn never(why: &impl ToString) -> Self {
        Self::Never(why.to_string())
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Retry(error.to_string())
    }
}

/// What a worker does with each message. Idempotent: a message may come again after it succeeded.
/// A plain `async` closure that takes a [`Delivery`] is a handler too.
pub trait Handler: Send + Sync + 'static {
    /// Handles one message.
    ///
    /// # Errors
    /// What becomes of it otherwise.
    fn handle(
        &self,
        delivery: Delivery,
    ) -> impl Future<Output = std::result::Result<(), Failure>> + Send;
}

impl<F, Fut> Handler for F
where
    F: Fn(Delivery) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = std::result::Result<(), Failure>> + Send,
{
    async fn handle(&self, delivery: Delivery) -> std::result::Result<(), Failure> {
        self(delivery).await
    }
}

impl Delivery {
    /// The payload as the type that was left.
    ///
    /// # Errors
    /// [`Failure::Never`] when it is of another shape: no later attempt can read it either.
    pub fn read<T: DeserializeOwned>(&self) -> std::result::Result<T, Failure> {
        let read = serde_json::from_str(&self.payload);
        read.map_err(|error| Failure::Never(format!("cannot read the message: {error}")))
    }

    /// Settles the message in the handler's own transaction, beside what the handler wrote: both
    /// are kept, or neither. The handler then returns `Ok`.
    ///
    /// # Errors
    /// [`DbError::Aborted`] when the lease was lost to another worker; the transaction must be
    /// rolled back.
    pub async fn done_in(&self, tx: &mut Tx) -> Result<()> {
        if settle(tx, self, &Verdict::Done).await? {
            self.settled.store(true, Ordering::Relaxed);
            return Ok(());
        }
        Err(DbError::Aborted)
    }

    /// Whether [`Delivery::done_in`] was called.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Relaxed)
    }
}

/// What becomes of a message.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// Delivered.
    Done,
    /// To be tried again at this time.
    Again(i64, String),
    /// Given up.
    Dead(String),
}

/// What a worker asks for when it leases messages.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) topic: String,
    pub(crate) holder: String,
    pub(crate) lease_ms: u64,
    pub(crate) attempts_max: u32,
    pub(crate) limit: usize,
}

/// Leases due messages, the longest waiting first; also those whose lease ran out.
pub(crate) async fn lease(db: &Db, claim: Claim) -> Result<Vec<Delivery>> {
    let locked = match db.dialect() {
        // One writer: nobody else can be choosing the same rows.
        Dialect::Sqlite => "",
        Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
    };
    let sql = format!(
        "UPDATE core_outbox SET state = 'leased', holder = $1, attempts = attempts + 1, due_ms = $2
         WHERE id IN (SELECT id FROM core_outbox
           WHERE topic = $3 AND finished_ms IS NULL AND due_ms <= $4
           ORDER BY due_ms, id LIMIT $5 {locked})
         RETURNING id, attempts, created_ms, payload"
    );
    let max = claim.attempts_max;
    db.write_with(Isolation::Committed, move |tx| {
        Box::pin(async move {
            let now_ms = tx.now_ms();
            let until_ms = now_ms.saturating_add_unsigned(claim.lease_ms);
            let values = params![claim.holder, until_ms, claim.topic, now_ms, claim.limit];
            let rows = tx.fetch_all(Sql::assembled(sql), values).await?;
            let mut taken: Vec<_> = rows
                .iter()
                .map(|row| read(row, max))
                .collect::<Result<_>>()?;
            taken.sort_by_key(|delivery| delivery.id);
            Ok(taken)
        })
    })
    .await
}

fn read(row: &Row, attempts_max: u32) -> Result<Delivery> {
    let attempt = row.number("attempts")?;
    Ok(Delivery {
        id: row.id("id")?,
        attempt,
        last: attempt >= attempts_max,
        created_ms: row.int("created_ms")?,
        payload: row.text("payload")?,
        settled: Arc::default(),
    })
}

/// When the next message of a topic is due, in UTC milliseconds.
pub(crate) async fn next_due_ms(db: &Db, topic: &str) -> Result<Option<i64>> {
    const SQL: &str =
        "SELECT min(due_ms) AS due_ms FROM core_outbox WHERE topic = $1 AND finished_ms IS NULL";
    db.reader()
        .fetch_one(SQL, params![topic])
        .await?
        .opt_int("due_ms")
}

/// Writes the verdict, unless the lease was lost meanwhile; whether it was written.
pub(crate) async fn settle(tx: &mut Tx, delivery: &Delivery, verdict: &Verdict) -> Result<bool> {
    const SQL: &str = "UPDATE core_outbox
        SET state = $1, due_ms = $2, finished_ms = $3, error = $4, holder = NULL
        WHERE id = $5 AND attempts = $6 AND state = 'leased'";
    let now_ms = tx.now_ms();
    let (state, due_ms, finished_ms, error) = match verdict {
        Verdict::Done => ("done", now_ms, Some(now_ms), None),
        Verdict::Again(at_ms, why) => ("ready", *at_ms, None, Some(why.as_str())),
        Verdict::Dead(why) => ("dead", now_ms, Some(now_ms), Some(why.as_str())),
    };
    let values = params![
        state,
        due_ms,
        finished_ms,
        error,
        delivery.id,
        delivery.attempt
    ];
    Ok(tx.execute(SQL, values).await? > 0)
}
