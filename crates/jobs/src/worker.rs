//! The worker: leases messages of one topic, runs their handler, settles them.

use std::sync::Arc;
use std::time::Duration;

use db::{Db, Hinted, Isolation};
use stdx::Backoff;
use tokio::task::JoinSet;

use crate::message::{Claim, Delivery, Failure, Handler, Verdict, lease, next_due_ms, settle};
use crate::outbox::hint_of;
use crate::panics::{Broken, contained};
use crate::shutdown::Shutdown;

/// Bytes of an error text that are kept with a message.
const ERROR_BYTES_MAX: usize = 2_000;
/// How often writing a verdict is tried before the lease is left to run out.
const SETTLE_ATTEMPTS_MAX: u32 = 6;

/// How a worker treats its messages.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Messages handled at the same time.
    pub concurrency: usize,
    /// How long one attempt may take, in milliseconds.
    pub timeout_ms: u64,
    /// Added to the timeout it makes the lease: time to write the verdict, in milliseconds.
    pub grace_ms: u64,
    /// Attempts before a message is given up.
    pub attempts_max: u32,
    /// The wait between attempts.
    pub backoff: Backoff,
    /// How often the worker looks without having been hinted, in milliseconds.
    pub period_ms: u64,
}

impl Default for Policy {
    /// Eight at a time, half a minute each, for about two and a half hours.
    fn default() -> Self {
        Self {
            concurrency: 8,
            timeout_ms: 30_000,
            grace_ms: 10_000,
            attempts_max: 25,
            backoff: Backoff {
                first_ms: 1_000,
                cap_ms: 600_000,
            },
            period_ms: 1_000,
        }
    }
}

/// Delivers the messages of one topic.
#[derive(Debug)]
pub struct Worker<H> {
    db: Db,
    topic: String,
    handler: Arc<H>,
    policy: Policy,
    holder: String,
}

impl<H: Handler> Worker<H> {
    /// A worker for `topic`; several may serve one topic, also on several servers.
    #[must_use]
    pub fn new(db: Db, topic: &str, handler: H, policy: Policy) -> Self {
        let holder = format!("{topic}/{:016x}", db.env().entropy.next_u64());
        Self {
            db,
            topic: topic.to_owned(),
            handler: Arc::new(handler),
            policy,
            holder,
        }
    }

    /// Serves until the shutdown; then takes nothing new and ends when every attempt under way has.
    pub async fn run(self, mut shutdown: Shutdown) {
        let mut hinted = self.db.listen(&hint_of(&self.topic));
        let mut under_way = JoinSet::new();
        let mut failures = 0;
        while !shutdown.is_down() {
            let wait = match self.take(&mut under_way).await {
                Ok(wait) => {
                    failures = 0;
                    wait
                }
                Err(error) => {
                    tracing::warn!(topic = %self.topic, %error, "cannot take messages");
                    failures += 1;
                    let backoff = Backoff {
                        first_ms: 100,
                        cap_ms: 10_000,
                    };
                    backoff.wait_ms(failures - 1, &*self.db.env().entropy)
                }
            };
            self.pause(wait, &mut hinted, &mut under_way, &mut shutdown)
                .await;
        }
        while under_way.join_next().await.is_some() {}
    }

    /// Takes as many messages as there is room for; returns how long to wait, in milliseconds.
    async fn take(&self, under_way: &mut JoinSet<()>) -> db::Result<u64> {
        let room = self
            .policy
            .concurrency
            .max(1)
            .saturating_sub(under_way.len());
        if room == 0 {
            // One that ends makes room and wakes us.
            return Ok(self.policy.period_ms);
        }
        let claim = Claim {
            topic: self.topic.clone(),
            holder: self.holder.clone(),
            lease_ms: self.policy.timeout_ms.saturating_add(self.policy.grace_ms),
            attempts_max: self.policy.attempts_max,
            limit: room,
        };
        let taken = lease(&self.db, claim).await?;
        let full = taken.len() == room;
        for delivery in taken {
            let (db, handler, policy) = (self.db.clone(), self.handler.clone(), self.policy);
            under_way.spawn(async move { attempt(&db, &*handler, policy, delivery).await });
        }
        if full {
            return Ok(self.policy.period_ms);
        }
        let due_ms = next_due_ms(&self.db, &self.topic).await?;
        let until_ms = due_ms.map_or(i64::MAX, |due_ms| due_ms - self.db.env().clock.now_ms());
        Ok(u64::try_from(until_ms)
            .unwrap_or(0)
            .min(self.policy.period_ms))
    }

    /// Waits for a hint, for room, for the time, or for the shutdown.
    async fn pause(
        &self,
        wait_ms: u64,
        hinted: &mut Hinted,
        under_way: &mut JoinSet<()>,
        shutdown: &mut Shutdown,
    ) {
        let full = under_way.len() >= self.policy.concurrency.max(1);
        tokio::select! {
            () = shutdown.wait() => {}
            () = hinted.wait(), if !full => {}
            Some(_) = under_way.join_next() => {}
            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
        }
        // Room for several may have come at once.
        while under_way.try_join_next().is_some() {}
    }
}

/// One attempt from lease to verdict.
async fn attempt<H: Handler>(db: &Db, handler: &H, policy: Policy, delivery: Delivery) {
    if delivery.attempt > policy.attempts_max {
        // It was taken the last time by somebody who never came back.
        let why = "the lease ran out in the last attempt: it took down or outlasted its worker";
        return write(db, &delivery, Verdict::Dead(why.to_owned())).await;
    }
    let timeout = Duration::from_millis(policy.timeout_ms);
    let told = delivery.clone();
    let failure = match contained(timeout, || handler.handle(told)).await {
        Ok(Ok(())) if delivery.is_settled() => return,
        Ok(Ok(())) => return write(db, &delivery, Verdict::Done).await,
        Ok(Err(failure)) => failure,
        Err(Broken::TooSlow) => {
            Failure::Retry(format!("no result within {} ms", policy.timeout_ms))
        }
        Err(Broken::Panicked(said)) => {
            tracing::error!(message = %delivery.id, %said, "the handler of a message panicked");
            Failure::Retry(format!("the handler panicked: {said}"))
        }
    };
    let now_ms = db.env().clock.now_ms();
    let wait_ms = policy
        .backoff
        .wait_ms(delivery.attempt.saturating_sub(1), &*db.env().entropy);
    let verdict = match failure {
        Failure::Never(why) => Verdict::Dead(shortened(why)),
        Failure::Retry(why) | Failure::RetryAt(_, why) if delivery.last => {
            Verdict::Dead(shortened(why))
        }
        Failure::Retry(why) => {
            Verdict::Again(now_ms.saturating_add_unsigned(wait_ms), shortened(why))
        }
        Failure::RetryAt(at_ms, why) => Verdict::Again(at_ms, shortened(why)),
    };
    write(db, &delivery, verdict).await;
}

async fn write(db: &Db, delivery: &Delivery, verdict: Verdict) {
    if let Verdict::Dead(why) = &verdict {
        tracing::error!(message = %delivery.id, %why, "a message was given up");
    }
    let backoff = Backoff {
        first_ms: 50,
        cap_ms: 2_000,
    };
    for attempt in 0..SETTLE_ATTEMPTS_MAX {
        let (delivery, verdict) = (delivery.clone(), verdict.clone());
        let settled = db.write_with(Isolation::Committed, move |tx| {
            Box::pin(async move { settle(tx, &delivery, &verdict).await })
        });
        match settled.await {
            Ok(true) => return,
            Ok(false) => break,
            Err(error) => tracing::warn!(%error, "cannot settle a message yet"),
        }
        let wait_ms = backoff.wait_ms(attempt, &*db.env().entropy);
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    }
    tracing::warn!(message = %delivery.id, "not settled by this worker: it may be delivered again");
}

fn shortened(mut text: String) -> String {
    let end = text.floor_char_boundary(ERROR_BYTES_MAX.min(text.len()));
    text.truncate(end);
    text
}
