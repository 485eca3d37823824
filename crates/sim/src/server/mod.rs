//! The product itself, wired as the server wires it, and driven one stage at a time.
//!
//! *Takes* batches, time and the moment at which it is to be killed. *Leaves* records, receipts and
//! the judge's state. Everything but the log of batches and the inventory is the real code.

mod edits;
mod notices;
mod setup;
mod start;

pub(crate) use setup::PATHS;

use std::sync::Arc;

use db::Db;
use jobs::Policy;
use judge::{MarkKind, WalPosition};
use model::flow::{Message, Outcome, Transition, decode};
use model::{ChannelId, RuleId};
use notice::courier::Lane;
use problem::Ports;
use problem::jobs::Settler;
use stdx::{Env, VirtualClock};
use testkit::TempDir;
use watch::{Arrival, Driver, Marked, Update, Watch};

use crate::config::Sabotage;
use crate::dice::Dice;
use crate::ground::{Catalogue, Directory, Log, Logged};
use crate::hosts::{Batch, Sent};
use crate::rules::RuleSpec;
use crate::sink::{Cut, Sink};

/// How often the judge's state is kept, milliseconds, as in the server.
const SNAPSHOT_MS: i64 = 10_000;
/// A live batch later than this is stored and drawn, not judged, as in `fleet`.
const LATE_MS: i64 = 60_000;
const LATE_INTERVALS: i64 = 6;

/// Where the server is killed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KillAt {
    /// A batch came and is not in the log yet.
    BeforeLog,
    /// A batch is in the log and not judged.
    BeforeJudge,
    /// Transitions are known and not recorded.
    BeforeProblem,
    /// Somewhere while they are recorded.
    InProblem,
    /// Problems are recorded, nobody has decided on notices.
    BeforeNotice,
    /// Somewhere while it is decided on notices.
    InNotice,
    /// A notice is leased and has not left.
    BeforeSend,
    /// A notice arrived and its answer did not.
    AfterSend,
    /// Between two steps.
    Idle,
}

impl KillAt {
    pub(crate) const ALL: [Self; 9] = [
        Self::BeforeLog,
        Self::BeforeJudge,
        Self::BeforeProblem,
        Self::InProblem,
        Self::BeforeNotice,
        Self::InNotice,
        Self::BeforeSend,
        Self::AfterSend,
        Self::Idle,
    ];
}

/// The server was killed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Killed;

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Whether the agent may forget it.
    pub(crate) acknowledged: bool,
    /// Whether it went into the log to be judged.
    pub(crate) judged: bool,
}

/// What a kill takes away.
pub(crate) struct Running {
    pub(crate) driver: Driver,
    settler: Settler,
    lanes: Vec<Lane>,
    updates: Vec<Update>,
    kept_ms: i64,
}

/// One installation: what is on its disks, and the server while it runs.
pub(crate) struct Installation {
    pub(crate) env: Env,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) db: Db,
    url: String,
    pub(crate) log: Log,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) rules: Vec<(RuleId, RuleSpec)>,
    pub(crate) silent_rule: RuleId,
    notices: notice::Context,
    channels: Vec<ChannelId>,
    pub(crate) sink: Sink,
    pub(crate) sabotage: Option<Sabotage>,
    pub(crate) plan: Option<KillAt>,
    pub(crate) running: Option<Running>,
    dice: Dice,
    _folder: TempDir,
}

impl Installation {
    pub(crate) fn now_ms(&self) -> i64 {
        self.env.clock.now_ms()
    }

    fn mono_ms(&self) -> u64 {
        self.env.clock.mono_ns() / 1_000_000
    }

    pub(crate) fn is_up(&self) -> bool {
        self.running.is_some()
    }

    /// The judge, while the server runs.
    pub(crate) fn driver(&self) -> Option<&Driver> {
        self.running.as_ref().map(|running| &running.driver)
    }

    /// Whether memory knows of changes that the records do not.
    pub(crate) fn has_unrecorded(&self) -> bool {
        self.running
            .as_ref()
            .is_some_and(|running| !running.updates.is_empty())
    }

    fn ports(&self) -> Ports {
        Ports {
            hosts: self.directory.clone(),
            rules: self.directory.clone(),
            repairs: Arc::new(problem::NoRepairs),
        }
    }

    fn watch(&self) -> Watch {
        Watch::new(self.db.clone())
    }

    /// Dies here if that was planned.
    fn reach(&mut self, at: KillAt) -> Result<(), Killed> {
        if self.plan == Some(at) {
            Err(Killed)
        } else {
            Ok(())
        }
    }

    /// A batch arrives: log, judge, acknowledge.
    pub(crate) fn take(&mut self, sent: &Sent, interval_ms: i64) -> (Taken, Result<(), Killed>) {
        let mut taken = Taken::default();
        let result = self.take_in(sent, interval_ms, &mut taken);
        (taken, result)
    }

    fn take_in(&mut self, sent: &Sent, interval_ms: i64, to: &mut Taken) -> Result<(), Killed> {
        self.reach(KillAt::BeforeLog)?;
        let (now_ms, mono_ms) = (self.now_ms(), self.mono_ms());
        let Batch {
            host,
            at_ms,
            samples,
        } = &sent.batch;
        let late_ms = LATE_MS.max(LATE_INTERVALS * interval_ms);
        let fresh = sent.live && now_ms - at_ms <= late_ms;
        let live = fresh || self.sabotage == Some(Sabotage::JudgeBacklog);
        self.log.append(Logged {
            live,
            samples: samples.clone(),
        });
        to.judged = fresh;
        self.reach(KillAt::BeforeJudge)?;
        let skipped = self.sabotage == Some(Sabotage::SkipSamples) && self.dice.permille(10);
        let Some(running) = self.running.as_mut() else {
            return Err(Killed);
        };
        let updates = if live && !skipped {
            running.driver.ingest(Arrival {
                host: *host,
                mono_ms,
                now_ms,
                samples,
            })
        } else {
            running.driver.heard(*host, mono_ms, now_ms)
        };
        running.updates.extend(updates);
        to.acknowledged = true;
        Ok(())
    }

    /// A second passes for the judge.
    pub(crate) fn tick(&mut self) {
        let (now_ms, mono_ms) = (self.now_ms(), self.mono_ms());
        if self.sabotage == Some(Sabotage::IgnoreSilence) {
            return;
        }
        if let Some(running) = self.running.as_mut() {
            let updates = running.driver.tick(mono_ms, now_ms);
            running.updates.extend(updates);
        }
    }

    /// What judging left goes into the records, in order; then the judge's state is kept.
    pub(crate) async fn record(&mut self) -> Result<(), Killed> {
        let Some(running) = self.running.as_mut() else {
            return Err(Killed);
        };
        let updates = std::mem::take(&mut running.updates);
        if !updates.is_empty() {
            self.reach(KillAt::BeforeProblem)?;
            let planned = self.plan == Some(KillAt::InProblem);
            let polls = planned.then(|| self.dice.below(12));
            let (db, ports) = (self.db.clone(), self.ports());
            let Some(running) = self.running.as_ref() else {
                return Err(Killed);
            };
            until_killed(polls, apply(&db, &ports, &running.driver, updates)).await?;
        }
        let now_ms = self.now_ms();
        let due = |running: &Running| now_ms - running.kept_ms >= SNAPSHOT_MS;
        if self.running.as_ref().is_some_and(due) {
            self.keep();
        }
        Ok(())
    }

    /// Keeps the judge's state; everything judged so far must be in the records.
    fn keep(&mut self) {
        let now_ms = self.now_ms();
        let position = self.log.end();
        let wal = WalPosition {
            segment: 0,
            offset: position as u64,
        };
        if let Some(running) = self.running.as_mut() {
            running.kept_ms = now_ms;
            let bytes = running.driver.snapshot(wal, now_ms);
            self.log.keep(position, bytes);
        }
    }

    /// Time's own changes of problems, then decisions on notices, then their sending.
    pub(crate) async fn tell(&mut self) -> Result<(), Killed> {
        let Some(running) = self.running.as_mut() else {
            return Err(Killed);
        };
        running
            .settler
            .run(&self.db)
            .await
            .expect("problems settled");
        self.reach(KillAt::BeforeNotice)?;
        self.lose_dispatch().await;
        let planned = self.plan == Some(KillAt::InNotice);
        let polls = planned.then(|| self.dice.below(12));
        until_killed(polls, notices::decide_all(&self.db, &self.notices)).await?;
        self.spoil_ledger().await;
        let cut = match self.plan {
            Some(KillAt::BeforeSend) => Some(Cut::Before),
            Some(KillAt::AfterSend) => Some(Cut::After),
            _ => None,
        };
        self.sink.interrupt(cut);
        let Some(running) = self.running.as_mut() else {
            return Err(Killed);
        };
        for lane in &mut running.lanes {
            tokio::select! {
                biased;
                sent = lane.run_due() => sent.map(drop).expect("a lane's round"),
                () = self.sink.interrupted(), if cut.is_some() => return Err(Killed),
            }
        }
        self.sink.interrupt(None);
        Ok(())
    }

    /// Brings the ends of notices back to their problems, with the real worker.
    pub(crate) async fn feed_back(&self) {
        let (trigger, shutdown) = jobs::shutdown();
        let (db, topic) = (self.db.clone(), Outcome::KIND);
        let policy = Policy {
            concurrency: 64,
            period_ms: 5,
            ..Policy::default()
        };
        let handler = {
            let db = self.db.clone();
            move |delivery: jobs::Delivery| take_outcome(db.clone(), delivery)
        };
        let worker = tokio::spawn(jobs::Worker::new(db, topic, handler, policy).run(shutdown));
        loop {
            let waiting = jobs::backlog(&mut self.db.reader())
                .await
                .expect("the outbox");
            let waits = |one: &jobs::Backlog| one.topic == topic && one.ready + one.leased > 0;
            if !waiting.iter().any(waits) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        trigger.fire();
        worker.await.expect("a worker ends when told");
    }
}

async fn take_outcome(db: Db, delivery: jobs::Delivery) -> Result<(), jobs::Failure> {
    let outcome: Outcome =
        decode(&delivery.payload).map_err(|error| jobs::Failure::never(&error))?;
    let taken: problem::Result<()> = db
        .write(move |tx| {
            Box::pin(async move {
                problem::service::take_outcome(tx, &[outcome]).await?;
                Ok(delivery.done_in(tx).await?)
            })
        })
        .await;
    taken.map_err(|error| jobs::Failure::retry(&error))
}

/// Transitions and marks into the records, in order, as the server's flow does it.
async fn apply(db: &Db, ports: &Ports, driver: &Driver, updates: Vec<Update>) {
    let mut transitions: Vec<Transition> = Vec::new();
    for update in updates {
        match update {
            Update::Transition(transition) => transitions.push(transition),
            Update::Marked(marked) => {
                let before = std::mem::take(&mut transitions);
                problem::service::apply(db, ports, before)
                    .await
                    .expect("problems applied");
                mark(db, driver, &marked).await;
            }
        }
    }
    problem::service::apply(db, ports, transitions)
        .await
        .expect("problems applied");
}

async fn mark(db: &Db, driver: &Driver, marked: &Marked) {
    let host = marked.target.ci;
    let silent = driver.is_silent(host);
    let done = match marked.kind {
        MarkKind::NoData if silent => {
            // The problem that tells of the silence opens behind these marks.
            problem::service::freeze_host(db, host, marked.at_ms, None).await
        }
        MarkKind::Judged if !silent => problem::service::thaw_host(db, host).await,
        _ => Ok(0),
    };
    done.map(drop).expect("problems marked");
}

/// Runs to the end, or for so many turns of the runtime and then never again.
async fn until_killed(polls: Option<u64>, work: impl Future<Output = ()>) -> Result<(), Killed> {
    let Some(polls) = polls else {
        work.await;
        return Ok(());
    };
    let time = async {
        for _ in 0..polls {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = time => {}
        () = work => {}
    }
    // Whether it was through or not: the process is gone.
    Err(Killed)
}
