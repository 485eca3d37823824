//! The ledger as people read it: of a problem, of everything, and what was not delivered.

use db::{Cursor, Db, Direction, Keyset, Kind, Page, Query, params};
use model::limits::PAGE_ROWS_MAX;
use model::{ChannelId, DeliveryId, ProblemId, RecipientId};

use crate::error::{NoticeError, Result};
use crate::model::{LedgerRow, Reason};
use crate::store;

/// How long settled rows are kept at least, in milliseconds: a year and a month.
pub const KEEP_MS_MIN: i64 = 396 * 24 * 60 * 60 * 1_000;

/// Which rows a list shows; an empty part filters nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LedgerFilter {
    /// Of this recipient.
    pub recipient: Option<RecipientId>,
    /// On this channel.
    pub channel: Option<ChannelId>,
    /// With this reason.
    pub reason: Option<Reason>,
    /// Decided at or after, UTC milliseconds.
    pub from_ms: Option<i64>,
    /// Decided before, UTC milliseconds.
    pub to_ms: Option<i64>,
}

/// Every decision on a problem, in the order of their making.
///
/// # Errors
/// When the store fails.
pub async fn of_problem(from: &mut impl Query, problem: ProblemId) -> Result<Vec<LedgerRow>> {
    Ok(store::ledger::of_problems(from, &[problem]).await?)
}

/// Decisions, the newest first.
///
/// # Errors
/// When the cursor is of another list or the store fails.
pub async fn history(
    from: &mut impl Query,
    filter: &LedgerFilter,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Page<LedgerRow>> {
    const KEYSET: Keyset = Keyset::new(&[("id", Kind::Text)], Direction::Descending);
    let limit = limit.clamp(1, PAGE_ROWS_MAX);
    let (mut parts, mut values) = (vec!["1 = 1".to_owned()], params![]);
    let mut and = |condition: &str, value: Option<db::Value>| {
        if let Some(value) = value {
            values.push(value);
            parts.push(format!("{condition} ${}", values.len()));
        }
    };
    and("recipient =", filter.recipient.map(Into::into));
    and("channel =", filter.channel.map(Into::into));
    and("reason =", filter.reason.map(|reason| reason.code().into()));
    and("decided_ms >=", filter.from_ms.map(Into::into));
    and("decided_ms <", filter.to_ms.map(Into::into));
    let list = db::List {
        select: store::ledger::select(&parts.join(" AND ")),
        values,
        filtered: true,
    };
    let completed = KEYSET.complete(list, cursor, limit);
    let (sql, values) = completed.map_err(|_| NoticeError::Field {
        field: "cursor",
        reason: "notice.check.cursor",
    })?;
    let rows = from.fetch_all(sql, values).await?;
    Ok(KEYSET.page(rows, limit, store::ledger::read)?)
}

/// What was given up, the newest first: somebody has to look at it.
///
/// # Errors
/// When the store fails.
pub async fn undelivered(from: &mut impl Query, limit: usize) -> Result<Vec<LedgerRow>> {
    let condition = "reason = 'undelivered' ORDER BY id DESC LIMIT $1";
    Ok(store::ledger::with(from, condition, params![limit]).await?)
}

/// Notices that should have left before `before_ms` and did not: how many, and since when the oldest
/// waits. None as long as the lanes do their work, however many channels fail.
///
/// # Errors
/// When the store fails.
pub async fn overdue(from: &mut impl Query, before_ms: i64) -> Result<(u64, Option<i64>)> {
    const SQL: &str = "SELECT CAST(count(*) AS BIGINT) AS overdue, min(due_ms) AS oldest
        FROM notice_ledger WHERE done_ms IS NULL AND channel <> '' AND due_ms < $1
        AND state IN ('waiting', 'sending')";
    let row = from.fetch_opt(SQL, params![before_ms]).await?;
    row.map_or(Ok((0, None)), |row| {
        Ok((row.number("overdue")?, row.opt_int("oldest")?))
    })
}

/// Ends every lease on a delivery, for a server that starts on a store of its own: whoever was
/// sending is dead. Whether it arrived stays unknown, so it is sent again under the same key.
///
/// # Errors
/// When the store fails.
pub async fn free_leases(tx: &mut db::Tx) -> db::Result<u64> {
    const SQL: &str = "UPDATE notice_ledger SET due_ms = $1
        WHERE done_ms IS NULL AND state = 'sending' AND due_ms > $1";
    let now_ms = tx.now_ms();
    tx.execute(SQL, params![now_ms]).await
}

/// Tries an undelivered notice once more, because somebody mended the channel.
///
/// # Errors
/// When there is no undelivered row with this id.
pub async fn retry(db: &Db, id: DeliveryId) -> Result<()> {
    db.write(move |tx| {
        Box::pin(async move {
            let row = store::ledger::revive(tx, id).await?;
            let missing = || NoticeError::NotFound {
                what: "undelivered notice",
                id: id.to_string(),
            };
            let channel = row.ok_or_else(missing)?;
            tx.hint(&crate::lane_topic(channel));
            Ok(())
        })
    })
    .await
}

/// Deletes rows of problems that are over and were settled before `before_ms`, but never those
/// younger than [`KEEP_MS_MIN`]; how many went.
///
/// # Errors
/// When the store fails.
pub async fn prune(db: &Db, before_ms: i64) -> Result<u64> {
    let before_ms = before_ms.min(db.env().clock.now_ms() - KEEP_MS_MIN);
    db.write(move |tx| Box::pin(async move { Ok(store::ledger::prune(tx, before_ms).await?) }))
        .await
}
