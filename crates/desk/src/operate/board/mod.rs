//! The board: counts, the first rows, the problems beside, its snapshot and its changes.

mod events;
mod rows;

use std::collections::HashSet;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use console::views::{BoardFilter, BoardView};
use model::{CiId, GroupId};
use problem::{Filter, Sort};
use ui::{Choice, ListQuery, PageContext};
use web::{Action, ApiError, Ctx, Endpoint, Routes};

use super::line::lines;
use super::people::People;
use super::refusal::refused;
use crate::live::Picture;
use crate::manage::asked::Asked;
use crate::{Desk, frame};

const VIEW: Action = Action::view("board.view");
/// Problems beside the board.
const PROBLEMS: usize = 60;

pub(super) fn routes() -> Routes<Desk> {
    Routes::new()
        .add(Endpoint::get("/", VIEW).summary("The board"), board)
        .add(
            Endpoint::get("/board/snapshot", VIEW)
                .summary("Every host and cell, binary: docs/format/board.md")
                .other(),
            snapshot,
        )
        .add(
            Endpoint::get("/board/members", VIEW)
                .summary("The hosts of a group, as JSON")
                .other(),
            members,
        )
        .add(
            Endpoint::get("/board/events", VIEW)
                .summary("What changes on the board, as server-sent events")
                .other(),
            events::events,
        )
        .add(
            Endpoint::get("/board/problems", VIEW).summary("The problems beside the board"),
            problems,
        )
}

async fn board(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let picture = desk.live.picture();
    let filter = filter(&query);
    let groups = desk.watch.groups(false).await?;
    let members = of_group(&desk, &filter.group).await?;
    let found = rows::find(&picture.rows, &filter, members.as_ref());
    let beside = beside(&desk, &page, members.as_ref()).await?;
    let in_group = |path: &str| match filter.group.as_str() {
        "" => path.to_owned(),
        group => format!("{path}?group={}", ui::encode(group)),
    };
    let view = BoardView {
        counts: picture.counts,
        rows_total: found.len(),
        rows: rows::first(&picture.rows, found, filter.sort == "name"),
        problems_total: beside.total,
        problems: beside.lines,
        generation: picture.generation,
        snapshot_url: "/board/snapshot".to_owned(),
        members_url: match filter.group.as_str() {
            "" => String::new(),
            _ => in_group("/board/members"),
        },
        events_url: "/board/events".to_owned(),
        problems_url: in_group("/board/problems"),
        filter,
        host_groups: groups
            .into_iter()
            .map(|group| Choice::owned(group.id.to_string(), group.name))
            .collect(),
        wall: query.get("wall") == "1",
    };
    Ok(console::board(&page, &view).into_response())
}

fn filter(query: &ListQuery) -> BoardFilter {
    let text = |key| query.get(key).to_owned();
    BoardFilter {
        text: text("q"),
        group: text("group"),
        severity: text("severity"),
        only_bad: query.get("bad") == "1",
        sort: text("sort"),
        view: text("view"),
    }
}

/// The hosts of a group; none when no group is asked for.
async fn of_group(desk: &Desk, group: &str) -> Result<Option<HashSet<CiId>>, ApiError> {
    if group.is_empty() {
        return Ok(None);
    }
    let id: GroupId = web::path_id(group, "this group")?;
    let group = desk.watch.group(id).await?;
    let members = desk.driver.members(&group.selector);
    let members = members.map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Some(members.into_iter().collect()))
}

/// The problems beside the board, and how many there are in all.
struct Beside {
    lines: Vec<console::views::ProblemLine>,
    total: usize,
}

async fn beside(
    desk: &Desk,
    page: &PageContext,
    members: Option<&HashSet<CiId>>,
) -> Result<Beside, ApiError> {
    let filter = Filter {
        open: Some(true),
        hosts: members.map(|members| members.iter().copied().collect()),
        ..Filter::default()
    };
    let mut reader = desk.db.reader();
    let how = (&filter, Sort::Severity);
    let list = problem::service::list(&mut reader, how, None, PROBLEMS, page.now_ms).await;
    let list = list.map_err(refused(page.lang))?;
    let total = match members {
        None => page.beacon.total(),
        Some(_) => {
            let counts = problem::service::counts(&mut reader, &filter, page.now_ms).await;
            let counts = counts.map_err(refused(page.lang))?;
            u32::try_from(counts.iter().sum::<i64>()).unwrap_or(u32::MAX)
        }
    };
    let people = People::load(desk).await?;
    Ok(Beside {
        total: (total as usize).max(list.rows.len()),
        lines: lines(page, &people, &list.rows),
    })
}

async fn problems(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let members = of_group(&desk, query.get("group")).await?;
    let beside = beside(&desk, &page, members.as_ref()).await?;
    let hosts = desk.live.picture().counts.hosts;
    let part = console::board_problems(&page, &beside.lines, beside.total, hosts);
    Ok(part.into_response())
}

async fn snapshot(ctx: Ctx, State(desk): State<Desk>) -> Response {
    let picture = desk.live.picture();
    let now_ms = u64::try_from(ctx.now_ms()).unwrap_or(0);
    let bytes = console::encode_snapshot(&picture.rows, picture.generation, now_ms);
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, bytes).into_response()
}

async fn members(State(desk): State<Desk>, Asked(query): Asked) -> Result<Response, ApiError> {
    let members = of_group(&desk, query.get("group"))
        .await?
        .unwrap_or_default();
    let picture = desk.live.picture();
    let rows = places(&picture, &members);
    let body = serde_json::json!({"hosts": picture.rows.len(), "rows": rows});
    Ok(axum::Json(body).into_response())
}

fn places(picture: &Picture, members: &HashSet<CiId>) -> Vec<u32> {
    let places = members.iter().filter_map(|ci| picture.places.get(ci));
    let mut places: Vec<u32> = places.copied().collect();
    places.sort_unstable();
    places
}
