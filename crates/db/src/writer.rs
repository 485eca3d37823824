//! SQLite's one writer: groups queued use cases into one commit, a savepoint for each.
//!
//! A lone use case commits at once; a group takes in only what is already waiting. An fsync costs
//! milliseconds, so under load hundreds share one.

use std::sync::Arc;

use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::BoxFuture;
use crate::ballast::Ballast;
use crate::engine::Conn;
use crate::error::{DbError, Result};
use crate::limits::{GROUP_MS_MAX, GROUP_USE_CASES_MAX};
use crate::tx::{Shared, Tx};

/// A use case with whoever waits for it.
pub(crate) trait UseCase: Send {
    /// Runs it; its answer waits in [`Finished`] for the group's commit.
    fn run<'t>(self: Box<Self>, tx: &'t mut Tx) -> BoxFuture<'t, Finished>
    where
        Self: 't;

    /// Answers without having run it.
    fn refuse(self: Box<Self>, error: DbError);
}

/// A use case that has run and waits for the commit.
pub(crate) struct Finished {
    /// Whether what it wrote is to be kept.
    pub(crate) keep: bool,
    /// The topics to hint at once it is committed.
    pub(crate) hints: Vec<String>,
    /// Answers the caller: with the group's fate, or with the use case's own result.
    pub(crate) tell: Box<dyn FnOnce(Result<()>) + Send>,
}

/// The writer task.
pub(crate) struct Writer {
    /// Taken out only while a use case holds it.
    pub(crate) conn: Option<SqliteConnection>,
    pub(crate) queue: mpsc::Receiver<Box<dyn UseCase>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) ballast: Arc<Ballast>,
}

impl Writer {
    /// Serves until told to stop or every handle of the store is gone, then closes the file.
    pub(crate) async fn serve(mut self, mut stop: oneshot::Receiver<()>) {
        let mut stopping = false;
        while !stopping {
            tokio::select! {
                biased;
                _ = &mut stop => stopping = true,
                first = self.queue.recv() => match first {
                    Some(first) => self.group(first).await,
                    None => stopping = true,
                },
            }
        }
        self.queue.close();
        while let Ok(late) = self.queue.try_recv() {
            self.group(late).await;
        }
        if let Some(conn) = self.conn.take()
            && let Err(error) = conn.close().await
        {
            tracing::warn!(%error, "the records store did not close cleanly");
        }
    }

    /// One transaction: `first` and whatever waits behind it.
    async fn group(&mut self, first: Box<dyn UseCase>) {
        if let Err(error) = self.control("BEGIN IMMEDIATE").await {
            self.relieve(&error);
            return first.refuse(error);
        }
        let started_ns = self.shared.env.clock.mono_ns();
        let mut finished = Vec::new();
        let mut next = Some(first);
        let mut fate = Ok(());
        while let Some(use_case) = next {
            let (done, intact) = self.one(use_case).await;
            finished.push(done);
            fate = intact;
            if fate.is_err() {
                break;
            }
            let spent_ms = (self.shared.env.clock.mono_ns() - started_ns) / 1_000_000;
            let room = finished.len() < GROUP_USE_CASES_MAX && spent_ms < GROUP_MS_MAX;
            next = if room {
                self.queue.try_recv().ok()
            } else {
                None
            };
        }
        if fate.is_ok() {
            fate = self.control("COMMIT").await;
        }
        if let Err(error) = &fate {
            self.relieve(error);
            // Fails when SQLite has already rolled back by itself; either way nothing is left.
            let _ = self.control("ROLLBACK").await;
        }
        self.answer(finished, &fate);
    }

    /// Runs one use case inside its savepoint; the second value is the fate of the whole group.
    async fn one(&mut self, use_case: Box<dyn UseCase>) -> (Finished, Result<()>) {
        if let Err(error) = self.control("SAVEPOINT use_case").await {
            return (refused(use_case, &error), Err(error));
        }
        let Some(conn) = self.conn.take() else {
            return (refused(use_case, &DbError::Closed), Err(DbError::Closed));
        };
        let mut tx = Tx::new(Conn::Writer(conn), self.shared.clone());
        let done = use_case.run(&mut tx).await;
        let failed = tx.failed().cloned();
        if let (Conn::Writer(conn), _) = tx.into_parts() {
            self.conn = Some(conn);
        }
        if let Some(error) = &failed {
            self.relieve(error);
        }
        let mut intact = Ok(());
        if !done.keep {
            intact = self.control("ROLLBACK TO use_case").await;
        }
        if intact.is_ok() {
            intact = self.control("RELEASE use_case").await;
        }
        // A full disk makes SQLite roll back everything, savepoints too: tell the cause, not the
        // missing savepoint.
        (done, intact.map_err(|error| failed.unwrap_or(error)))
    }

    fn answer(&self, finished: Vec<Finished>, fate: &Result<()>) {
        if fate.is_ok() {
            for topic in finished.iter().flat_map(|done| &done.hints) {
                self.shared.hints.send(topic);
            }
        }
        for done in finished {
            (done.tell)(fate.clone());
        }
    }

    async fn control(&mut self, sql: &'static str) -> Result<()> {
        let conn = self.conn.as_mut().ok_or(DbError::Closed)?;
        let done = conn
            .execute((sql, Some(sqlx::sqlite::SqliteArguments::default())))
            .await;
        done.map(|_| ())
            .map_err(|error| DbError::statement_text(sql, error))
    }

    /// Gives up the ballast when the disk is full, so that the next use cases find room.
    fn relieve(&self, error: &DbError) {
        if error.is_disk_full() {
            self.ballast.free();
        }
    }
}

fn refused(use_case: Box<dyn UseCase>, error: &DbError) -> Finished {
    use_case.refuse(error.clone());
    Finished {
        keep: false,
        hints: Vec::new(),
        tell: Box::new(|_| ()),
    }
}
