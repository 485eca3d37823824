//! The list of groups.

use axum::extract::State;
use axum::response::Response;
use ui::{Action, Column, Empty, Html, PageContext, PageHead};
use watch::{Group, GroupSelector};
use web::{ApiError, Ctx, Role};

use crate::manage::asked::Asked;
use crate::manage::listing::{Cell, Line, Listing};
use crate::{Desk, frame};

const COLUMNS: [Column; 5] = [
    Column::sorted("name", "member.name"),
    Column::sorted("hosts", "member.hosts").class("num"),
    Column::plain("member.selector").class("grow"),
    Column::plain("member.note").class("wrap hide-s"),
    Column::sorted("updated", "manage.updated").class("hide-s"),
];

/// Who belongs to a group, in words.
pub(super) fn said(page: &PageContext, selector: &GroupSelector) -> String {
    let mut parts = Vec::new();
    for (key, list) in [
        ("member.names", &selector.names),
        ("rule.scope_os", &selector.os),
        ("member.except", &selector.except),
    ] {
        if !list.is_empty() {
            parts.push(format!("{}: {}", page.t(key), list.join(", ")));
        }
    }
    if let Some(labels) = &selector.labels {
        parts.push(format!("{}: {labels}", page.t("rule.scope_labels")));
    }
    parts.join(" · ")
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let groups = desk.watch.groups(false).await?;
    let lines = groups
        .iter()
        .map(|group| line(&desk, &page, group))
        .collect();
    let add = Action::primary(page.t("member.add"), "/groups/new");
    let actions = match ctx.has(Role::Administrator) {
        true => vec![add],
        false => Vec::new(),
    };
    let listing = Listing {
        head: PageHead {
            actions: actions.clone(),
            ..PageHead::new(page.t("nav.groups"), page.t("member.intro"))
        },
        path: "/groups",
        columns: &COLUMNS,
        lines,
        filters: Vec::new(),
        search: "member.search",
        bulk: &[],
        empty: Empty {
            title: page.t("member.none").to_owned(),
            text: page.t("member.none_text").to_owned(),
            actions,
            good: false,
        },
        above: Html::empty(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn line(desk: &Desk, page: &PageContext, group: &Group) -> Line {
    let count = desk
        .driver
        .members(&group.selector)
        .map_or(0, |found| found.len());
    Line {
        href: format!("/groups/{}", group.id),
        name: group.name.clone(),
        cells: vec![
            Cell::text(&group.name),
            Cell::count(count),
            Cell::text(said(page, &group.selector)),
            Cell::text(&group.note),
            Cell::ago(page, Some(group.updated_ms)),
        ],
        ..Line::default()
    }
}
