//! Rows on their way: taken by a lane under a lease, settled by it, never out of order.

use db::{Query, Sql, Tx, params};
use model::{ChannelId, RecipientId, Severity};

use super::ledger::{columns, read};
use crate::decide::LEASE_MS;
use crate::model::{LedgerRow, Reason};

/// A row whose predecessor (same problem, recipient and channel) is settled, or that goes out in one
/// digest with it: a recovery never overtakes its problem. `|| ''` and `coalesce` keep both databases
/// from looking predecessors up by channel, recipient or openness, of which a storm has thousands,
/// instead of by problem, which has a few.
const FREE: &str = "(l.digest IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM notice_ledger e WHERE e.problem = l.problem AND e.recipient || '' = l.recipient
      AND e.channel || '' = l.channel AND e.seq < l.seq AND coalesce(e.done_ms, 0) = 0))";

/// What waits for one recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Group {
    pub(crate) recipient: RecipientId,
    /// A digest that was begun before and goes out again as it was.
    pub(crate) digest: Option<String>,
    pub(crate) rows: usize,
}

/// What is due on a channel, by recipient, those who wait longest first.
pub(crate) async fn groups(
    from: &mut impl Query,
    channel: ChannelId,
    now_ms: i64,
) -> db::Result<Vec<Group>> {
    let sql = format!(
        "SELECT l.recipient, l.digest, count(*) AS waiting FROM notice_ledger l
         WHERE l.channel = $1 AND l.done_ms IS NULL AND l.due_ms <= $2 AND {FREE}
         GROUP BY l.recipient, l.digest ORDER BY min(l.id)"
    );
    let rows = from
        .fetch_all(Sql::assembled(sql), params![channel, now_ms])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Group {
                recipient: row.id("recipient")?,
                digest: row.opt_text("digest")?,
                rows: row.number("waiting")?,
            })
        })
        .collect()
}

/// When the next row of a channel is due, if any waits.
pub(crate) async fn next_due_ms(
    from: &mut impl Query,
    channel: ChannelId,
) -> db::Result<Option<i64>> {
    let sql = format!(
        "SELECT min(l.due_ms) AS due_ms FROM notice_ledger l
         WHERE l.channel = $1 AND l.done_ms IS NULL AND {FREE}"
    );
    from.fetch_one(Sql::assembled(sql), params![channel])
        .await?
        .opt_int("due_ms")
}

/// Whose claim it is.
#[derive(Clone, Debug)]
pub(crate) struct Claimant {
    pub(crate) channel: ChannelId,
    pub(crate) holder: String,
}

/// What a claim writes. A row whose lease ran out may have arrived.
const TAKE: &str = "state = 'sending', holder = $1, due_ms = $2, attempts = attempts + 1,
    first_try_ms = CASE WHEN first_try_ms = 0 THEN $3 ELSE first_try_ms END,
    unsure = CASE WHEN state = 'sending' THEN 1 ELSE unsure END";

// Every statement here says again, of the row itself, what made it eligible: of two lanes that want
// one row the second waits for the first and then finds it gone.

/// Takes at most `limit` rows of a recipient one by one. A row whose predecessor (same problem,
/// recipient and channel) is not settled is not taken.
pub(crate) async fn take(
    tx: &mut Tx,
    by: &Claimant,
    recipient: RecipientId,
    limit: usize,
) -> db::Result<Vec<LedgerRow>> {
    let now_ms = tx.now_ms();
    let sql = format!(
        "UPDATE notice_ledger SET {TAKE} WHERE done_ms IS NULL AND due_ms <= $3 AND id IN (
           SELECT l.id FROM notice_ledger l
           WHERE l.channel = $4 AND l.recipient = $5 AND l.done_ms IS NULL AND l.due_ms <= $3
             AND l.digest IS NULL AND {FREE}
           ORDER BY l.id LIMIT $6)
         RETURNING {}",
        columns()
    );
    let values = params![
        &by.holder,
        now_ms + LEASE_MS,
        now_ms,
        by.channel,
        recipient,
        limit,
    ];
    let rows = tx.fetch_all(Sql::assembled(sql), values).await?;
    let mut rows = rows.iter().map(read).collect::<db::Result<Vec<_>>>()?;
    rows.sort_by_key(|row| row.id);
    Ok(rows)
}

/// Binds everything that waits for a recipient into a new digest, unless a predecessor is under way;
/// how many rows. What may have arrived alone goes again alone: a repeat carries the same key.
pub(crate) async fn bind(
    tx: &mut Tx,
    by: &Claimant,
    recipient: RecipientId,
    digest: &str,
) -> db::Result<u64> {
    const SQL: &str = "UPDATE notice_ledger SET digest = $1
        WHERE channel = $2 AND recipient = $3 AND done_ms IS NULL AND due_ms <= $4
          AND digest IS NULL AND state = 'waiting' AND unsure = 0 AND (
            SELECT count(*) FROM notice_ledger e WHERE e.problem = notice_ledger.problem
              AND e.recipient || '' = notice_ledger.recipient
              AND e.channel || '' = notice_ledger.channel
              AND e.seq < notice_ledger.seq AND coalesce(e.done_ms, 0) = 0
              AND (e.due_ms > $4 OR e.digest IS NOT NULL OR e.unsure = 1
                OR e.state = 'sending')) = 0";
    let values = params![digest, by.channel, recipient, tx.now_ms()];
    tx.execute(SQL, values).await
}

/// Takes a digest apart again, before it was sent.
pub(crate) async fn unbind(tx: &mut Tx, digest: &str) -> db::Result<u64> {
    const SQL: &str = "UPDATE notice_ledger SET digest = NULL WHERE digest = $1";
    tx.execute(SQL, params![digest]).await
}

/// A digest's numbers.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) count: usize,
    pub(crate) recovered: usize,
    pub(crate) severity: Severity,
    pub(crate) attempts: i64,
    pub(crate) decided_ms: i64,
}

/// Takes a digest whose rows are due; nothing when somebody else has it.
pub(crate) async fn take_digest(
    tx: &mut Tx,
    by: &Claimant,
    digest: &str,
) -> db::Result<Option<Bound>> {
    let now_ms = tx.now_ms();
    let sql = format!(
        "UPDATE notice_ledger SET {TAKE} WHERE digest = $4 AND done_ms IS NULL AND due_ms <= $3"
    );
    let values = params![&by.holder, now_ms + LEASE_MS, now_ms, digest];
    if tx.execute(Sql::assembled(sql), values).await? == 0 {
        return Ok(None);
    }
    const SUMS: &str = "SELECT count(*) AS waiting, max(severity) AS severity,
        CAST(sum(CASE WHEN event = 'recovered' THEN 1 ELSE 0 END) AS BIGINT) AS recovered,
        max(attempts) AS attempts, min(decided_ms) AS decided_ms
        FROM notice_ledger WHERE digest = $1 AND holder = $2 AND state = 'sending'";
    let row = tx.fetch_one(SUMS, params![digest, &by.holder]).await?;
    let code: u8 = row.number("severity")?;
    Ok(Some(Bound {
        count: row.number("waiting")?,
        recovered: row.number("recovered")?,
        severity: Severity::from_code(code).unwrap_or_default(),
        attempts: row.int("attempts")?,
        decided_ms: row.int("decided_ms")?,
    }))
}

/// Lets what waits for a recipient wait longer, for the next digest.
pub(crate) async fn later(
    tx: &mut Tx,
    by: &Claimant,
    recipient: RecipientId,
    until_ms: i64,
) -> db::Result<u64> {
    const SQL: &str = "UPDATE notice_ledger SET due_ms = $1 WHERE channel = $2 AND recipient = $3
        AND done_ms IS NULL AND state = 'waiting' AND digest IS NULL AND due_ms < $1";
    tx.execute(SQL, params![until_ms, by.channel, recipient])
        .await
}

/// Which rows a lane has under way: one, or a digest's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Held {
    Row(model::DeliveryId),
    Digest(String),
}

impl Held {
    /// The condition over `$1` (the id) and `$2` (the holder).
    const fn condition(&self) -> &'static str {
        match self {
            Self::Row(_) => "id = $1 AND holder = $2 AND state = 'sending'",
            Self::Digest(_) => "digest = $1 AND holder = $2 AND state = 'sending'",
        }
    }

    fn id(&self) -> String {
        match self {
            Self::Row(id) => id.to_string(),
            Self::Digest(id) => id.clone(),
        }
    }
}

/// Settles what is held; how many rows still were.
pub(crate) async fn settle(
    tx: &mut Tx,
    held: &Held,
    holder: &str,
    reason: Reason,
    detail: &str,
) -> db::Result<u64> {
    let sql = format!(
        "UPDATE notice_ledger SET state = 'settled', reason = $3, detail = $4, done_ms = $5,
         holder = NULL WHERE {}",
        held.condition()
    );
    let values = params![held.id(), holder, reason.code(), detail, tx.now_ms()];
    tx.execute(Sql::assembled(sql), values).await
}

/// Puts back what is held, to be tried at `due_ms`.
pub(crate) async fn put_back(
    tx: &mut Tx,
    held: &Held,
    holder: &str,
    (due_ms, unsure): (i64, bool),
    detail: &str,
) -> db::Result<u64> {
    let sql = format!(
        "UPDATE notice_ledger SET state = 'waiting', due_ms = $3, detail = $4, holder = NULL,
         unsure = CASE WHEN $5 = 1 THEN 1 ELSE unsure END WHERE {}",
        held.condition()
    );
    let values = params![held.id(), holder, due_ms, detail, unsure];
    tx.execute(Sql::assembled(sql), values).await
}

/// The rows that are held.
pub(crate) async fn held_rows(
    from: &mut impl Query,
    held: &Held,
    holder: &str,
) -> db::Result<Vec<LedgerRow>> {
    let condition = held.condition();
    super::ledger::with(from, condition, params![held.id(), holder]).await
}

/// Makes the oldest row that waits and is free due now, with the whole digest it is in: the same
/// digest sent in two parts would be one to the receiver.
pub(crate) async fn probe(tx: &mut Tx, channel: ChannelId) -> db::Result<u64> {
    let oldest = format!(
        "SELECT min(l.id) FROM notice_ledger l
         WHERE l.channel = $2 AND l.done_ms IS NULL AND l.state = 'waiting' AND {FREE}"
    );
    let sql = format!(
        "UPDATE notice_ledger SET due_ms = $1 WHERE done_ms IS NULL AND state = 'waiting'
           AND (id IN ({oldest}) OR digest IN (
             SELECT w.digest FROM notice_ledger w WHERE w.id IN ({oldest})))"
    );
    tx.execute(Sql::assembled(sql), params![tx.now_ms(), channel])
        .await
}

/// The channel works again: what waits for its back-off goes out now.
pub(crate) async fn hurry(tx: &mut Tx, channel: ChannelId) -> db::Result<u64> {
    const SQL: &str = "UPDATE notice_ledger SET due_ms = $1
        WHERE channel = $2 AND done_ms IS NULL AND state = 'waiting' AND due_ms > $1";
    tx.execute(SQL, params![tx.now_ms(), channel]).await
}

#[cfg(test)]
mod tests {
    use model::flow::DispatchEvent;
    use model::{DeliveryId, ProblemId};
    use stdx::Env;

    use super::*;
    use crate::model::State;
    use crate::store::ledger;

    const CHANNEL: ChannelId = ChannelId::from_bits(7);
    const KIM: RecipientId = RecipientId::from_bits(8);

    fn waiting(n: u128, due_ms: i64) -> LedgerRow {
        LedgerRow {
            id: DeliveryId::from_bits(n),
            problem: ProblemId::from_bits(n),
            seq: 1,
            event: DispatchEvent::Opened,
            severity: Severity::Major,
            recipient: Some(KIM),
            channel: Some(CHANNEL),
            decided_ms: 0,
            reason: Reason::Pending,
            detail: String::new(),
            state: State::Waiting,
            due_ms,
            attempts: 1,
            first_try_ms: 0,
            unsure: false,
            done_ms: None,
            digest: None,
            fallback_of: None,
        }
    }

    #[tokio::test]
    async fn what_may_have_arrived_alone_is_not_told_again_within_a_digest() {
        let (env, _) = Env::simulated(1_000, 1);
        let store = testkit::sqlite_store(&env).await;
        let by = Claimant {
            channel: CHANNEL,
            holder: "a".to_owned(),
        };
        let maybe = LedgerRow {
            unsure: true,
            ..waiting(1, 0)
        };
        let after = LedgerRow {
            seq: 2,
            id: DeliveryId::from_bits(2),
            ..waiting(1, 0)
        };
        let (bound, alone): (u64, _) = store
            .db
            .write(move |tx| {
                Box::pin(async move {
                    ledger::add(tx, &[maybe, after, waiting(3, 0)]).await?;
                    let bound = bind(tx, &by, KIM, "dig").await?;
                    db::Result::Ok((bound, take(tx, &by, KIM, 9).await?))
                })
            })
            .await
            .unwrap();
        assert_eq!(
            bound, 1,
            "only what certainly never left, and nothing behind it"
        );
        let ids: Vec<DeliveryId> = alone.iter().map(|row| row.id).collect();
        assert_eq!(ids, [DeliveryId::from_bits(1)]);
    }

    #[tokio::test]
    async fn a_failing_channel_is_tried_with_the_whole_digest_or_not_at_all() {
        let (env, _) = Env::simulated(1_000, 1);
        let store = testkit::sqlite_store(&env).await;
        let by = Claimant {
            channel: CHANNEL,
            holder: "a".to_owned(),
        };
        let in_digest = |n| LedgerRow {
            digest: Some("dig".to_owned()),
            ..waiting(n, 60_000)
        };
        let rows = [in_digest(1), in_digest(2), waiting(3, 60_000)];
        let (due, taken): (u64, Option<Bound>) = store
            .db
            .write(move |tx| {
                Box::pin(async move {
                    ledger::add(tx, &rows).await?;
                    let due = probe(tx, CHANNEL).await?;
                    db::Result::Ok((due, take_digest(tx, &by, "dig").await?))
                })
            })
            .await
            .unwrap();
        assert_eq!((due, taken.map(|bound| bound.count)), (2, Some(2)));
    }
}
