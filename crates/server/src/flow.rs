//! The flow: the one file that joins stages. A stage leaves a message; here is who takes it.
//!
//! ```text
//! ingest ─Stage→ problem ─┬─outbox `dispatch`──→ notice ──outbox `outcome`─┐
//!                 ▲       └─outbox `run-order`─→ remedy ──outbox `outcome`─┤
//!                 └────────────────────────────────────────────────────────┘
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use db::{Db, Tx};
use jobs::{Delivery, Failure, Handler, Policy, Reconciler, Shutdown, Worker};
use judge::MarkKind;
use model::flow::{Message, Outcome, RunOrder, Transition, decode};
use model::limits;
use problem::{Ports, ProblemError};
use remedy::Surgeon;
use stdx::Backoff;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tsdb::{Tsdb, WalPosition};
use watch::{Driver, Marked, Update};

use crate::ingest::Stage;

/// Everything the stages behind `problem` need.
pub(crate) struct Stages {
    pub(crate) db: Db,
    pub(crate) ports: Ports,
    pub(crate) notices: notice::Context,
    pub(crate) surgeon: Surgeon,
}

/// Starts every stage behind the opening of problems; they end after the shutdown, what is begun is
/// finished.
pub(crate) fn start(stages: Stages, running: &mut JoinSet<()>, shutdown: &Shutdown) {
    let Stages {
        db,
        ports,
        notices,
        surgeon,
    } = stages;

    // problem → notice
    running.spawn(notice::courier::run(db.clone(), notices, shutdown.clone()));

    // problem, people → remedy
    let patience = Policy {
        timeout_ms: limits::RUN_TIME_MS_MAX + 60_000,
        attempts_max: 3,
        ..Policy::default()
    };
    let orders = Worker::new(db.clone(), RunOrder::KIND, surgeon.clone(), patience);
    running.spawn(orders.run(shutdown.clone()));
    let review = Reconciler::new(db.clone(), "verify runs", 1_000).hinted_by(problem::CHANGED);
    running.spawn(review.run(shutdown.clone(), move || {
        let surgeon = surgeon.clone();
        async move { surgeon.reconcile().await }
    }));

    // notice, remedy → problem
    let outcomes = Worker::new(
        db.clone(),
        Outcome::KIND,
        Feedback(db.clone()),
        Policy::default(),
    );
    running.spawn(outcomes.run(shutdown.clone()));

    // time → problem
    let settler = Arc::new(Mutex::new(problem::jobs::Settler::new(ports)));
    let settle = Reconciler::new(db.clone(), "settle problems", 1_000).hinted_by(problem::COVERS);
    running.spawn(settle.run(shutdown.clone(), move || {
        let (settler, db) = (settler.clone(), db.clone());
        async move { settler.lock().await.run(&db).await.map(drop) }
    }));
}

/// ingest → problem: takes what judging found out into the records, in order, and keeps the judge's
/// state behind it.
pub(crate) struct Opener {
    db: Db,
    tsdb: Arc<Tsdb>,
    driver: Arc<Driver>,
    ports: Ports,
    snapshot: PathBuf,
}

impl Opener {
    /// The stage over both stores.
    pub(crate) fn new(
        (db, tsdb): (Db, Arc<Tsdb>),
        driver: Arc<Driver>,
        ports: Ports,
        snapshot: PathBuf,
    ) -> Self {
        Self {
            db,
            tsdb,
            driver,
            ports,
            snapshot,
        }
    }

    /// Ends when the data plane has ended and everything it left is kept.
    pub(crate) async fn run(self, mut staged: mpsc::Receiver<Stage>) {
        while let Some(stage) = staged.recv().await {
            match stage {
                Stage::Updates(updates) => self.take(updates).await,
                Stage::Snapshot { position, bytes } => self.keep(position, bytes).await,
            }
        }
    }

    async fn take(&self, updates: Vec<Update>) {
        let mut transitions: Vec<Transition> = Vec::new();
        for update in updates {
            match update {
                Update::Transition(transition) => transitions.push(transition),
                Update::Marked(marked) => {
                    self.apply(std::mem::take(&mut transitions)).await;
                    self.mark(&marked).await;
                }
            }
        }
        self.apply(transitions).await;
    }

    /// Applies until it is kept: without the records nothing may go on, and judging waits.
    async fn apply(&self, transitions: Vec<Transition>) {
        if transitions.is_empty() {
            return;
        }
        let backoff = Backoff {
            first_ms: 50,
            cap_ms: 5_000,
        };
        for attempt in 0.. {
            let applied = problem::service::apply(&self.db, &self.ports, transitions.clone()).await;
            let Err(error) = applied else { return };
            tracing::error!(%error, attempt, "transitions cannot be kept yet; judging waits");
            let wait_ms = backoff.wait_ms(attempt, &*self.db.env().entropy);
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
    }

    async fn mark(&self, marked: &Marked) {
        let host = marked.target.ci;
        let silent = self.driver.is_silent(host);
        let done = match marked.kind {
            MarkKind::NoData if silent => {
                // The problem that tells of the silence opens behind these marks.
                problem::service::freeze_host(&self.db, host, marked.at_ms, None).await
            }
            MarkKind::Judged if !silent => problem::service::thaw_host(&self.db, host).await,
            _ => Ok(0),
        };
        if let Err(error) = done {
            tracing::warn!(host.id = %host, %error, "a mark of problems was not kept");
        }
    }

    async fn keep(&self, position: WalPosition, bytes: Vec<u8>) {
        let (tsdb, path) = (self.tsdb.clone(), self.snapshot.clone());
        let kept = tokio::task::spawn_blocking(move || -> Result<(), String> {
            // A snapshot must never name samples that a crash could still take away.
            tsdb.wait_durable(position, 30_000)
                .map_err(|error| error.to_string())?;
            watch::save_snapshot(&path, &bytes).map_err(|error| error.to_string())?;
            tsdb.set_checkpoint(position)
                .map_err(|error| error.to_string())
        });
        if let Ok(Err(error)) = kept.await {
            tracing::warn!(%error, "the judge's state was not kept; the log is kept longer instead");
        }
    }
}

/// Brings results back to the problems that wait for them.
struct Feedback(Db);

impl Handler for Feedback {
    async fn handle(&self, delivery: Delivery) -> Result<(), Failure> {
        let outcome: Outcome = decode(&delivery.payload).map_err(|error| Failure::never(&error))?;
        let taken: Result<(), ProblemError> = self
            .0
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    problem::service::take_outcome(tx, &[outcome]).await?;
                    Ok(delivery.done_in(tx).await?)
                })
            })
            .await;
        taken.map_err(|error| Failure::retry(&error))
    }
}
