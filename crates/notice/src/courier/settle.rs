//! What a lane writes: claims, ends of sends, fallbacks, and what a sick channel cannot carry.

use db::{Db, Isolation, Tx, params};
use model::flow::{DispatchEvent, Outcome};
use model::{ChannelId, DeliveryId, ProblemId};
use notify::{Failure, SendError};

use super::send::Job;
use crate::decide::{Next, Roster, after_failure};
use crate::error::Result;
use crate::model::{Channel, Delivery, Health, LedgerRow, Reason, State};
use crate::service::load_roster;
use crate::store;
use crate::store::claim::{Claimant, Held};

/// Events that a digest tells line by line.
const DIGEST_LINES: usize = 10;
/// Rows that are given away in one transaction.
const ROWS_PER_TX: usize = 200;

/// Claims what was planned.
pub(super) async fn claim(db: &Db, by: &Claimant, jobs: Vec<Job>) -> Result<Vec<Delivery>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let by = by.clone();
    db.write_with(Isolation::Committed, move |tx| {
        Box::pin(async move {
            let mut claimed = Vec::new();
            for job in jobs {
                claim_one(tx, &by, job, &mut claimed).await?;
            }
            Ok(claimed)
        })
    })
    .await
}

async fn claim_one(tx: &mut Tx, by: &Claimant, job: Job, into: &mut Vec<Delivery>) -> Result<()> {
    match job {
        Job::Single { recipient, count } => {
            for row in store::claim::take(tx, by, recipient, count).await? {
                let dispatch = store::event::one(tx, row.problem, row.seq).await?;
                into.push(Delivery::One(Box::new(row), Box::new(dispatch)));
            }
        }
        Job::Digest { recipient } => {
            let digest = DeliveryId::from_bits(tx.new_bits()).to_string();
            match store::claim::bind(tx, by, recipient, &digest).await? {
                // What is due is a row whose lane died: it goes out alone.
                0 => {
                    Box::pin(claim_one(
                        tx,
                        by,
                        Job::Single {
                            recipient,
                            count: 1,
                        },
                        into,
                    ))
                    .await?
                }
                1 => {
                    // A digest of one is a notice.
                    store::claim::unbind(tx, &digest).await?;
                    Box::pin(claim_one(
                        tx,
                        by,
                        Job::Single {
                            recipient,
                            count: 1,
                        },
                        into,
                    ))
                    .await?;
                }
                _ => into.extend(take_digest(tx, by, recipient, digest).await?),
            }
        }
        Job::Again { recipient, digest } => {
            into.extend(take_digest(tx, by, recipient, digest).await?);
        }
        Job::Later {
            recipient,
            until_ms,
        } => {
            store::claim::later(tx, by, recipient, until_ms).await?;
        }
    }
    Ok(())
}

async fn take_digest(
    tx: &mut Tx,
    by: &Claimant,
    recipient: model::RecipientId,
    digest: String,
) -> Result<Option<Delivery>> {
    let Some(bound) = store::claim::take_digest(tx, by, &digest).await? else {
        return Ok(None);
    };
    let first = store::event::worst_of(tx, &digest, DIGEST_LINES).await?;
    let text = notify::Digest {
        first,
        count: bound.count,
        recovered: bound.recovered,
        severity: bound.severity,
        at_ms: tx.now_ms(),
    };
    let (attempts, first_try_ms) = (bound.attempts, bound.decided_ms);
    Ok(Some(Delivery::Digest {
        digest,
        recipient,
        text,
        attempts,
        first_try_ms,
    }))
}

/// The receiver said yes.
pub(super) async fn arrived(db: &Db, by: &Claimant, delivery: &Delivery, whom: &str) -> Result<()> {
    let (by, delivery, whom) = (by.clone(), delivery.clone(), whom.to_owned());
    db.write_with(Isolation::Committed, move |tx| {
        Box::pin(async move {
            let settled =
                store::claim::settle(tx, &delivery.held(), &by.holder, Reason::Sent, "").await?;
            // A digest's rows speak for themselves in the ledger; a storm needs no timeline entries.
            if let (Delivery::One(row, _), true) = (&delivery, settled > 0) {
                store::outbox::outcomes(tx, &outcome(row, true, &whom, tx.now_ms())).await?;
            }
            // A successor of the same problem may have waited for this one.
            tx.hint(&crate::lane_topic(by.channel));
            Ok(())
        })
    })
    .await
}

fn outcome(row: &LedgerRow, delivered: bool, why: &str, at_ms: i64) -> Vec<(String, Outcome)> {
    let Some(recipient) = row.recipient else {
        return Vec::new();
    };
    let outcome = Outcome::Notice {
        problem: row.problem,
        recipient,
        delivered,
        summary: why.to_owned(),
        at_ms,
    };
    vec![(format!("{}/{delivered}", row.key()), outcome)]
}

/// The receiver did not clearly say yes.
pub(super) async fn failed(
    db: &Db,
    (by, channel): (&Claimant, &Channel),
    delivery: &Delivery,
    error: &SendError,
) -> Result<()> {
    let (by, held, error) = (by.clone(), delivery.held(), error.clone());
    let channel = channel.clone();
    db.write_with(Isolation::Committed, move |tx| {
        Box::pin(async move {
            let roster = load_roster(tx).await?;
            let rows = store::claim::held_rows(tx, &held, &by.holder).await?;
            let end = End {
                by: &by,
                held: &held,
                error: &error,
                channel: &channel,
            };
            fail_in(tx, &roster, rows, end).await
        })
    })
    .await
}

/// The end of a send that failed.
#[derive(Clone, Copy)]
struct End<'a> {
    by: &'a Claimant,
    held: &'a Held,
    error: &'a SendError,
    channel: &'a Channel,
}

async fn fail_in(tx: &mut Tx, roster: &Roster, rows: Vec<LedgerRow>, end: End<'_>) -> Result<()> {
    let Some(oldest) = rows.iter().min_by_key(|row| row.decided_ms) else {
        return Ok(());
    };
    let tried = (oldest.attempts, oldest.decided_ms);
    let recipient = oldest.recipient.and_then(|id| roster.recipient(id));
    let fallback = recipient.and_then(|one| roster.fallback(end.channel.id, one));
    let entropy = tx.env().entropy.clone();
    let next = after_failure(end.error, tried, fallback.is_some(), tx.now_ms(), &*entropy);
    let (held, holder) = (end.held, end.by.holder.as_str());
    let unsure = end.error.failure == Failure::Unknown;
    match next {
        Next::Again(due_ms) => {
            let reason = end.error.reason.as_str();
            store::claim::put_back(tx, held, holder, (due_ms, unsure), reason).await?;
        }
        Next::Fallback | Next::GiveUp => {
            store::claim::put_back(tx, held, holder, (tx.now_ms(), unsure), "").await?;
            let to = fallback.filter(|_| next == Next::Fallback);
            let now = |row: &LedgerRow| LedgerRow {
                unsure: row.unsure || unsure,
                ..row.clone()
            };
            let rows: Vec<LedgerRow> = rows.iter().map(now).collect();
            give_up(tx, &rows, to, &end.error.reason).await?;
        }
    }
    // A digest's rows are not looked at one by one: they go out again as they are, in order.
    if let ([row], false) = (&rows[..], unsure) {
        drop_if_over(tx, row).await?;
    }
    tx.hint(&crate::lane_topic(end.by.channel));
    Ok(())
}

/// Settles rows that wait: another channel takes them over, or they are visibly undelivered.
async fn give_up(
    tx: &mut Tx,
    rows: &[LedgerRow],
    fallback: Option<ChannelId>,
    why: &str,
) -> Result<()> {
    let ids: Vec<DeliveryId> = rows.iter().map(|row| row.id).collect();
    let now_ms = tx.now_ms();
    let Some(next) = fallback else {
        store::ledger::close(tx, &ids, Reason::Undelivered, why).await?;
        let lost: Vec<_> = rows
            .iter()
            .flat_map(|row| outcome(row, false, why, now_ms))
            .collect();
        return store::outbox::outcomes(tx, &lost).await;
    };
    take_over(tx, rows, next, why).await
}

/// Another channel takes rows over. One whose end was decided while it was under way takes its end
/// along, or is over with it if it certainly never arrived.
async fn take_over(tx: &mut Tx, rows: &[LedgerRow], next: ChannelId, why: &str) -> Result<()> {
    let problems: Vec<ProblemId> = rows.iter().map(|row| row.problem).collect();
    let ends = store::ledger::of_problems(tx, &problems).await?;
    let (mut over, mut left, mut moved) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let end = ends.iter().find(|end| {
            let line = (end.problem, end.recipient, end.channel);
            row.event != DispatchEvent::Recovered
                && end.event == DispatchEvent::Recovered
                && line == (row.problem, row.recipient, row.channel)
        });
        // Nobody hears that it is bad where they have heard that it is over.
        let heard_there = ends.iter().any(|end| {
            let line = (end.problem, end.recipient, end.channel);
            row.event != DispatchEvent::Recovered
                && end.event == DispatchEvent::Recovered
                && line == (row.problem, row.recipient, Some(next))
                && (end.reason == Reason::Sent || end.state == State::Sending)
        });
        if heard_there || end.is_some() && !row.unsure {
            over.push(row.clone());
            continue;
        }
        left.push(row.id);
        moved.push(on_channel(tx, row, next));
        let alone = |end: &&LedgerRow| !rows.iter().any(|row| row.id == end.id);
        moved.extend(end.filter(alone).map(|end| on_channel(tx, end, next)));
    }
    let ids: Vec<DeliveryId> = over.iter().map(|row| row.id).collect();
    store::ledger::close(tx, &ids, Reason::OverBefore, why).await?;
    for row in &over {
        drop_if_over(tx, row).await?;
    }
    store::ledger::close(tx, &left, Reason::Fallback, &format!("{next}: {why}")).await?;
    store::ledger::add_or_wake(tx, &moved).await?;
    tx.hint(&crate::lane_topic(next));
    Ok(())
}

/// The same decision on another channel, on its way from now on.
fn on_channel(tx: &Tx, row: &LedgerRow, channel: ChannelId) -> LedgerRow {
    let now_ms = tx.now_ms();
    LedgerRow {
        id: DeliveryId::from_bits(tx.new_bits()),
        channel: Some(channel),
        decided_ms: now_ms,
        reason: Reason::Pending,
        detail: String::new(),
        state: State::Waiting,
        due_ms: now_ms,
        attempts: 0,
        first_try_ms: 0,
        unsure: false,
        done_ms: None,
        digest: None,
        fallback_of: Some(row.id),
        ..row.clone()
    }
}

/// A notice that certainly never left, and whose recovery already waits behind it: both are over.
async fn drop_if_over(tx: &mut Tx, row: &LedgerRow) -> Result<()> {
    if row.event == DispatchEvent::Recovered {
        return Ok(());
    }
    let all = store::ledger::of_problems(tx, &[row.problem]).await?;
    let same = |one: &&LedgerRow| (one.recipient, one.channel) == (row.recipient, row.channel);
    let line: Vec<&LedgerRow> = all.iter().filter(same).collect();
    // A recovery may stand in for one on a channel where the notice may have arrived.
    let stands_in = all.iter().any(|one| {
        one.recipient == row.recipient && one.reason == Reason::Fallback && one.is_told()
    });
    if stands_in || line.iter().any(|one| one.is_told()) {
        return Ok(());
    }
    let waiting = |recovered: bool| -> Vec<DeliveryId> {
        let rows = line.iter().filter(|one| one.state == State::Waiting);
        let rows = rows.filter(|one| (one.event == DispatchEvent::Recovered) == recovered);
        rows.map(|one| one.id).collect()
    };
    let recoveries = waiting(true);
    if !recoveries.is_empty() {
        store::ledger::settle_waiting(tx, &waiting(false), Reason::OverBefore).await?;
        store::ledger::settle_waiting(tx, &recoveries, Reason::NotNeeded).await?;
    }
    Ok(())
}

/// A channel that is switched off or retired: what waits goes to the next of its chain, or says why
/// it does not go.
pub(super) async fn give_away(db: &Db, by: &Claimant) -> Result<()> {
    let condition = "channel = $1 AND done_ms IS NULL AND due_ms <= $2 ORDER BY id LIMIT $3";
    move_waiting(db, by.channel, condition, (i64::MAX, "")).await
}

/// A channel that fails: what it could not carry in time goes to the next of its chain; what waits
/// since a day is given up.
pub(super) async fn expire(db: &Db, channel: &Channel, health: &Health) -> Result<()> {
    let condition = "channel = $1 AND done_ms IS NULL AND state = 'waiting' AND decided_ms <= $2
        ORDER BY id LIMIT $3";
    let age_ms = match channel.fallback {
        Some(_) => crate::decide::FALLBACK_AFTER_MS,
        None => crate::decide::GIVE_UP_MS,
    };
    move_waiting(db, channel.id, condition, (age_ms, &health.last_error)).await
}

async fn move_waiting(
    db: &Db,
    channel: ChannelId,
    condition: &'static str,
    (age_ms, why): (i64, &str),
) -> Result<()> {
    // Without an age everything that is due is meant.
    let before = move |now_ms: i64| {
        if age_ms == i64::MAX {
            now_ms
        } else {
            now_ms - age_ms
        }
    };
    let now_ms = db.env().clock.now_ms();
    let values = params![channel, before(now_ms), 1_i64];
    if store::ledger::with(&mut db.reader(), condition, values)
        .await?
        .is_empty()
    {
        return Ok(());
    }
    let why = why.to_owned();
    db.write_with(Isolation::Committed, move |tx| {
        Box::pin(async move {
            let values = params![channel, before(tx.now_ms()), ROWS_PER_TX];
            let rows = store::ledger::with(tx, condition, values).await?;
            let roster = load_roster(tx).await?;
            let now_ms = tx.now_ms();
            for row in &rows {
                let recipient = row.recipient.and_then(|id| roster.recipient(id));
                let next = recipient.and_then(|one| roster.fallback(channel, one));
                let too_old = now_ms - row.decided_ms >= crate::decide::GIVE_UP_MS;
                let usable = roster
                    .channels
                    .get(&channel)
                    .is_some_and(Channel::is_usable);
                match next {
                    None if !usable => {
                        let reason = Reason::ChannelDisabled;
                        store::ledger::close(tx, &[row.id], reason, "").await?;
                    }
                    None if !too_old => {}
                    next => give_up(tx, std::slice::from_ref(row), next, &why).await?,
                }
            }
            Ok(())
        })
    })
    .await
}

/// Makes the oldest waiting row of a failing channel due.
pub(super) async fn probe(db: &Db, by: &Claimant) -> Result<()> {
    let by = by.clone();
    db.write_with(Isolation::Committed, move |tx| {
        Box::pin(async move { Ok(store::claim::probe(tx, by.channel).await.map(|_| ())?) })
    })
    .await
}

/// Keeps a channel's health; when it works again, what waits for its back-off goes out at once.
pub(super) async fn keep_health(db: &Db, health: &Health, turned: bool) -> Result<()> {
    let health = health.clone();
    db.write_with(Isolation::Committed, move |tx| {
        Box::pin(async move {
            store::health::save(tx, &health).await?;
            if turned && health.failures == 0 {
                store::claim::hurry(tx, health.channel).await?;
                tx.hint(&crate::lane_topic(health.channel));
            }
            Ok(())
        })
    })
    .await
}
