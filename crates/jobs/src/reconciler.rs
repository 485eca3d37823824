//! Reconcilers: compare what is with what should be and mend it; no input, any number of times.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use db::{Db, Hinted};
use futures_util::future::select_all;
use stdx::Backoff;

use crate::panics::{Broken, contained};
use crate::shutdown::Shutdown;

/// Periodic work that a hint brings forward.
#[derive(Debug)]
pub struct Reconciler {
    db: Db,
    name: &'static str,
    period_ms: u64,
    timeout_ms: u64,
    topics: Vec<String>,
}

impl Reconciler {
    /// Work that is done at least every `period_ms` milliseconds; `name` is for logs.
    #[must_use]
    pub const fn new(db: Db, name: &'static str, period_ms: u64) -> Self {
        Self {
            db,
            name,
            period_ms,
            timeout_ms: 60_000,
            topics: Vec::new(),
        }
    }

    /// Also done soon after every hint on `topic`; hints that come together count as one.
    #[must_use]
    pub fn hinted_by(mut self, topic: &str) -> Self {
        self.topics.push(topic.to_owned());
        self
    }

    /// How long one run may take, in milliseconds; a minute if not said.
    #[must_use]
    pub const fn within(mut self, timeout_ms: u64) -> Self {
        self.timeout_ms = timeout_ms;
        self
    }

    /// Runs `work` at once, then by hint and period, until the shutdown. A run that fails or panics
    /// is tried again, soon at first, later by period; runs never overlap.
    pub async fn run<F, E>(self, mut shutdown: Shutdown, work: impl Fn() -> F)
    where
        F: Future<Output = Result<(), E>>,
        E: Display,
    {
        // Heard from before the first run on, so that nothing between two runs is missed.
        let mut hinted: Vec<_> = self
            .topics
            .iter()
            .map(|topic| self.db.listen(topic))
            .collect();
        let backoff = Backoff {
            first_ms: 200,
            cap_ms: self.period_ms.max(200),
        };
        let mut failures = 0;
        while !shutdown.is_down() {
            let wait_ms = match self.once(&work).await {
                Ok(()) => {
                    failures = 0;
                    self.period_ms
                }
                Err(why) => {
                    tracing::warn!(job = self.name, %why, "a reconciler's run failed");
                    failures += 1;
                    backoff.wait_ms(failures - 1, &*self.db.env().entropy)
                }
            };
            tokio::select! {
                () = shutdown.wait() => {}
                // After a failure hints wait too: a broken store is not asked in a tight loop.
                () = any(&mut hinted), if failures == 0 => {}
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            }
        }
    }

    async fn once<F, E>(&self, work: &impl Fn() -> F) -> Result<(), String>
    where
        F: Future<Output = Result<(), E>>,
        E: Display,
    {
        match contained(Duration::from_millis(self.timeout_ms), work).await {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(Broken::TooSlow) => Err(format!("no result within {} ms", self.timeout_ms)),
            Err(Broken::Panicked(said)) => Err(format!("panicked: {said}")),
        }
    }
}

async fn any(hinted: &mut [Hinted]) {
    if hinted.is_empty() {
        return std::future::pending().await;
    }
    select_all(hinted.iter_mut().map(|one| Box::pin(one.wait()))).await;
}
