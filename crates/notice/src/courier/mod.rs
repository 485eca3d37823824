//! Delivery: one lane per channel, so that one that hangs delays nobody else; and the inbox.

mod lane;
mod send;
mod settle;

use std::collections::HashMap;
use std::time::Duration;

use db::Db;
use jobs::Shutdown;
use model::ChannelId;
use model::flow::{Dispatch, Message};
use tokio::task::JoinHandle;

pub use lane::Lane;

use crate::Context;
use crate::service::{lanes as lanes_of, take_waiting};

/// How often is looked without a hint, in milliseconds.
const PERIOD_MS: u64 = 1_000;

/// Runs the inbox and a lane for every channel until the shutdown. A server runs one.
pub async fn run(db: Db, context: Context, mut shutdown: Shutdown) {
    let inbox = tokio::spawn(inbox(db.clone(), context.clone(), shutdown.clone()));
    let mut lanes = HashMap::<ChannelId, JoinHandle<()>>::new();
    let mut changed = db.listen(crate::CHANNELS);
    while !shutdown.is_down() {
        match lanes_of(&mut db.reader()).await {
            Ok(channels) => {
                for id in channels {
                    // A lane that panicked is gone, and begun again.
                    if lanes.get(&id).is_none_or(JoinHandle::is_finished) {
                        let lane = Lane::new(db.clone(), context.clone(), id);
                        lanes.insert(id, tokio::spawn(lane.run(shutdown.clone())));
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "the notice channels cannot be loaded"),
        }
        tokio::select! {
            () = shutdown.wait() => {}
            () = changed.wait() => {}
            () = tokio::time::sleep(Duration::from_millis(5 * PERIOD_MS)) => {}
        }
    }
    for task in lanes.into_values().chain(std::iter::once(inbox)) {
        if let Err(error) = task.await {
            tracing::error!(%error, "a task of the notice courier panicked");
        }
    }
}

/// Decides on dispatches as they come.
async fn inbox(db: Db, context: Context, mut shutdown: Shutdown) {
    let mut hinted = db.listen(&jobs::topic_hint(Dispatch::KIND));
    while !shutdown.is_down() {
        match take_waiting(&db, &context).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, "dispatches cannot be decided on; tried again");
                tokio::time::sleep(Duration::from_millis(PERIOD_MS / 4)).await;
                continue;
            }
        }
        tokio::select! {
            () = shutdown.wait() => {}
            () = hinted.wait() => {}
            () = tokio::time::sleep(Duration::from_millis(PERIOD_MS)) => {}
        }
    }
}
