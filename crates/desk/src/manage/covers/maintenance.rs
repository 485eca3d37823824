//! The list of maintenances: now, coming, past.

use axum::extract::{Path, State};
use axum::response::Response;
use model::MaintenanceId;
use problem::decide::{next_windows, window_at};
use problem::model::{Maintenance, Scope};
use problem::service;
use ui::{Action, Choice, Column, Empty, Filter, Html, PageContext, PageHead};
use web::{ApiError, Ctx, Role};

use crate::manage::asked::Asked;
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::{hosts, refusal, sheet};
use crate::{Desk, frame};

const COLUMNS: [Column; 7] = [
    Column::sorted("number", "maintenance.number"),
    Column::sorted("name", "maintenance.name").class("grow"),
    Column::sorted("state", "rule.state"),
    Column::sorted("next", "maintenance.window"),
    Column::plain("maintenance.scope").class("wrap hide-s"),
    Column::sorted("owner", "maintenance.owner").class("hide-s"),
    Column::plain("manage.reason").class("wrap hide-s"),
];

/// How it stands now.
pub(super) fn state(one: &Maintenance, now_ms: i64) -> &'static str {
    match one.cancelled_ms {
        Some(_) => "cancelled",
        None if window_at(&one.when, now_ms).is_some() => "running",
        None if next_windows(&one.when, now_ms, 1).is_empty() => "over",
        None => "planned",
    }
}

/// What it covers, in words.
pub(super) fn scope(desk: &Desk, page: &PageContext, scope: &Scope) -> String {
    if scope.everything {
        return page.t("maintenance.everything").to_owned();
    }
    let mut parts: Vec<String> = scope
        .hosts
        .iter()
        .map(|ci| hosts::name(desk, *ci))
        .collect();
    let group = |name: &String| page.tf("manage.group_named", &[("name", name)]);
    parts.extend(scope.groups.iter().map(group));
    parts.extend(scope.labels.iter().map(ToString::to_string));
    parts.join(", ")
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let asked = query.get("state");
    let past = matches!(asked, "over" | "cancelled");
    let found = service::maintenances(&mut desk.db.reader(), past, page.now_ms).await;
    let found = found.map_err(|error| ApiError::from(refusal::problem(&page, error)))?;
    let mut lines: Vec<Line> = found.iter().map(|one| line(&desk, &page, one)).collect();
    lines.sort_by_key(|line| !line.facets.contains(&("state", "running".to_owned())));
    let choice =
        |state: &str| Choice::owned(state.to_owned(), format!("maintenance.state_{state}"));
    let states = ["running", "planned", "over", "cancelled"];
    let add = Action::primary(page.t("host.add_maintenance"), "/maintenance/new");
    let actions = match ctx.has(Role::Operator) {
        true => vec![add],
        false => Vec::new(),
    };
    let listing = Listing {
        head: PageHead {
            actions: actions.clone(),
            ..PageHead::new(page.t("nav.maintenance"), page.t("maintenance.intro"))
        },
        path: "/maintenance",
        columns: &COLUMNS,
        lines,
        filters: vec![Filter {
            key: "state",
            label: "rule.state",
            choices: states.into_iter().map(choice).collect(),
        }],
        search: "maintenance.search",
        bulk: &[],
        empty: Empty {
            title: page.t("maintenance.none").to_owned(),
            text: page.t("maintenance.none_text").to_owned(),
            actions,
            good: false,
        },
        above: Html::empty(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn line(desk: &Desk, page: &PageContext, one: &Maintenance) -> Line {
    let state = state(one, page.now_ms);
    let word = page.tk("maintenance.state_", state);
    let shown = match state {
        "running" => sheet::alert_chip(&word),
        "planned" => Html::text(&word),
        _ => sheet::chip(&word),
    };
    let next = next_windows(&one.when, page.now_ms, 1).first().copied();
    let window = match (next, one.cancelled_ms) {
        (Some((from_ms, to_ms)), None) => {
            let parts = [page.at(from_ms), Html::text(" – "), page.at(to_ms)];
            let text = format!("{} – {}", i18n::iso(from_ms), i18n::iso(to_ms));
            Cell::html(text, parts.into_iter().collect()).by(from_ms)
        }
        _ => Cell::text("–"),
    };
    Line {
        href: format!("/maintenance/{}", one.id),
        name: one.name.clone(),
        class: match state {
            "over" | "cancelled" => "is-off".to_owned(),
            _ => String::new(),
        },
        cells: vec![
            Cell::text(one.label()).by(one.number),
            Cell::text(&one.name),
            Cell::html(word, shown),
            window,
            Cell::text(scope(desk, page, &one.scope)),
            Cell::text(&one.owner),
            Cell::text(&one.reason),
        ],
        facets: vec![("state", state.to_owned())],
        ..Line::default()
    }
}

pub(super) async fn cancel(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let id: MaintenanceId = web::path_id(&id, "this maintenance")?;
    let done = service::cancel_maintenance(&desk.db, id, ctx.who()).await;
    let done = done.map_err(|error| refusal::problem(&page, error));
    refusal::settle(
        &ctx,
        &page,
        "/maintenance",
        (done, page.t("maintenance.cancelled")),
    )
}
