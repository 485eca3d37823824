//! Questions put to one agent that wait for their answers.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot};

use crate::words::{TopProcess, TopProcesses};

/// Questions that may wait at once; the oldest is given up.
const WAITING_MAX: usize = 256;

/// What waits for an answer of one agent.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    next: u64,
    orders: HashMap<u64, mpsc::Sender<wire::OrderEvent>>,
    tops: HashMap<u64, oneshot::Sender<Result<TopProcesses, String>>>,
}

impl Answers {
    pub(crate) fn expect_order(&mut self, events: mpsc::Sender<wire::OrderEvent>) -> u64 {
        self.orders.retain(|_, waiting| !waiting.is_closed());
        give_up_oldest(&mut self.orders);
        self.next += 1;
        self.orders.insert(self.next, events);
        self.next
    }

    pub(crate) fn expect_top(&mut self, top: oneshot::Sender<Result<TopProcesses, String>>) -> u64 {
        self.tops.retain(|_, waiting| !waiting.is_closed());
        give_up_oldest(&mut self.tops);
        self.next += 1;
        self.tops.insert(self.next, top);
        self.next
    }

    pub(crate) async fn order(&mut self, result: wire::OrderResult) {
        let (Some(event), Some(events)) = (result.event, self.orders.get(&result.order)) else {
            return;
        };
        let last = event.is_last();
        // A reader that went away no longer wants the rest.
        let gone = events.send(event).await.is_err();
        if last || gone {
            self.orders.remove(&result.order);
        }
    }

    pub(crate) fn top(&mut self, top: wire::Top) {
        let Some(waiting) = self.tops.remove(&top.request) else {
            return;
        };
        let list =
            |list: Vec<wire::TopProcess>| list.into_iter().map(TopProcess::from_wire).collect();
        let answer = if top.error.is_empty() {
            Ok(TopProcesses {
                by_cpu: list(top.by_cpu),
                by_memory: list(top.by_memory),
            })
        } else {
            Err(top.error)
        };
        let _ = waiting.send(answer);
    }
}

fn give_up_oldest<T>(waiting: &mut HashMap<u64, T>) {
    if waiting.len() >= WAITING_MAX
        && let Some(oldest) = waiting.keys().min().copied()
    {
        waiting.remove(&oldest);
    }
}
