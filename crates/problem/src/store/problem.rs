//! Rows of `problem_problem`.

use std::collections::{HashMap, HashSet};

use db::{Query, Row, Sql, Tx, Value, params};
use model::{ProblemId, Severity, Target, TargetKind, Text};

use super::{ROWS_PER_STATEMENT, flat, insert_many, places};
use crate::model::{Acknowledged, CloseReason, Closed, Problem};

const COLUMNS: [&str; 42] = [
    "id",
    "number",
    "latest",
    "pair",
    "rule",
    "rule_key",
    "title_ko",
    "title_en",
    "board_group",
    "ci",
    "host",
    "kind",
    "target_key",
    "severity",
    "highest",
    "opened_ms",
    "changed_ms",
    "last_at_ms",
    "closed_ms",
    "close_reason",
    "observed",
    "because",
    "notify_from",
    "notify_on_fall",
    "flapping",
    "acked_by",
    "acked_ms",
    "assignee",
    "snoozed_until_ms",
    "maintenance",
    "silence",
    "last_seen_ms",
    "cannot_judge",
    "repair",
    "told",
    "told_ms",
    "owed",
    "held",
    "flap_held_ms",
    "seq",
    "entries",
    "search",
];

/// Columns that never change after a problem opened.
const FIXED: [&str; 12] = [
    "id",
    "number",
    "pair",
    "rule",
    "rule_key",
    "title_ko",
    "title_en",
    "ci",
    "kind",
    "target_key",
    "opened_ms",
    "search",
];

fn values(problem: &Problem, latest: bool) -> db::Result<Vec<Value>> {
    let closed = problem.closed.as_ref();
    let acked = problem.acknowledged.as_ref();
    let json = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string);
    let told = |severity: Severity| severity.code();
    Ok(params![
        problem.id,
        problem.number,
        latest,
        problem.pair(),
        problem.rule,
        &problem.rule_key,
        &problem.title.ko,
        &problem.title.en,
        &problem.group,
        problem.target.ci,
        &problem.host,
        problem.target.kind.as_str(),
        &problem.target.key,
        problem.severity.code(),
        problem.highest.code(),
        problem.opened_ms,
        problem.changed_ms,
        problem.last_at_ms,
        closed.map(|closed| closed.at_ms),
        closed.map(|closed| closed.reason.name()),
        Value::json(&problem.observed)?,
        &problem.because,
        problem.notify_from.code(),
        problem.notify_on_fall,
        problem.flapping,
        acked.map(|acked| acked.by.as_str()),
        acked.map(|acked| acked.at_ms),
        problem.assignee,
        problem.snoozed_until_ms,
        problem.maintenance.as_deref(),
        problem.silence.as_deref(),
        problem.last_seen_ms,
        &problem.cannot_judge,
        json(&problem.repair.map(|repair| serde_json::json!(repair))),
        told(problem.told),
        problem.told_ms,
        told(problem.owed),
        json(&problem.held.as_ref().map(|hold| serde_json::json!(hold))),
        problem.flap_held_ms,
        problem.seq,
        problem.entries,
        search(problem),
    ])
}

fn search(problem: &Problem) -> String {
    let words = [
        problem.label(),
        problem.host.clone(),
        problem.title.ko.clone(),
        problem.title.en.clone(),
        problem.rule_key.clone(),
        problem.target.key.clone(),
    ];
    words.join(" ").to_lowercase()
}

fn severity(row: &Row, column: &str) -> db::Result<Severity> {
    let code: u8 = row.number(column)?;
    Severity::from_code(code).ok_or_else(|| row.wrong(column, "is no severity"))
}

pub(crate) fn read(row: &Row) -> db::Result<Problem> {
    let closed = match (row.opt_int("closed_ms")?, row.opt_str("close_reason")?) {
        (Some(at_ms), reason) => Some(Closed {
            at_ms,
            reason: reason
                .and_then(CloseReason::from_name)
                .ok_or_else(|| row.wrong("close_reason", "is no reason"))?,
        }),
        (None, _) => None,
    };
    let acknowledged = match (row.opt_text("acked_by")?, row.opt_int("acked_ms")?) {
        (Some(by), Some(at_ms)) => Some(Acknowledged { by, at_ms }),
        _ => None,
    };
    Ok(Problem {
        id: row.id("id")?,
        number: row.int("number")?,
        rule: row.id("rule")?,
        rule_key: row.text("rule_key")?,
        title: Text {
            ko: row.text("title_ko")?,
            en: row.text("title_en")?,
        },
        group: row.text("board_group")?,
        target: Target {
            ci: row.id("ci")?,
            kind: TargetKind::new(row.text("kind")?),
            key: row.text("target_key")?,
        },
        host: row.text("host")?,
        severity: severity(row, "severity")?,
        highest: severity(row, "highest")?,
        opened_ms: row.int("opened_ms")?,
        changed_ms: row.int("changed_ms")?,
        last_at_ms: row.int("last_at_ms")?,
        closed,
        observed: row.json("observed")?,
        because: row.text("because")?,
        notify_from: severity(row, "notify_from")?,
        notify_on_fall: row.bool("notify_on_fall")?,
        flapping: row.bool("flapping")?,
        acknowledged,
        assignee: row.opt_id("assignee")?,
        snoozed_until_ms: row.opt_int("snoozed_until_ms")?,
        maintenance: row.opt_text("maintenance")?,
        silence: row.opt_text("silence")?,
        last_seen_ms: row.opt_int("last_seen_ms")?,
        cannot_judge: row.text("cannot_judge")?,
        repair: row.opt_json("repair")?,
        told: severity(row, "told")?,
        told_ms: row.int("told_ms")?,
        owed: severity(row, "owed")?,
        held: row.opt_json("held")?,
        flap_held_ms: row.int("flap_held_ms")?,
        seq: row.int("seq")?,
        entries: row.int("entries")?,
    })
}

/// Everything before the conditions of a query for whole problems.
pub(crate) fn select() -> String {
    format!("SELECT {} FROM problem_problem", COLUMNS.join(", "))
}

/// The latest problem, open or closed, of each of these pairs.
pub(crate) async fn latest(
    from: &mut impl Query,
    pairs: &[String],
) -> db::Result<HashMap<String, Problem>> {
    let mut found = HashMap::with_capacity(pairs.len());
    for chunk in pairs.chunks(ROWS_PER_STATEMENT) {
        let places = places(1, chunk.len());
        let sql = format!("{} WHERE latest = 1 AND pair IN {places}", select());
        let values = chunk.iter().map(Value::from).collect();
        for row in from.fetch_all(Sql::assembled(sql), values).await? {
            found.insert(row.text("pair")?, read(&row)?);
        }
    }
    Ok(found)
}

/// These problems, those that exist, by id.
pub(crate) async fn by_ids(
    from: &mut impl Query,
    ids: &[ProblemId],
) -> db::Result<HashMap<ProblemId, Problem>> {
    let mut found = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(ROWS_PER_STATEMENT) {
        let sql = format!("{} WHERE id IN {}", select(), places(1, chunk.len()));
        let values = chunk.iter().map(Value::from).collect();
        for row in from.fetch_all(Sql::assembled(sql), values).await? {
            let problem = read(&row)?;
            found.insert(problem.id, problem);
        }
    }
    Ok(found)
}

/// Problems of a condition that stands behind `WHERE`.
pub(crate) async fn with(
    from: &mut impl Query,
    condition: &str,
    values: Vec<Value>,
) -> db::Result<Vec<Problem>> {
    let sql = Sql::assembled(format!("{} WHERE {condition}", select()));
    from.fetch_all(sql, values)
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The greatest number given out.
pub(crate) async fn last_number(from: &mut impl Query) -> db::Result<i64> {
    const SQL: &str = "SELECT coalesce(max(number), 0) AS last FROM problem_problem";
    from.fetch_one(SQL, params![]).await?.int("last")
}

/// Makes room for newer problems of the same pairs.
pub(crate) async fn no_longer_latest(tx: &mut Tx, ids: &HashSet<ProblemId>) -> db::Result<()> {
    let ids: Vec<ProblemId> = ids.iter().copied().collect();
    for chunk in ids.chunks(ROWS_PER_STATEMENT) {
        let places = places(1, chunk.len());
        let sql = format!("UPDATE problem_problem SET latest = 0 WHERE id IN {places}");
        tx.execute(Sql::assembled(sql), chunk.iter().map(Value::from).collect())
            .await?;
    }
    Ok(())
}

/// Keeps new and changed problems, each id once; those in `replaced` have a newer one of their pair.
pub(crate) async fn save(
    tx: &mut Tx,
    problems: &[Problem],
    replaced: &HashSet<ProblemId>,
) -> db::Result<()> {
    let sets: Vec<String> = COLUMNS
        .iter()
        // A closed problem of a pair that has a newer one stays what it is.
        .filter(|column| !FIXED.contains(column) && **column != "latest")
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    let tail = format!("ON CONFLICT (id) DO UPDATE SET {}", sets.join(", "));
    for chunk in problems.chunks(ROWS_PER_STATEMENT) {
        let sql = insert_many("INSERT INTO problem_problem", &COLUMNS, chunk.len(), &tail);
        tx.execute(
            sql,
            flat(chunk, |one| values(one, !replaced.contains(&one.id)))?,
        )
        .await?;
    }
    Ok(())
}
