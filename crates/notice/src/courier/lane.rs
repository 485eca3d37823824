//! The lane of one channel: claims what is due, sends it, a few at a time, and waits.

use std::collections::HashMap;
use std::time::Duration;

use db::Db;
use jobs::Shutdown;
use model::{ChannelId, RecipientId};
use tokio::task::{JoinError, JoinSet};

use super::send::{Job, Sent, perform};
use super::settle;
use crate::Context;
use crate::decide::{Plan, RETRY, Rate};
use crate::error::{NoticeError, Result};
use crate::model::{Channel, Health};
use crate::store;
use crate::store::claim::{Claimant, Group};

/// Sends under way at the same time on one channel.
const SENDS_MAX: usize = 8;
/// Failures in a row after which the channel is only probed, one send at a time.
const PROBE_AFTER: i64 = 3;
/// The longest pause of a channel that fails, in milliseconds: how late its return is noticed.
const PAUSE_MS_MAX: u64 = 30_000;
/// How often a lane looks without a hint, in milliseconds.
const PERIOD_MS: i64 = 5_000;

/// One channel's lane. What it remembers only spares work: rows and leases are in the store.
#[derive(Debug)]
pub struct Lane {
    db: Db,
    context: Context,
    by: Claimant,
    rates: HashMap<RecipientId, Rate>,
    health: Option<Health>,
    paused_until_ms: i64,
    /// Tasks of their own: a send holds connections of the store, which must not wait for the lane.
    sends: JoinSet<Sent>,
}

impl Lane {
    /// The lane of a channel.
    #[must_use]
    pub fn new(db: Db, context: Context, channel: ChannelId) -> Self {
        let holder = format!("{:016x}", db.env().entropy.next_u64());
        Self {
            by: Claimant { channel, holder },
            rates: HashMap::new(),
            health: None,
            paused_until_ms: 0,
            sends: JoinSet::new(),
            db,
            context,
        }
    }

    /// Runs until the shutdown; sends under way are finished.
    pub async fn run(mut self, mut shutdown: Shutdown) {
        let mut hinted = self.db.listen(&crate::lane_topic(self.by.channel));
        while !shutdown.is_down() {
            if let Err(error) = self.claim().await {
                let channel = self.by.channel;
                tracing::warn!(channel.id = %channel, %error, "notices cannot be claimed; tried again");
            }
            let wait_ms = self.wait_ms().await;
            tokio::select! {
                () = shutdown.wait() => {}
                Some(sent) = self.sends.join_next() => self.note(ended(sent)).await,
                () = hinted.wait() => {}
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            }
        }
        while let Some(sent) = self.sends.join_next().await {
            self.note(ended(sent)).await;
        }
    }

    /// Sends everything that is due now and waits for its end; how many messages. For tests and
    /// simulation, which move the clock themselves.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run_due(&mut self) -> Result<usize> {
        let mut count = 0;
        loop {
            self.claim().await?;
            if self.sends.is_empty() {
                return Ok(count);
            }
            while let Some(sent) = self.sends.join_next().await {
                count += 1;
                self.note(ended(sent)).await;
            }
        }
    }

    /// Until something is due, in milliseconds.
    async fn wait_ms(&mut self) -> u64 {
        let now_ms = self.now_ms();
        let next_ms = match store::claim::next_due_ms(&mut self.db.reader(), self.by.channel).await
        {
            Ok(None) => i64::MAX,
            Ok(Some(_)) if self.probes() => self.paused_until_ms,
            Ok(Some(next_ms)) => next_ms,
            Err(_) => now_ms + PERIOD_MS,
        };
        let full = self.sends.len() >= self.sends_max();
        let next_ms = if full {
            i64::MAX
        } else {
            next_ms.max(self.paused_until_ms)
        };
        let wait_ms = next_ms.saturating_sub(now_ms).clamp(0, PERIOD_MS);
        // What is due could not be claimed, or came just now: a breath between two looks.
        u64::try_from(wait_ms).unwrap_or(0).max(5)
    }

    async fn groups(&mut self, now_ms: i64) -> Result<Vec<Group>> {
        Ok(store::claim::groups(&mut self.db.reader(), self.by.channel, now_ms).await?)
    }

    /// Whether the channel fails so that it is only probed.
    fn probes(&self) -> bool {
        self.health
            .as_ref()
            .is_some_and(|health| health.failures >= PROBE_AFTER)
    }

    fn sends_max(&self) -> usize {
        if self.probes() { 1 } else { SENDS_MAX }
    }

    fn now_ms(&self) -> i64 {
        self.db.env().clock.now_ms()
    }

    /// Claims what is due and begins to send it.
    async fn claim(&mut self) -> Result<()> {
        let now_ms = self.now_ms();
        let free = self.sends_max().saturating_sub(self.sends.len());
        let mut groups = self.groups(now_ms).await?;
        if groups.is_empty() && self.probes() && now_ms >= self.paused_until_ms {
            // Everything waits for its back-off: one of them goes now, to see whether it works again.
            settle::probe(&self.db, &self.by).await?;
            groups = self.groups(now_ms).await?;
            if groups.is_empty() {
                self.paused_until_ms = now_ms + PERIOD_MS;
            }
        }
        if groups.is_empty() || free == 0 {
            return Ok(());
        }
        let Some(channel) = self.load_channel().await? else {
            return Ok(());
        };
        if !channel.is_usable() {
            return settle::give_away(&self.db, &self.by).await;
        }
        let health = self.load_health().await?;
        if health.failures > 0 {
            settle::expire(&self.db, &channel, &health).await?;
        }
        if now_ms < self.paused_until_ms {
            return Ok(());
        }
        // What is known of the channel's health may have been loaded just now.
        let free = free.min(self.sends_max().saturating_sub(self.sends.len()));
        let jobs = self.plan(&groups, &channel, free, now_ms);
        self.begin(jobs, channel).await
    }

    /// The channel, its settings opened; nothing when they cannot be, which counts as its failure.
    async fn load_channel(&mut self) -> Result<Option<Channel>> {
        let mut reader = self.db.reader();
        match store::channel::one(&mut reader, &self.context.sealer, self.by.channel).await {
            Ok(channel) => Ok(Some(channel)),
            Err(error @ NoticeError::Sealed(_)) => {
                if self.now_ms() >= self.paused_until_ms {
                    self.note(Sent::Failed {
                        reason: error.to_string(),
                        pauses: true,
                    })
                    .await;
                    self.paused_until_ms = self.now_ms() + PERIOD_MS;
                }
                let channels = store::channel::outlines(&mut reader).await?;
                let health = self.load_health().await?;
                if let Some(outline) = channels.iter().find(|one| one.id == self.by.channel) {
                    settle::expire(&self.db, outline, &health).await?;
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn load_health(&mut self) -> Result<Health> {
        if let Some(health) = &self.health {
            return Ok(health.clone());
        }
        let health = store::health::one(&mut self.db.reader(), self.by.channel).await?;
        self.health = Some(health.clone());
        Ok(health)
    }

    /// What to claim for whom, at most `free` messages.
    fn plan(
        &mut self,
        groups: &[Group],
        channel: &Channel,
        mut free: usize,
        now_ms: i64,
    ) -> Vec<Job> {
        self.rates.retain(|_, rate| !rate.is_idle(now_ms));
        let mut jobs = Vec::new();
        for group in groups {
            if free == 0 {
                break;
            }
            let recipient = group.recipient;
            if let Some(digest) = &group.digest {
                jobs.push(Job::Again {
                    recipient,
                    digest: digest.clone(),
                });
                free -= 1;
                continue;
            }
            let rate = self.rates.entry(recipient).or_default();
            match rate.plan(group.rows, channel.per_minute, now_ms) {
                Plan::Single(count) => {
                    let count = count.min(free);
                    jobs.push(Job::Single { recipient, count });
                    free -= count;
                }
                Plan::Digest => {
                    rate.digested(now_ms);
                    jobs.push(Job::Digest { recipient });
                    free -= 1;
                }
                Plan::Wait(until_ms) => jobs.push(Job::Later {
                    recipient,
                    until_ms,
                }),
            }
        }
        jobs
    }

    async fn begin(&mut self, jobs: Vec<Job>, channel: Channel) -> Result<()> {
        let now_ms = self.now_ms();
        let claimed = settle::claim(&self.db, &self.by, jobs).await?;
        for delivery in claimed {
            if delivery.counts_as_single() {
                self.rates
                    .entry(delivery.recipient())
                    .or_default()
                    .sent(now_ms);
            }
            let (db, context, by) = (self.db.clone(), self.context.clone(), self.by.clone());
            let channel = channel.clone();
            self.sends
                .spawn(async move { perform(&db, &context, &by, &channel, delivery).await });
        }
        Ok(())
    }

    /// Learns from the end of a send how the channel does.
    async fn note(&mut self, sent: Sent) {
        let now_ms = self.now_ms();
        let before = match self.load_health().await {
            Ok(health) => health,
            Err(_) => Health::unknown(self.by.channel),
        };
        let mut health = before.clone();
        match &sent {
            Sent::Arrived => {
                health = Health {
                    last_ok_ms: now_ms,
                    failing_since_ms: 0,
                    failures: 0,
                    last_error: String::new(),
                    ..health
                };
                self.paused_until_ms = 0;
            }
            Sent::Failed { reason, pauses } => {
                health.failures += 1;
                health.last_fail_ms = now_ms;
                reason.clone_into(&mut health.last_error);
                if health.failing_since_ms == 0 {
                    health.failing_since_ms = now_ms;
                }
                if *pauses {
                    self.paused_until_ms = now_ms + self.pause_ms(health.failures);
                }
            }
        }
        self.health = Some(health.clone());
        let turned = (before.failures > 0) != (health.failures > 0);
        // A success is noted at most once a minute: it is shown, not decided upon.
        let worth_keeping = turned || health.failures > 0 || now_ms - before.last_ok_ms > 60_000;
        if worth_keeping && let Err(error) = settle::keep_health(&self.db, &health, turned).await {
            tracing::warn!(channel.id = %health.channel, %error, "a channel's health cannot be kept");
        }
        if turned || health.failures > 0 {
            self.context.health.channel(&health);
        }
    }

    /// One failure may be one recipient's; several in a row are the channel's.
    fn pause_ms(&self, failures: i64) -> i64 {
        let attempt = u32::try_from(failures - PROBE_AFTER).unwrap_or(0);
        if failures < PROBE_AFTER {
            return 0;
        }
        let wait_ms = RETRY
            .wait_ms(attempt, &*self.db.env().entropy)
            .min(PAUSE_MS_MAX);
        i64::try_from(wait_ms).unwrap_or(i64::MAX)
    }
}

/// A send that panicked may have sent: its row is found by its lease.
fn ended(sent: std::result::Result<Sent, JoinError>) -> Sent {
    sent.unwrap_or_else(|error| Sent::Failed {
        reason: error.to_string(),
        pauses: false,
    })
}
