//! What screens and the API read: lists, counts, one problem with everything around it.

use db::{Cursor, Page, Query, Revision, Sql, params, revisions};
use model::ProblemId;
use model::limits::PAGE_ROWS_MAX;

use crate::error::{ProblemError, Result};
use crate::model::{Entry, Problem};
use crate::store;
use crate::store::list::{Filter, OpenCell, Sort};

/// Timeline entries shown at once.
const ENTRIES_MAX: usize = 1_000;
/// Related problems and earlier ones shown at once.
const RELATED_MAX: usize = 20;
/// Edits shown as "what changed lately".
const EDITS_MAX: usize = 10;

/// A problem and what an operator wants to see beside it.
#[derive(Clone, Debug)]
pub struct Detail {
    /// The problem.
    pub problem: Problem,
    /// Its timeline, oldest first.
    pub timeline: Vec<Entry>,
    /// Other open problems of the same host, the worst first.
    pub related: Vec<Problem>,
    /// Earlier problems of the same rule and target, the newest first.
    pub earlier: Vec<Problem>,
    /// The latest edits of the rule.
    pub rule_edits: Vec<Revision>,
    /// The latest edits of the host.
    pub host_edits: Vec<Revision>,
}

/// One page of a list.
///
/// # Errors
/// When the cursor is of another list or the store fails.
pub async fn list(
    from: &mut impl Query,
    (filter, sort): (&Filter, Sort),
    cursor: Option<&Cursor>,
    limit: usize,
    now_ms: i64,
) -> Result<Page<Problem>> {
    let limit = limit.clamp(1, PAGE_ROWS_MAX);
    store::list::page(from, (filter, sort), cursor, limit, now_ms).await
}

/// How many problems of the filter have each severity, by code 0–5.
///
/// # Errors
/// When the store fails.
pub async fn counts(from: &mut impl Query, filter: &Filter, now_ms: i64) -> Result<[i64; 6]> {
    store::list::counts(from, filter, now_ms).await
}

/// All open problems, counted by host, board column and severity; what the board draws its marks by.
///
/// # Errors
/// When the store fails.
pub async fn open_cells(from: &mut impl Query) -> Result<Vec<OpenCell>> {
    store::list::open_cells(from).await
}

/// The ids that a filter selects, at most `limit`; for actions on everything a list shows.
///
/// # Errors
/// When the store fails.
pub async fn ids(
    from: &mut impl Query,
    filter: &Filter,
    limit: usize,
    now_ms: i64,
) -> Result<Vec<ProblemId>> {
    store::list::ids(from, filter, limit, now_ms).await
}

/// One problem.
///
/// # Errors
/// When there is none with this id.
pub async fn get(from: &mut impl Query, id: ProblemId) -> Result<Problem> {
    let found = store::problem::by_ids(from, &[id]).await?.remove(&id);
    found.ok_or_else(|| ProblemError::NotFound {
        what: "problem",
        id: id.to_string(),
    })
}

/// One problem by the number that people say.
///
/// # Errors
/// When there is none with this number.
pub async fn by_number(from: &mut impl Query, number: i64) -> Result<Problem> {
    let found = store::problem::with(from, "number = $1", params![number])
        .await?
        .pop();
    found.ok_or_else(|| ProblemError::NotFound {
        what: "problem",
        id: format!("P-{number}"),
    })
}

/// A problem's timeline, oldest first.
///
/// # Errors
/// When the store fails.
pub async fn timeline(from: &mut impl Query, id: ProblemId) -> Result<Vec<Entry>> {
    Ok(store::entry::timeline(from, id, ENTRIES_MAX).await?)
}

/// A problem with everything around it.
///
/// # Errors
/// When there is none with this id.
pub async fn detail(from: &mut impl Query, id: ProblemId) -> Result<Detail> {
    let problem = get(from, id).await?;
    let related = store::problem::with(
        from,
        "ci = $1 AND id <> $2 AND closed_ms IS NULL ORDER BY severity DESC, opened_ms DESC LIMIT $3",
        params![problem.target.ci, id, RELATED_MAX],
    );
    let related = related.await?;
    let earlier = store::problem::with(
        from,
        "pair = $1 AND number < $2 ORDER BY number DESC LIMIT $3",
        params![problem.pair(), problem.number, RELATED_MAX],
    );
    let earlier = earlier.await?;
    let (rule, ci) = (problem.rule.to_string(), problem.target.ci.to_string());
    Ok(Detail {
        timeline: timeline(from, id).await?,
        related,
        earlier,
        rule_edits: revisions(from, "rule", &rule, EDITS_MAX).await?,
        host_edits: revisions(from, "host", &ci, EDITS_MAX).await?,
        problem,
    })
}

/// How often each rule opened problems since a moment, and how many of them people took: what a
/// rule's page shows as "fired N, acted on M".
///
/// # Errors
/// When the store fails.
pub async fn fired(
    from: &mut impl Query,
    rule: model::RuleId,
    since_ms: i64,
) -> Result<(i64, i64)> {
    const SQL: &str = "SELECT count(*) AS fired, count(acked_ms) AS acted FROM problem_problem
        WHERE rule = $1 AND opened_ms >= $2";
    let row = from
        .fetch_one(Sql::from(SQL), params![rule, since_ms])
        .await?;
    Ok((row.int("fired")?, row.int("acted")?))
}
