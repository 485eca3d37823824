//! Rows of `remedy_run`.

use db::{Query, Result, Row, Sql, Tx, Value, params};
use model::{CiId, ProblemId, RunId, ScriptId};

use crate::{Run, RunFilter, RunState};

const COLUMNS: &str = "id, script, script_name, script_version, problem, ci, target, by, dry_run, \
     state, summary, transcript, exit_code, ordered_ms, ended_ms, verify_until_ms";

fn read(row: &Row) -> Result<Run> {
    let state = row.text("state")?;
    Ok(Run {
        id: row.id("id")?,
        script: row.id("script")?,
        script_name: row.text("script_name")?,
        script_version: row.int("script_version")?,
        problem: row.opt_id("problem")?,
        host: row.id("ci")?,
        target: row.opt_json("target")?,
        by: row.opt_text("by")?,
        dry_run: row.bool("dry_run")?,
        state: RunState::from_name(&state).ok_or_else(|| row.wrong("state", "names no state"))?,
        summary: row.text("summary")?,
        transcript: row.text("transcript")?,
        exit_code: row
            .opt_int("exit_code")?
            .and_then(|code| i32::try_from(code).ok()),
        ordered_ms: row.int("ordered_ms")?,
        ended_ms: row.opt_int("ended_ms")?,
        verify_until_ms: row.opt_int("verify_until_ms")?,
    })
}

pub(crate) async fn run(from: &mut impl Query, id: RunId) -> Result<Option<Run>> {
    let sql = Sql::assembled(format!("SELECT {COLUMNS} FROM remedy_run WHERE id = $1"));
    from.fetch_opt(sql, params![id])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Runs, the newest first.
pub(crate) async fn runs(from: &mut impl Query, filter: &RunFilter) -> Result<Vec<Run>> {
    let text = |id: Option<String>| Value::from(id.unwrap_or_default());
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM remedy_run WHERE ($1 = '' OR script = $1) \
         AND ($2 = '' OR problem = $2) AND ($3 = '' OR ci = $3) AND ($4 = '' OR id < $4) \
         ORDER BY id DESC LIMIT $5"
    ));
    let values = vec![
        text(filter.script.map(|id| id.to_string())),
        text(filter.problem.map(|id| id.to_string())),
        text(filter.host.map(|id| id.to_string())),
        text(filter.before.map(|id| id.to_string())),
        Value::from(filter.limit),
    ];
    from.fetch_all(sql, values)
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Runs that are running or wait for their verification.
pub(crate) async fn open_runs(from: &mut impl Query) -> Result<Vec<Run>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM remedy_run WHERE state IN ('running', 'verifying') ORDER BY id"
    ));
    from.fetch_all(sql, params![])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Whether a run of the script is at work on the host.
pub(crate) async fn at_work(from: &mut impl Query, script: ScriptId, host: CiId) -> Result<bool> {
    let sql = "SELECT id FROM remedy_run WHERE state IN ('running', 'verifying') \
         AND script = $1 AND ci = $2 LIMIT 1";
    Ok(from.fetch_opt(sql, params![script, host]).await?.is_some())
}

/// When the script was ordered on the host since `since_ms`; refused and dry runs not counted.
pub(crate) async fn lately_ordered(
    from: &mut impl Query,
    script: ScriptId,
    host: CiId,
    since_ms: i64,
) -> Result<Vec<i64>> {
    let sql = "SELECT ordered_ms FROM remedy_run WHERE script = $1 AND ci = $2 \
         AND ordered_ms > $3 AND state <> 'refused' AND dry_run = 0";
    let rows = from.fetch_all(sql, params![script, host, since_ms]).await?;
    rows.iter().map(|row| row.int("ordered_ms")).collect()
}

pub(crate) async fn insert_run(tx: &mut Tx, run: &Run) -> Result<bool> {
    let sql = "INSERT INTO remedy_run (id, script, script_name, script_version, problem, ci, \
         target, by, dry_run, state, summary, transcript, ordered_ms, ended_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '', $12, $13) \
         ON CONFLICT (id) DO NOTHING";
    let target = run.target.as_ref().map(serde_json::to_string).transpose();
    let target = target.map_err(|error| db::DbError::Json(error.to_string()))?;
    let values = params![
        run.id,
        run.script,
        &run.script_name,
        run.script_version,
        run.problem,
        run.host,
        target,
        run.by.clone(),
        run.dry_run,
        run.state.name(),
        &run.summary,
        run.ordered_ms,
        run.ended_ms,
    ];
    Ok(tx.execute(sql, values).await? > 0)
}

pub(crate) async fn save_run(tx: &mut Tx, run: &Run) -> Result<()> {
    let sql = "UPDATE remedy_run SET state = $2, summary = $3, transcript = $4, exit_code = $5, \
         ended_ms = $6, verify_until_ms = $7 WHERE id = $1";
    let values = params![
        run.id,
        run.state.name(),
        &run.summary,
        &run.transcript,
        run.exit_code,
        run.ended_ms,
        run.verify_until_ms,
    ];
    tx.execute(sql, values).await.map(drop)
}

/// Whether the problem is still open, as its slice tells others.
pub(crate) async fn open_problem(from: &mut impl Query, id: ProblemId) -> Result<bool> {
    let sql = "SELECT id FROM problem_pub_open WHERE id = $1";
    Ok(from.fetch_opt(sql, params![id]).await?.is_some())
}
