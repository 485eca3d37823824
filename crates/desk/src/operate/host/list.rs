//! The list of hosts: found, filtered and sorted in memory, drawn one page at a time.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cmdb::Host;
use console::views::Cell;
use model::{CellState, Severity};
use ui::{
    Action, Choice, Column, Empty, Filter, Html, ListQuery, PageContext, PageHead, Row, Table,
};
use web::{ApiError, Ctx, Role};

use super::head;
use crate::live::Picture;
use crate::manage::asked::Asked;
use crate::{Desk, frame};

/// Rows of a page.
const ROWS: usize = 50;
const COLUMNS: [Column; 6] = [
    Column::sorted("state", "host.state"),
    Column::sorted("name", "host.name"),
    Column::plain("host.labels").class("grow"),
    Column::sorted("os", "host.os").class("hide-s"),
    Column::plain("host.addresses").class("hide-s"),
    Column::plain("host.hardware").class("hide-s nowrap"),
];
const STATES: [Choice; 5] = [
    Choice::new("bad", "host.state_bad"),
    Choice::new("normal", "host.state_normal"),
    Choice::new("unknown", "host.state_unknown"),
    Choice::new("unregistered", "host.state_unregistered"),
    Choice::new("retired", "host.state_retired"),
];

/// A host with its worst cell.
struct Found {
    host: Arc<Host>,
    cell: Cell,
}

pub(super) async fn hosts(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let found = find(&desk, &query).await?;
    let total = found.len();
    let from = (query.page() - 1).saturating_mul(ROWS);
    let rows = found.iter().skip(from).take(ROWS);
    let mut actions = Vec::new();
    if ctx.has(Role::Administrator) {
        actions.push(Action::primary(page.t("board.add_server"), "/agents/add"));
    }
    let table = Table {
        path: "/hosts",
        query: &query,
        columns: &COLUMNS,
        rows: rows.map(|found| row(&desk, &page, found)).collect(),
        total,
        page_size: ROWS,
        filters: filters(&desk).await?,
        search: "host.search",
        bulk: &[],
        bulk_path: "",
        export: "/hosts.csv",
        empty: Empty {
            title: page.t("host.empty_title").to_owned(),
            text: page.t("host.empty_text").to_owned(),
            actions: actions.clone(),
            good: false,
        },
        actions: Vec::new(),
    };
    let head = PageHead {
        actions,
        ..PageHead::new(page.t("host.list_title"), "")
    };
    Ok(ui::list_page(&page, &head, &table).into_response())
}

async fn filters(desk: &Desk) -> Result<Vec<Filter>, ApiError> {
    let groups = desk.watch.groups(false).await?.into_iter();
    let groups: Vec<Choice> = groups
        .map(|group| Choice::owned(group.name.clone(), group.name))
        .collect();
    let mut labels: Vec<String> = desk
        .hosts
        .all()
        .values()
        .flat_map(|host| host.labels.iter())
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<HashSet<_>>()
        .into_iter()
        .collect();
    labels.sort();
    let labels = labels
        .into_iter()
        .map(|label| Choice::owned(label.clone(), label));
    let all = [
        ("state", "host.filter_state", STATES.to_vec()),
        ("group", "board.host_group", groups),
        ("label", "host.filter_label", labels.collect()),
    ];
    let shown = all
        .into_iter()
        .filter(|(_, _, choices)| !choices.is_empty());
    Ok(shown
        .map(|(key, label, choices)| Filter {
            key,
            label,
            choices,
        })
        .collect())
}

async fn find(desk: &Desk, query: &ListQuery) -> Result<Vec<Found>, ApiError> {
    let (picture, all) = (desk.live.picture(), desk.hosts.all());
    let members = match query.get("group") {
        "" => None,
        name => {
            let groups = desk.watch.groups(false).await?;
            let group = groups.into_iter().find(|group| group.name == name);
            let group = group.ok_or_else(|| ApiError::not_found("this group"))?;
            let members = desk.driver.members(&group.selector);
            let members = members.map_err(|error| ApiError::internal(error.to_string()))?;
            Some(members.into_iter().collect::<HashSet<_>>())
        }
    };
    let words = query.get("q").to_lowercase();
    let (state, label) = (query.get("state"), query.get("label"));
    let mut found: Vec<Found> = all
        .values()
        .filter(|host| host.retired_ms.is_some() == (state == "retired"))
        .filter(|host| {
            members
                .as_ref()
                .is_none_or(|members| members.contains(&host.id))
        })
        .filter(|host| label.is_empty() || has_label(host, label))
        .filter(|host| words.is_empty() || fits(host, &words))
        .map(|host| Found {
            cell: worst(&picture, host),
            host: host.clone(),
        })
        .filter(|found| in_state(found.cell.state(), state))
        .collect();
    let (sort, descending) = query.sort();
    match sort {
        "name" => found.sort_by(|a, b| a.host.name.cmp(&b.host.name)),
        "os" => found.sort_by(|a, b| {
            let key = |found: &Found| (found.host.facts.os_name.clone(), found.host.name.clone());
            key(a).cmp(&key(b))
        }),
        _ => found.sort_by(|a, b| {
            let urgency = b.cell.urgency().cmp(&a.cell.urgency());
            urgency.then_with(|| a.host.name.cmp(&b.host.name))
        }),
    }
    if descending {
        found.reverse();
    }
    Ok(found)
}

fn worst(picture: &Picture, host: &Host) -> Cell {
    let place = picture.places.get(&host.id);
    let row = place.and_then(|place| picture.rows.get(*place as usize));
    row.map_or(Cell::new(CellState::Unregistered, 0), |row| row.worst())
}

fn in_state(state: CellState, wanted: &str) -> bool {
    match wanted {
        "bad" => !matches!(
            state,
            CellState::Judged(Severity::Normal) | CellState::Unregistered
        ),
        "normal" => state == CellState::Judged(Severity::Normal),
        "unknown" => state == CellState::Unknown,
        "unregistered" => state == CellState::Unregistered,
        _ => true,
    }
}

fn has_label(host: &Host, wanted: &str) -> bool {
    let (name, value) = wanted.split_once('=').unwrap_or((wanted, ""));
    let found = host.labels.get(name);
    found.is_some_and(|found| value.is_empty() || found == value)
}

/// Whether all words are somewhere in the name, the addresses, the system or the labels.
fn fits(host: &Host, words: &str) -> bool {
    let facts = &host.facts;
    let mut text = format!("{} {} {}", host.name, facts.hostname, facts.os_name);
    for address in &facts.addresses {
        text.push(' ');
        text.push_str(address);
    }
    for (name, value) in &host.labels {
        text.push_str(&format!(" {name}={value}"));
    }
    let text = text.to_lowercase();
    words.split_whitespace().all(|word| text.contains(word))
}

fn row(desk: &Desk, page: &PageContext, Found { host, cell }: &Found) -> Row {
    let href = format!("/hosts/{}", host.id);
    let name = format!(
        "<a class=\"row-link\" href=\"{href}\">{}</a>",
        ui::escape(&host.name)
    );
    let state = match host.retired_ms {
        Some(_) => Html::text(page.t("host.state_retired")),
        None => ui::cell_mark(page.lang, cell.state()),
    };
    Row {
        id: String::new(),
        name: host.name.clone(),
        class: format!("s-{}", cell.state().name()),
        cells: vec![
            state,
            Html::trusted(name),
            ui::tags(&head::tags(desk, host)),
            Html::text(&host.facts.os_name),
            Html::text(&host.facts.addresses.join(", ")),
            Html::text(&head::hardware(host)),
        ],
        href,
    }
}

pub(super) async fn export(
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let head = [
        "id",
        "name",
        "state",
        "groups",
        "labels",
        "os",
        "kernel",
        "addresses",
        "cpus",
    ];
    let mut file = crate::csv::Csv::new(&head);
    for Found { host, cell } in find(&desk, &query).await? {
        let facts = &host.facts;
        let labels = host
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let labels: Vec<String> = labels.collect();
        file.row(&[
            &host.id.to_string(),
            &host.name,
            if host.retired_ms.is_some() {
                "retired"
            } else {
                cell.state().name()
            },
            &desk.hosts.groups_of(host.id).join(" "),
            &labels.join(" "),
            &facts.os_name,
            &facts.kernel,
            &facts.addresses.join(" "),
            &facts.cpus.to_string(),
        ]);
    }
    Ok(file.answer("hosts.csv"))
}
