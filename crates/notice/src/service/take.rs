//! Dispatches become decisions: one ledger row for each, those to send on their way at once.

use std::collections::{BTreeSet, HashMap};

use db::{Db, Isolation, Tx};
use model::flow::{Dispatch, DispatchEvent};
use model::{ChannelId, DeliveryId, ProblemId};

use crate::Context;
use crate::decide::{Decision, Roster, pair, route};
use crate::error::Result;
use crate::model::{LedgerRow, Reason, State};
use crate::store;

/// Dispatches decided on in one transaction.
const DISPATCHES_PER_TX: usize = 500;

/// Takes dispatches from the outbox and decides on them; how many there were. Call it again until
/// there are none.
///
/// # Errors
/// When the store fails; nothing is lost, they are still there.
pub async fn take_waiting(db: &Db, context: &Context) -> Result<usize> {
    let context = context.clone();
    db.write_with(Isolation::Committed, move |tx| {
        Box::pin(async move {
            let dispatches = store::inbox::take(tx, DISPATCHES_PER_TX).await?;
            take(tx, &context, &dispatches).await?;
            Ok(dispatches.len())
        })
    })
    .await
}

/// Decides on dispatches, in the order of their sequence within a problem. Those that were decided
/// on before are left alone.
///
/// # Errors
/// When the store fails.
pub async fn take(tx: &mut Tx, context: &Context, dispatches: &[Dispatch]) -> Result<()> {
    if dispatches.is_empty() {
        return Ok(());
    }
    let fresh = store::event::add(tx, dispatches).await?;
    let fresh: Vec<&Dispatch> = dispatches
        .iter()
        .filter(|one| fresh.contains(&(one.problem, one.seq)))
        .collect();
    let recoveries = fresh
        .iter()
        .filter(|one| one.event == DispatchEvent::Recovered);
    let recovering: Vec<ProblemId> = recoveries.map(|one| one.problem).collect();
    let mut taking = Taking {
        roster: load_roster(tx).await?,
        rows: HashMap::new(),
        fresh: Vec::new(),
        over: Vec::new(),
        now_ms: tx.now_ms(),
    };
    for row in store::ledger::of_problems(tx, &recovering).await? {
        taking.rows.entry(row.problem).or_default().push(row);
    }
    for dispatch in fresh {
        taking.one(tx, context, dispatch);
    }
    store::ledger::settle_waiting(tx, &taking.over, Reason::OverBefore).await?;
    store::ledger::add(tx, &taking.fresh).await?;
    for channel in taking.wake() {
        tx.hint(&crate::lane_topic(channel));
    }
    Ok(())
}

/// Everybody and everything that may be told on.
pub(crate) async fn load_roster(tx: &mut Tx) -> Result<Roster> {
    let channels = store::channel::outlines(tx).await?;
    Ok(Roster {
        recipients: store::recipient::current(tx).await?,
        channels: channels
            .into_iter()
            .map(|channel| (channel.id, channel))
            .collect(),
    })
}

/// What is known while a batch is decided on.
struct Taking {
    roster: Roster,
    /// Rows of recovering problems that are in the store.
    rows: HashMap<ProblemId, Vec<LedgerRow>>,
    fresh: Vec<LedgerRow>,
    over: Vec<DeliveryId>,
    now_ms: i64,
}

impl Taking {
    fn one(&mut self, tx: &Tx, context: &Context, dispatch: &Dispatch) {
        if dispatch.event != DispatchEvent::Recovered {
            let host = context.hosts.host(dispatch.target.ci);
            for decision in route(dispatch, &self.roster, host.as_deref(), self.now_ms) {
                self.add(tx, dispatch, decision);
            }
            return;
        }
        let mut rows = self
            .rows
            .get(&dispatch.problem)
            .cloned()
            .unwrap_or_default();
        rows.extend(
            self.fresh
                .iter()
                .filter(|row| row.problem == dispatch.problem)
                .cloned(),
        );
        let pairing = pair(dispatch, &rows);
        for row in self
            .fresh
            .iter_mut()
            .filter(|row| pairing.over.contains(&row.id))
        {
            row.state = State::Settled;
            row.reason = Reason::OverBefore;
            row.done_ms = Some(self.now_ms);
        }
        self.over.extend(pairing.over);
        for decision in pairing.decisions {
            self.add(tx, dispatch, decision);
        }
    }

    fn add(&mut self, tx: &Tx, dispatch: &Dispatch, decision: Decision) {
        let pending = decision.reason == Reason::Pending;
        self.fresh.push(LedgerRow {
            id: DeliveryId::from_bits(tx.new_bits()),
            problem: dispatch.problem,
            seq: dispatch.seq,
            event: dispatch.event,
            severity: dispatch.severity,
            recipient: decision.recipient,
            channel: decision.channel,
            decided_ms: self.now_ms,
            reason: decision.reason,
            detail: decision.detail,
            state: if pending {
                State::Waiting
            } else {
                State::Settled
            },
            due_ms: self.now_ms,
            attempts: 0,
            first_try_ms: 0,
            unsure: false,
            done_ms: (!pending).then_some(self.now_ms),
            digest: None,
            fallback_of: None,
        });
    }

    fn wake(&self) -> BTreeSet<ChannelId> {
        let waiting = self.fresh.iter().filter(|row| row.state == State::Waiting);
        waiting.filter_map(|row| row.channel).collect()
    }
}
