//! The data plane: one thread stores and judges batches in the order in which they came.
//!
//! *Takes* batches from `fleet`. *Leaves* [`Stage`] items: transitions, and snapshots of the judge
//! behind the transitions that they contain. *Never* sheds: a full queue makes acknowledgements wait.
//!
//! A batch is judged while its log group syncs, and acknowledged once it is durable and judged.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use db::BoxFuture;
use fleet::{Ingest, IngestBatch, IngestRefused};
use judge::Sample;
use model::{CiId, Labels, METRIC_NAME, limits};
use stdx::Env;
use tokio::sync::{mpsc, oneshot};
use tsdb::{AppendBatch, ReplayRecord, SeriesId, Tsdb, WalPosition};
use watch::{Arrival, Driver, Update};

use crate::wiring::CI_LABEL;

/// Batches stored and judged before their transitions leave; bounds the latency of the first.
const GROUP_BATCHES_MAX: usize = 256;
/// Items that wait for the records store before judging waits too.
const STAGE_QUEUE_MAX: usize = 256;
/// How often timers of silent hosts are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often the judge's state is kept.
const SNAPSHOT_EVERY_NS: u64 = 10_000_000_000;
/// Transitions replayed at start before they are handed on.
const REPLAY_CHUNK: usize = 1_000;

/// What leaves the data plane, in order.
pub(crate) enum Stage {
    /// Severities or marks changed.
    Updates(Vec<Update>),
    /// The judge's state, to be kept once everything before is in the records store.
    Snapshot {
        position: WalPosition,
        bytes: Vec<u8>,
    },
}

/// A change of what is judged; takes the driver and now, in UTC milliseconds.
type Edit = Box<dyn FnOnce(&Driver, i64) -> Vec<Update> + Send>;

/// What comes in.
enum Work {
    /// A batch and who waits for its acknowledgement.
    Batch(IngestBatch, oneshot::Sender<Result<(), IngestRefused>>),
    /// A change of what is judged: rules, hosts. It goes through the same thread as samples, so that
    /// what it leaves keeps its place among their transitions.
    Edit(Edit),
    /// Somebody asks how long what comes in waits.
    Reach(oneshot::Sender<()>),
}

/// Answers that wait for their log position to be durable.
type Unsynced = Arc<Mutex<VecDeque<(WalPosition, oneshot::Sender<Result<(), IngestRefused>>)>>>;

/// The entry of the data plane, for `fleet`.
#[derive(Clone)]
pub(crate) struct Intake {
    queue: mpsc::Sender<Work>,
}

impl Intake {
    /// Changes what is judged, in order with the samples.
    pub(crate) async fn edit(
        &self,
        edit: impl FnOnce(&Driver, i64) -> Vec<Update> + Send + 'static,
    ) {
        // Without a receiver the program is stopping and nothing is judged any more.
        drop(self.queue.send(Work::Edit(Box::new(edit))).await);
    }

    /// Returns when everything that came in before has been stored and judged.
    pub(crate) async fn reach(&self) {
        let (answer, answered) = oneshot::channel();
        // Without a receiver the program is stopping and nothing waits any more.
        drop(self.queue.send(Work::Reach(answer)).await);
        drop(answered.await);
    }
}

impl Ingest for Intake {
    fn accept(&self, batch: IngestBatch) -> BoxFuture<'_, Result<(), IngestRefused>> {
        Box::pin(async move {
            let gone = || IngestRefused::NotNow("the server is stopping".to_owned());
            let (answer, answered) = oneshot::channel();
            self.queue
                .send(Work::Batch(batch, answer))
                .await
                .map_err(|_| gone())?;
            answered.await.unwrap_or_else(|_| Err(gone()))
        })
    }
}

/// The thread's state.
pub(crate) struct DataPlane {
    tsdb: Arc<Tsdb>,
    driver: Arc<Driver>,
    env: Env,
    known_series: u32,
    /// The series that notes late passes, of each host that had one.
    late: HashMap<CiId, SeriesId>,
    stage: mpsc::Sender<Stage>,
    unsynced: Unsynced,
    kept_ns: u64,
    /// What is judged changed: the log before must never be judged by the new rules.
    edited: bool,
}

impl DataPlane {
    /// The data plane over a store and a judge. Leaves its items in the returned queue.
    pub(crate) fn new(
        tsdb: Arc<Tsdb>,
        driver: Arc<Driver>,
        env: Env,
    ) -> (Self, mpsc::Receiver<Stage>) {
        let (stage, staged) = mpsc::channel(STAGE_QUEUE_MAX);
        let unsynced = Unsynced::default();
        let acknowledge = Arc::clone(&unsynced);
        tsdb.on_durable(move |durable| answer_durable(&acknowledge, durable));
        let kept_ns = env.clock.mono_ns();
        (
            Self {
                tsdb,
                driver,
                env,
                known_series: 0,
                late: HashMap::new(),
                stage,
                unsynced,
                kept_ns,
                edited: false,
            },
            staged,
        )
    }

    /// Leaves updates that came of something else than samples; blocks while the stage is full.
    pub(crate) fn leave(&self, updates: Vec<Update>) {
        // If the receiver is gone the program is ending.
        drop(self.stage.blocking_send(Stage::Updates(updates)));
    }

    /// Judges the log after `from`; to be called once, before anything is taken in, beside a running
    /// receiver of the stage items.
    pub(crate) fn replay(&mut self, from: WalPosition) -> tsdb::Result<tsdb::ReplayReport> {
        let (driver, stage) = (&self.driver, &self.stage);
        let mut out = Vec::new();
        // If the receiver is gone the program is ending.
        let leave = |out: &mut Vec<Update>| {
            drop(stage.blocking_send(Stage::Updates(std::mem::take(out))));
        };
        let report = self.tsdb.replay_from(from, |record: ReplayRecord| {
            if !Tag::of(record.batch.tag).live {
                return;
            }
            let samples = judged(&record.batch);
            let latest_ms = samples.iter().map(|sample| sample.at_ms).max().unwrap_or(0);
            out.extend(driver.replay(&samples, latest_ms));
            if out.len() >= REPLAY_CHUNK {
                leave(&mut out);
            }
        })?;
        leave(&mut out);
        Ok(report)
    }

    /// Starts the thread; it ends when every [`Intake`] is dropped.
    pub(crate) fn start(mut self) -> std::io::Result<(Intake, std::thread::JoinHandle<()>)> {
        let (queue, mut queued) = mpsc::channel(limits::INGEST_QUEUE_BATCHES_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let thread = std::thread::Builder::new()
            .name("ingest".to_owned())
            .spawn(move || {
                runtime.block_on(async move { self.run(&mut queued).await });
            })?;
        Ok((Intake { queue }, thread))
    }

    async fn run(&mut self, queued: &mut mpsc::Receiver<Work>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut group = Vec::new();
        loop {
            let mut out = Vec::new();
            tokio::select! {
                taken = queued.recv_many(&mut group, GROUP_BATCHES_MAX) => {
                    if taken == 0 {
                        break;
                    }
                    for work in group.drain(..) {
                        match work {
                            Work::Batch(batch, answer) => self.take(&batch, answer, &mut out),
                            Work::Edit(edit) => {
                                out.extend(edit(&self.driver, self.now_ms()));
                                self.edited = true;
                            }
                            Work::Reach(answer) => drop(answer.send(())),
                        }
                    }
                }
                _ = ticks.tick() => out.extend(self.driver.tick(self.mono_ms(), self.now_ms())),
            }
            if !out.is_empty() && self.stage.send(Stage::Updates(out)).await.is_err() {
                break;
            }
            if self.keep_is_due() && !self.keep().await {
                break;
            }
        }
        // A last snapshot makes the next start short; without it the log is judged again.
        self.keep().await;
    }

    fn take(
        &mut self,
        batch: &IngestBatch,
        answer: oneshot::Sender<Result<(), IngestRefused>>,
        out: &mut Vec<Update>,
    ) {
        let mut stored = AppendBatch::new(batch.host.bits(), Tag::from(batch).bits());
        for sample in &batch.samples {
            stored.push(SeriesId(sample.series), batch.time_ms, sample.value);
        }
        if !batch.live {
            self.note_late(batch, &mut stored);
        }
        match self.tsdb.append(&stored) {
            Ok(position) => {
                self.learn_series();
                out.extend(self.judge(batch, &stored));
                lock(&self.unsynced).push_back((position, answer));
                // The log may have become durable between `append` and the push.
                answer_durable(&self.unsynced, self.tsdb.durable_position());
            }
            Err(error) => drop(answer.send(Err(refused(&error)))),
        }
    }

    /// Notes beside a late pass that it came late: graphs shade what was not judged.
    fn note_late(&mut self, batch: &IngestBatch, stored: &mut AppendBatch) {
        let known = self.late.get(&batch.host).copied();
        let Some(series) = known.or_else(|| self.late_series(batch.host)) else {
            return;
        };
        self.late.insert(batch.host, series);
        stored.push(series, batch.time_ms, 1.0);
    }

    fn late_series(&self, host: CiId) -> Option<SeriesId> {
        let named = [
            (METRIC_NAME.to_owned(), desk::LATE_SERIES.to_owned()),
            (CI_LABEL.to_owned(), host.to_string()),
        ];
        let made = Labels::new(named)
            .map_err(|error| error.to_string())
            .and_then(|labels| {
                self.tsdb
                    .resolve(&labels)
                    .map_err(|error| error.to_string())
            });
        made.inspect_err(|error| tracing::warn!(%error, "late passes are not noted"))
            .ok()
    }

    fn judge(&self, batch: &IngestBatch, stored: &AppendBatch) -> Vec<Update> {
        let (mono_ms, now_ms) = (self.mono_ms(), self.now_ms());
        if !batch.live {
            return self.driver.heard(batch.host, mono_ms, now_ms);
        }
        let samples = judged(stored);
        self.driver.ingest(Arrival {
            host: batch.host,
            mono_ms,
            now_ms,
            samples: &samples,
        })
    }

    /// Takes it that the judge knows every series there is: each host brought its own when it was
    /// made known. Only those that come from now on are told it.
    pub(crate) fn know_series(&mut self) {
        self.known_series = self.tsdb.series_count();
    }

    /// Tells the judge of series that it does not know yet.
    fn learn_series(&mut self) {
        let count = self.tsdb.series_count();
        for id in self.known_series..count {
            let Some(labels) = self.tsdb.labels(SeriesId(id)) else {
                continue;
            };
            if let Some(host) = host_of(&labels) {
                self.driver.on_new_series(id, host, &labels, self.now_ms());
            }
        }
        self.known_series = count;
    }

    fn keep_is_due(&self) -> bool {
        let since_ns = self.env.clock.mono_ns().saturating_sub(self.kept_ns);
        self.edited || since_ns >= SNAPSHOT_EVERY_NS
    }

    fn now_ms(&self) -> i64 {
        self.env.clock.now_ms()
    }

    fn mono_ms(&self) -> u64 {
        self.env.clock.mono_ns() / 1_000_000
    }

    async fn keep(&mut self) -> bool {
        self.kept_ns = self.env.clock.mono_ns();
        self.edited = false;
        let position = self.tsdb.end_position();
        let wal = judge::WalPosition {
            segment: 0,
            offset: position.0,
        };
        let bytes = self.driver.snapshot(wal, self.now_ms());
        self.stage
            .send(Stage::Snapshot { position, bytes })
            .await
            .is_ok()
    }
}

/// The host that a series belongs to.
pub(crate) fn host_of(labels: &Labels) -> Option<CiId> {
    labels.get(CI_LABEL)?.parse().ok()
}

fn judged(batch: &AppendBatch) -> Vec<Sample> {
    batch
        .iter()
        .map(|(series, at_ms, value)| Sample {
            series: series.0,
            at_ms,
            value,
        })
        .collect()
}

fn answer_durable(unsynced: &Unsynced, durable: WalPosition) {
    let mut waiting = lock(unsynced);
    while waiting
        .front()
        .is_some_and(|(position, _)| *position <= durable)
    {
        if let Some((_, answer)) = waiting.pop_front() {
            // A connection that is gone sends the batch again and learns that it is known.
            drop(answer.send(Ok(())));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything but a malformed batch may go better later.
fn refused(error: &tsdb::Error) -> IngestRefused {
    match error {
        tsdb::Error::BatchTooLarge { .. } | tsdb::Error::UnknownSeries(_) => {
            IngestRefused::Never(error.to_string())
        }
        _ => IngestRefused::NotNow(error.to_string()),
    }
}

/// What the log keeps of a batch beside its samples, so that a replay judges it the same way.
struct Tag {
    live: bool,
}

impl Tag {
    const fn of(bits: u64) -> Self {
        Self {
            live: bits & 1 == 1,
        }
    }

    const fn from(batch: &IngestBatch) -> Self {
        Self { live: batch.live }
    }

    const fn bits(&self) -> u64 {
        self.live as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_survives_the_log() {
        for live in [true, false] {
            assert_eq!(Tag::of(Tag { live }.bits()).live, live);
        }
    }
}
