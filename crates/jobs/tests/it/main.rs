//! Delivery, faults, leadership and reconciling, on SQLite and on a real PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where its ground gives way"
)]

mod batch;
mod delivery;
mod faults;
mod leading;
mod reconciling;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use db::{Db, DbError};
use jobs::{Delivery, Failure, Handler, Policy, Post, Shutdown, Trigger, Worker};
use model::MessageId;
use stdx::Backoff;
use tokio::task::JoinHandle;

/// Long enough for a busy machine; nothing waits for it when all is well.
const SOON: Duration = Duration::from_secs(30);
const TOPIC: &str = "notice";

/// No period, so that only hints and due times wake a worker; short waits between attempts.
const QUICK: Policy = Policy {
    concurrency: 4,
    timeout_ms: 10_000,
    grace_ms: 10_000,
    attempts_max: 3,
    backoff: Backoff {
        first_ms: 10,
        cap_ms: 20,
    },
    period_ms: 600_000,
};

/// A worker under way.
struct Running {
    trigger: Trigger,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.trigger.fire();
        tokio::time::timeout(SOON, self.task)
            .await
            .unwrap()
            .unwrap();
    }
}

fn work<H: Handler>(db: &Db, policy: Policy, handler: H) -> Running {
    let (trigger, shutdown): (Trigger, Shutdown) = jobs::shutdown();
    let worker = Worker::new(db.clone(), TOPIC, handler, policy);
    Running {
        trigger,
        task: tokio::spawn(worker.run(shutdown)),
    }
}

/// What a handler saw, in order.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<Delivery>>>);

impl Log {
    fn note(&self, delivery: Delivery) {
        self.0.lock().unwrap().push(delivery);
    }

    fn seen(&self) -> Vec<Delivery> {
        self.0.lock().unwrap().clone()
    }

    async fn wait(&self, count: usize) -> Vec<Delivery> {
        let what = format!("{count} deliveries");
        let enough = async || Some(self.seen()).filter(|seen| seen.len() >= count);
        testkit::wait_for(&what, SOON, enough).await
    }

    /// A handler that notes every delivery and succeeds.
    fn noting(&self) -> impl Handler + use<> {
        let log = self.clone();
        move |delivery| {
            log.note(delivery);
            std::future::ready(Ok::<(), Failure>(()))
        }
    }
}

async fn post(db: &Db, text: &str) -> MessageId {
    let text = text.to_owned();
    let left: Result<_, DbError> = db
        .write(move |tx| Box::pin(async move { jobs::put(tx, Post::new(TOPIC, &text)?).await }))
        .await;
    left.unwrap().unwrap()
}

/// The state of a message, once it is `state`.
async fn becomes(db: &Db, id: MessageId, state: &str) {
    use db::Query as _;
    let sql = "SELECT state FROM core_outbox WHERE id = $1";
    let same = async || {
        let row = db.reader().fetch_one(sql, db::params![id]).await.unwrap();
        (row.str("state").unwrap() == state).then_some(())
    };
    testkit::wait_for(&format!("{id} to be {state}"), SOON, same).await;
}
