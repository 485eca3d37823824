//! Hints: "something about this topic was committed", in this process and between servers.
//!
//! A hint may be lost (a server dies, a connection breaks); whoever waits for one also looks by
//! period. It is never sent before the commit that it tells of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::watch;

/// The channel of LISTEN and NOTIFY; the payload is the topic.
pub(crate) const CHANNEL: &str = "bongsu_hint";

/// The topics that somebody in this process waits for.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    topics: Mutex<HashMap<String, watch::Sender<u64>>>,
}

/// Waits for hints on one topic; none is missed between two waits.
#[derive(Clone, Debug)]
pub struct Hinted {
    changed: watch::Receiver<u64>,
}

impl Hinted {
    /// Waits for the next hint; hints since the last wait count as one.
    pub async fn wait(&mut self) {
        if self.changed.changed().await.is_err() {
            // The store is gone: no hint comes any more, the period remains.
            std::future::pending::<()>().await;
        }
    }
}

impl Hints {
    pub(crate) fn listen(&self, topic: &str) -> Hinted {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = topics
            .entry(topic.to_owned())
            .or_insert_with(|| watch::channel(0).0);
        Hinted {
            changed: sender.subscribe(),
        }
    }

    pub(crate) fn send(&self, topic: &str) {
        let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = topics.get(topic) {
            sender.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    fn send_all(&self) {
        let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in topics.values() {
            sender.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

/// Passes on the hints of other servers until the store is closed.
pub(crate) async fn relay(pool: PgPool, hints: Weak<Hints>) {
    while hints.strong_count() > 0 && !pool.is_closed() {
        match PgListener::connect_with(&pool).await {
            Ok(mut listener) => pass_on(&mut listener, &hints).await,
            Err(error) => tracing::warn!(%error, "cannot listen for hints of other servers"),
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

async fn pass_on(listener: &mut PgListener, hints: &Weak<Hints>) {
    if let Err(error) = listener.listen(CHANNEL).await {
        tracing::warn!(%error, "cannot listen for hints of other servers");
        return;
    }
    loop {
        let received = listener.try_recv().await;
        let Some(hints): Option<Arc<Hints>> = hints.upgrade() else {
            return;
        };
        match received {
            Ok(Some(hint)) => hints.send(hint.payload()),
            // The connection broke and was made again: whatever was missed counts for every topic.
            Ok(None) => hints.send_all(),
            Err(_) => return,
        }
    }
}
