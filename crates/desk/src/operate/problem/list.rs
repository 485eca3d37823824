//! The list of problems: its view as the address says it, page by page, and as a file.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use console::views::ProblemsView;
use db::Cursor;
use model::limits::{BULK_ROWS_MAX, PAGE_ROWS_MAX};
use model::{GroupId, Severity};
use problem::model::Problem;
use problem::{Filter, Sort};
use ui::{Choice, ListQuery};
use web::{ApiError, Ctx, Role};

use crate::manage::asked::Asked;
use crate::operate::line::{lines, title};
use crate::operate::people::People;
use crate::operate::refusal::refused;
use crate::{Desk, frame};

/// Rows of a page.
const ROWS: usize = 50;

pub(super) async fn problems(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let (filter, sort) = (filter(&desk, &query).await?, sort(&query));
    let from = (query.page() - 1).saturating_mul(ROWS);
    let found = read(&desk, &ctx, (&filter, sort), (from, ROWS)).await?;
    let counts = problem::service::counts(&mut desk.db.reader(), &filter, page.now_ms).await;
    let counts = counts.map_err(refused(page.lang))?;
    let groups = desk.watch.groups(false).await?.into_iter();
    let people = People::load(&desk).await?;
    let view = ProblemsView {
        lines: lines(&page, &people, &found),
        total: usize::try_from(counts.iter().sum::<i64>()).unwrap_or(usize::MAX),
        page_size: ROWS,
        query,
        host_groups: groups
            .map(|group| Choice::owned(group.id.to_string(), group.name))
            .collect(),
        may_act: ctx.has(Role::Operator),
    };
    Ok(console::problems(&page, &view).into_response())
}

/// The filter that the address asks for.
async fn filter(desk: &Desk, query: &ListQuery) -> Result<Filter, ApiError> {
    let severity = query.get("severity").parse::<Severity>();
    let hosts = match query.get("group") {
        "" => None,
        group => {
            let id: GroupId = web::path_id(group, "this group")?;
            let group = desk.watch.group(id).await?;
            let members = desk.driver.members(&group.selector);
            Some(members.map_err(|error| ApiError::internal(error.to_string()))?)
        }
    };
    let state = query.get("state");
    Ok(Filter {
        open: (state != "all").then_some(true),
        acknowledged: (state == "untaken").then_some(false),
        severities: severity.into_iter().collect(),
        hosts,
        rule: web::optional_field(Some(query.get("rule")), "rule")?,
        text: query.get("q").to_owned(),
        ..Filter::default()
    })
}

fn sort(query: &ListQuery) -> Sort {
    match query.sort() {
        ("host", _) => Sort::Host,
        ("opened", true) => Sort::Oldest,
        ("opened", false) => Sort::Opened,
        _ => Sort::Severity,
    }
}

/// `count` rows from the row `from` on; lists are read by cursor, so earlier rows are passed over.
async fn read(
    desk: &Desk,
    ctx: &Ctx,
    how: (&Filter, Sort),
    (from, count): (usize, usize),
) -> Result<Vec<Problem>, ApiError> {
    let mut reader = desk.db.reader();
    let mut cursor: Option<Cursor> = None;
    let (mut passed, mut out) = (0, Vec::new());
    while out.len() < count && passed < BULK_ROWS_MAX {
        let left = from.saturating_sub(passed);
        let limit = if left > 0 { left } else { count - out.len() };
        let limit = limit.min(PAGE_ROWS_MAX);
        let now_ms = ctx.now_ms();
        let page = problem::service::list(&mut reader, how, cursor.as_ref(), limit, now_ms).await;
        let page = page.map_err(refused(ctx.lang))?;
        passed += page.rows.len();
        if left == 0 {
            out.extend(page.rows);
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(out)
}

pub(super) async fn export(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let (filter, sort) = (filter(&desk, &query).await?, sort(&query));
    let found = read(&desk, &ctx, (&filter, sort), (0, BULK_ROWS_MAX)).await?;
    let people = People::load(&desk).await?;
    let head = [
        "number",
        "severity",
        "highest",
        "title",
        "host",
        "target",
        "rule",
        "opened",
        "closed",
        "duration_s",
        "acknowledged_by",
        "assigned_to",
    ];
    let mut file = crate::csv::Csv::new(&head);
    for one in &found {
        let taken = one.acknowledged.as_ref();
        let assignee = one.assignee.map(|user| people.name(&user.to_string()));
        file.row(&[
            &one.label(),
            one.severity.name(),
            one.highest.name(),
            &title(ctx.lang, one),
            &one.host,
            &one.target.key,
            &one.rule_key,
            &i18n::iso(one.opened_ms),
            &one.closed
                .as_ref()
                .map_or_else(String::new, |closed| i18n::iso(closed.at_ms)),
            &(one.duration_ms(ctx.now_ms()) / 1_000).to_string(),
            &taken.map_or_else(String::new, |taken| people.name(&taken.by)),
            &assignee.unwrap_or_default(),
        ]);
    }
    Ok(file.answer("problems.csv"))
}
