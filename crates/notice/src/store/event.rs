//! Rows of `notice_event`: what happened, once.

use std::collections::HashSet;

use db::{Query, Tx, Value, params};
use model::ProblemId;
use model::flow::Dispatch;

use super::{ROWS_PER_STATEMENT, flat, insert_many};

const COLUMNS: [&str; 4] = ["problem", "seq", "dispatch", "taken_ms"];

/// Keeps events; those that were not known before, by problem and sequence.
pub(crate) async fn add(
    tx: &mut Tx,
    dispatches: &[Dispatch],
) -> db::Result<HashSet<(ProblemId, i64)>> {
    let now_ms = tx.now_ms();
    let mut fresh = HashSet::new();
    let tail = "ON CONFLICT (problem, seq) DO NOTHING RETURNING problem, seq";
    for chunk in dispatches.chunks(ROWS_PER_STATEMENT) {
        let sql = insert_many("INSERT INTO notice_event", &COLUMNS, chunk.len(), tail);
        let values = flat(chunk, |one| {
            Ok(params![one.problem, one.seq, Value::json(one)?, now_ms])
        })?;
        for row in tx.fetch_all(sql, values).await? {
            fresh.insert((row.id("problem")?, row.int("seq")?));
        }
    }
    Ok(fresh)
}

/// One event.
pub(crate) async fn one(
    from: &mut impl Query,
    problem: ProblemId,
    seq: i64,
) -> db::Result<Dispatch> {
    const SQL: &str = "SELECT dispatch FROM notice_event WHERE problem = $1 AND seq = $2";
    from.fetch_one(SQL, params![problem, seq])
        .await?
        .json("dispatch")
}

/// The worst events of a digest, recoveries last.
pub(crate) async fn worst_of(
    from: &mut impl Query,
    digest: &str,
    limit: usize,
) -> db::Result<Vec<Dispatch>> {
    const SQL: &str = "SELECT e.dispatch FROM notice_ledger l
        JOIN notice_event e ON e.problem = l.problem AND e.seq = l.seq
        WHERE l.digest = $1
        ORDER BY CASE WHEN l.event = 'recovered' THEN 1 ELSE 0 END, l.severity DESC, l.id LIMIT $2";
    let rows = from.fetch_all(SQL, params![digest, limit]).await?;
    rows.iter().map(|row| row.json("dispatch")).collect()
}
