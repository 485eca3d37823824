//! Use cases: one closure, all or nothing, its answer after the commit.

use std::panic::AssertUnwindSafe;
use std::result::Result;
use std::time::Duration;

use futures_util::FutureExt as _;
use sqlx::PgPool;
use stdx::Backoff;
use tokio::sync::{mpsc, oneshot};

use crate::BoxFuture;
use crate::engine::{Conn, postgres};
use crate::error::{DbError, is_collision};
use crate::hint::CHANNEL;
use crate::limits::{SERIALISE_ATTEMPTS_MAX, USE_CASE_MS_MAX};
use crate::open::{Db, Pool};
use crate::sql::Sql;
use crate::tx::Tx;
use crate::value::Value;
use crate::writer::{Finished, UseCase};

/// How much a use case is kept apart from others on PostgreSQL; SQLite runs one at a time anyway.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Isolation {
    /// As if it ran alone: load, decide, save without a thought for others. The default.
    #[default]
    Serialisable,
    /// Sees what others commit meanwhile; for statements that take their own locks, as leases do.
    Committed,
}

impl Db {
    /// Runs a use case: `db.write(move |tx| Box::pin(async move { … })).await`.
    ///
    /// `Ok` keeps everything it wrote and comes after the commit; `Err` rolls back this use case
    /// only. On PostgreSQL the closure may run again when it collides with another one: it captures
    /// by `move`, is `Clone`, and does nothing outside of `tx`.
    ///
    /// # Errors
    /// Its own, and a [`DbError`] when the store could not keep it.
    pub async fn write<T, E, F>(&self, use_case: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Clone + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.write_with(Isolation::Serialisable, use_case).await
    }

    /// As [`Db::write`], with a chosen isolation.
    ///
    /// # Errors
    /// See [`Db::write`].
    pub async fn write_with<T, E, F>(&self, isolation: Isolation, use_case: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Clone + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        match &self.0.pool {
            Pool::Sqlite { writer, .. } => queue(writer, use_case).await,
            Pool::Postgres(pool) => self.transact(pool, isolation, use_case).await,
        }
    }

    async fn transact<T, E, F>(&self, pool: &PgPool, how: Isolation, use_case: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Clone + Send + 'static,
        T: Send,
        E: From<DbError> + Send,
    {
        let begin = match how {
            Isolation::Serialisable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            Isolation::Committed => "BEGIN ISOLATION LEVEL READ COMMITTED",
        };
        let backoff = Backoff {
            first_ms: 2,
            cap_ms: 100,
        };
        for attempt in 0..SERIALISE_ATTEMPTS_MAX {
            if attempt > 0 {
                let wait_ms = backoff.wait_ms(attempt - 1, &*self.0.shared.env.entropy);
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            }
            let started = pool.begin_with(begin).await;
            let conn = started.map_err(|error| DbError::statement_text(begin, error))?;
            let mut tx = Tx::new(Conn::Postgres(conn), self.shared());
            let result = run(use_case.clone(), &mut tx).await;
            if tx.collided() {
                continue;
            }
            // An error drops the transaction, which rolls it back.
            let value = result?;
            match self.commit(tx).await {
                Ok(()) => return Ok(value),
                Err(error) if is_collision(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(DbError::Conflict {
            attempts: SERIALISE_ATTEMPTS_MAX,
        }
        .into())
    }

    async fn commit(&self, tx: Tx) -> Result<(), DbError> {
        let (conn, hints) = tx.into_parts();
        let Conn::Postgres(mut conn) = conn else {
            return Err(DbError::Closed);
        };
        for topic in &hints {
            let sql = Sql::from("SELECT pg_notify($1, $2)");
            let values = vec![Value::from(CHANNEL), Value::from(topic)];
            postgres::fetch(&mut *conn, &sql, values).await?;
        }
        conn.commit()
            .await
            .map_err(|error| DbError::statement_text("COMMIT", error))?;
        for topic in &hints {
            self.0.shared.hints.send(topic);
        }
        Ok(())
    }
}

/// Runs the closure with its time limit; a panic becomes an error, a failed statement forbids `Ok`.
async fn run<T, E, F>(use_case: F, tx: &mut Tx) -> Result<T, E>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>>,
    E: From<DbError>,
{
    let caught = AssertUnwindSafe(async { use_case(tx).await }).catch_unwind();
    let limit = Duration::from_millis(USE_CASE_MS_MAX);
    let result = match tokio::time::timeout(limit, caught).await {
        Err(_) => Err(DbError::TooSlow {
            limit_ms: USE_CASE_MS_MAX,
        }
        .into()),
        Ok(Err(panic)) => Err(DbError::Panicked(said(&*panic)).into()),
        Ok(Ok(result)) => result,
    };
    match (result, tx.failed()) {
        (Ok(_), Some(_)) => Err(DbError::Aborted.into()),
        (result, _) => result,
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".into())
}

async fn queue<T, E, F>(writer: &mpsc::Sender<Box<dyn UseCase>>, use_case: F) -> Result<T, E>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    let queued = Box::new(Queued { use_case, answer });
    writer.send(queued).await.map_err(|_| DbError::Closed)?;
    answered
        .await
        .unwrap_or_else(|_| Err(DbError::Closed.into()))
}

/// A use case on its way to SQLite's writer, with the caller who waits for it.
struct Queued<T, E, F> {
    use_case: F,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> UseCase for Queued<T, E, F>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    fn run<'t>(self: Box<Self>, tx: &'t mut Tx) -> BoxFuture<'t, Finished>
    where
        Self: 't,
    {
        Box::pin(async move {
            let Self { use_case, answer } = *self;
            let result = run(use_case, tx).await;
            let keep = result.is_ok();
            // A caller who no longer waits changes nothing: the use case is kept all the same.
            let tell = move |group: Result<(), DbError>| {
                let _ = answer.send(group.map_err(E::from).and(result));
            };
            Finished {
                keep,
                hints: if keep { tx.hints() } else { Vec::new() },
                tell: Box::new(tell),
            }
        })
    }

    fn refuse(self: Box<Self>, error: DbError) {
        let _ = self.answer.send(Err(error.into()));
    }
}
