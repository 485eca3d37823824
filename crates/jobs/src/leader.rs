//! Leadership: of several servers one does a piece of periodic work, and another takes over.
//!
//! Servers' wall clocks may differ, so nobody compares times: a contender watches the holder's
//! counter of renewals and takes over when it stood still for the whole lease by the contender's own
//! monotonic clock. The holder stops by its own clock before that. The epoch grows with every
//! holder: whoever writes with it fences off a predecessor that was only asleep.

use std::future::Future;
use std::time::Duration;

use db::{Db, Query as _, Result, Tx, params};

use crate::shutdown::{Shutdown, Trigger, shutdown};

/// One server's claim on one piece of work.
#[derive(Debug)]
pub struct LeaderLease {
    db: Db,
    name: String,
    holder: String,
    lease_ms: u64,
    seen: Option<Seen>,
    epoch: Option<i64>,
}

/// A time as leader.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Term {
    /// Grows with every new leader.
    pub epoch: i64,
}

/// Another holder's row as last seen, and since when it has not changed.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Seen {
    epoch: i64,
    renewals: i64,
    since_ns: u64,
}

/// What one look at the lease brought.
enum Look {
    Ours(i64),
    Theirs { epoch: i64, renewals: i64 },
}

impl LeaderLease {
    /// A claim on `name` by the server `holder`, whose name is its own and stays the same when it
    /// starts again. A dead leader's work is taken over within about `lease_ms` milliseconds.
    #[must_use]
    pub fn new(db: Db, name: &str, holder: &str, lease_ms: u64) -> Self {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        Self {
            db,
            name,
            holder,
            lease_ms,
            seen: None,
            epoch: None,
        }
    }

    /// Campaigns until the shutdown; while this server leads, `work` runs. It is dropped when the
    /// lease is lost or at the shutdown (it hears the signal given to it a moment before), and
    /// started again if it ends by itself while still leading.
    pub async fn run<F>(mut self, mut end: Shutdown, work: impl Fn(Term, Shutdown) -> F)
    where
        F: Future<Output = ()>,
    {
        while !end.is_down() {
            let asked_ns = self.now_ns();
            match self.campaign().await {
                Ok(Some(term)) => {
                    let (trigger, stop) = shutdown();
                    let running = work(term, stop);
                    self.lead(asked_ns, &trigger, running, &mut end).await;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(lease = %self.name, %error, "cannot campaign"),
            }
            tokio::select! {
                () = end.wait() => {}
                () = tokio::time::sleep(self.third()) => {}
            }
        }
        if let Err(error) = self.resign().await {
            tracing::warn!(lease = %self.name, %error, "cannot resign");
        }
    }

    /// One look: renews or takes the lease if it may; the term if this server leads now. For loops
    /// that are not [`LeaderLease::run`]; to be called several times a lease.
    ///
    /// # Errors
    /// When the store cannot be asked; the lease is then not extended.
    pub async fn campaign(&mut self) -> Result<Option<Term>> {
        match self.look(self.may_take()).await? {
            Look::Ours(epoch) => {
                (self.epoch, self.seen) = (Some(epoch), None);
                Ok(Some(Term { epoch }))
            }
            Look::Theirs { epoch, renewals } => {
                self.epoch = None;
                let unchanged = |seen: &Seen| (seen.epoch, seen.renewals) == (epoch, renewals);
                if !self.seen.as_ref().is_some_and(unchanged) {
                    self.seen = Some(Seen {
                        epoch,
                        renewals,
                        since_ns: self.now_ns(),
                    });
                }
                Ok(None)
            }
        }
    }

    /// Gives the lease up, so that another server can take it at once.
    ///
    /// # Errors
    /// When the store cannot be asked; the lease then runs out.
    pub async fn resign(&mut self) -> Result<()> {
        let Some(epoch) = self.epoch.take() else {
            return Ok(());
        };
        let (name, holder) = (self.name.clone(), self.holder.clone());
        let answered = self.db.write(move |tx| {
            Box::pin(async move {
                // The row stays, for the epoch to go on growing; nobody holds it.
                const SQL: &str = "UPDATE core_lease SET holder = '', renewals = renewals + 1
                    WHERE name = $1 AND holder = $2 AND epoch = $3";
                tx.execute(SQL, params![name, holder, epoch]).await
            })
        });
        answered.await.map(|_| ())
    }

    /// Runs `work` while the lease can be renewed.
    async fn lead(
        &mut self,
        mut renewed_ns: u64,
        trigger: &Trigger,
        work: impl Future<Output = ()>,
        end: &mut Shutdown,
    ) {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                () = &mut work => return,
                () = end.wait() => break,
                () = tokio::time::sleep(self.third()) => {}
            }
            let asked_ns = self.now_ns();
            // A contender counts a whole lease from the last renewal: be gone before.
            let spent_ms = (asked_ns - renewed_ns) / 1_000_000;
            let left = Duration::from_millis((self.lease_ms * 5 / 6).saturating_sub(spent_ms));
            let renewed = tokio::select! {
                () = &mut work => return,
                renewed = tokio::time::timeout(left, self.campaign()) => renewed,
            };
            match renewed {
                Ok(Ok(Some(_))) => renewed_ns = asked_ns,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => tracing::warn!(lease = %self.name, %error, "cannot renew"),
                Err(_) => {
                    tracing::warn!(lease = %self.name, "gave up leading: the store does not answer");
                    break;
                }
            }
        }
        trigger.fire();
        // A moment to finish the step under way; what does not end is dropped.
        let _ = tokio::time::timeout(self.third() / 3, work).await;
    }

    /// Whether the other holder's row stood still for a whole lease.
    fn may_take(&self) -> Option<(i64, i64)> {
        let seen = self.seen.as_ref()?;
        let still_ms = (self.now_ns() - seen.since_ns) / 1_000_000;
        (still_ms >= self.lease_ms).then_some((seen.epoch, seen.renewals))
    }

    async fn look(&self, stale: Option<(i64, i64)>) -> Result<Look> {
        let (name, holder) = (self.name.clone(), self.holder.clone());
        let (lease_ms, leading) = (self.lease_ms, self.epoch);
        let answered = self.db.write(move |tx| {
            Box::pin(async move {
                let until_ms = tx.now_ms().saturating_add_unsigned(lease_ms);
                let Some((owner, epoch, renewals)) = read(tx, &name).await? else {
                    const SQL: &str = "INSERT INTO core_lease
                        (name, holder, epoch, renewals, until_ms) VALUES ($1, $2, 1, 0, $3)";
                    tx.execute(SQL, params![name, holder, until_ms]).await?;
                    return Ok(Look::Ours(1));
                };
                let free = owner.is_empty() || stale == Some((epoch, renewals));
                // Our own name but not our term: we were started again.
                let next = if owner == holder && leading == Some(epoch) {
                    epoch
                } else if owner == holder || free {
                    epoch + 1
                } else {
                    return Ok(Look::Theirs { epoch, renewals });
                };
                const SQL: &str = "UPDATE core_lease SET holder = $1, epoch = $2,
                    renewals = renewals + 1, until_ms = $3 WHERE name = $4";
                tx.execute(SQL, params![holder, next, until_ms, name])
                    .await?;
                Ok(Look::Ours(next))
            })
        });
        answered.await
    }

    fn third(&self) -> Duration {
        Duration::from_millis((self.lease_ms / 3).max(1))
    }

    fn now_ns(&self) -> u64 {
        self.db.env().clock.mono_ns()
    }
}

async fn read(tx: &mut Tx, name: &str) -> Result<Option<(String, i64, i64)>> {
    const SQL: &str = "SELECT holder, epoch, renewals FROM core_lease WHERE name = $1";
    let row = tx.fetch_opt(SQL, params![name]).await?;
    row.map(|row| Ok((row.text("holder")?, row.int("epoch")?, row.int("renewals")?)))
        .transpose()
}
