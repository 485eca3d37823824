//! The list of agents.

use axum::extract::State;
use axum::response::Response;
use fleet::AgentRow;
use model::AgentId;
use ui::{Action, BulkAction, Choice, Column, Empty, Filter, Html, PageContext, PageHead};
use web::{ApiError, Ctx, Role};

use super::detail::retire_all;
use crate::manage::asked::{Asked, Sent};
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::{hosts, refusal, sheet};
use crate::{Desk, frame};

const COLUMNS: [Column; 6] = [
    Column::sorted("host", "host.name").class("grow"),
    Column::sorted("state", "agent.connection"),
    Column::sorted("version", "agent.version"),
    Column::sorted("seen", "agent.seen"),
    Column::sorted("warnings", "agent.warnings"),
    Column::sorted("address", "agent.address").class("hide-s"),
];

const BULK: [BulkAction; 1] = [BulkAction {
    value: "retire",
    label: "agent.retire",
    confirm: "agent.retire_confirm",
    danger: true,
}];

/// In which of three states an agent is.
pub(super) fn state(row: &AgentRow) -> &'static str {
    match (row.retired, row.connected) {
        (true, _) => "retired",
        (false, true) => "connected",
        (false, false) => "gone",
    }
}

/// Whether the program is older than the server's own.
pub(super) fn is_old(row: &AgentRow) -> bool {
    row.version != env!("CARGO_PKG_VERSION")
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let mut rows = desk.fleet.agents().await.map_err(refusal::store)?;
    let with_retired = query.get("state") == "retired";
    rows.retain(|row| with_retired || !row.retired);
    let lines = rows.iter().map(|row| line(&desk, &page, row)).collect();
    let administers = ctx.has(Role::Administrator);
    let add = Action::primary(page.t("agent.add"), "/agents/add");
    let actions = if administers { vec![add] } else { Vec::new() };
    let head = PageHead {
        tabs: super::tabs(&page, "/agents"),
        actions: actions.clone(),
        ..PageHead::new(page.t("nav.agents"), page.t("agent.intro"))
    };
    let listing = Listing {
        head,
        path: "/agents",
        columns: &COLUMNS,
        lines,
        filters: filters(&rows),
        search: "agent.search",
        bulk: if administers { &BULK } else { &[] },
        empty: Empty {
            title: page.t("agent.none").to_owned(),
            text: page.t("agent.none_text").to_owned(),
            actions,
            good: false,
        },
        above: Html::empty(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn filters(rows: &[AgentRow]) -> Vec<Filter> {
    let state = |value, label| Choice::new(value, label);
    let mut versions: Vec<&String> = rows.iter().map(|row| &row.version).collect();
    versions.sort();
    versions.dedup();
    let version = |version: &&String| Choice::owned((*version).clone(), (*version).clone());
    vec![
        Filter {
            key: "state",
            label: "agent.connection",
            choices: vec![
                state("connected", "agent.state_connected"),
                state("gone", "agent.state_gone"),
                state("retired", "agent.state_retired"),
            ],
        },
        Filter {
            key: "version",
            label: "agent.version",
            choices: versions.iter().map(version).collect(),
        },
        Filter {
            key: "warned",
            label: "agent.warnings",
            choices: vec![Choice::new("yes", "agent.with_warnings")],
        },
    ]
}

fn line(desk: &Desk, page: &PageContext, row: &AgentRow) -> Line {
    let host = hosts::name(desk, row.host);
    let state = state(row);
    let word = page.tk("agent.state_", state);
    let shown = match state {
        "connected" => Html::text(&word),
        "gone" => sheet::alert_chip(&word),
        _ => sheet::chip(&word),
    };
    let version = match is_old(row) && !row.retired {
        true => [Html::text(&row.version), Html::text(" "), {
            sheet::chip(page.t("host.agent_outdated"))
        }]
        .into_iter()
        .collect(),
        false => Html::text(&row.version),
    };
    let warnings = row.warnings.len();
    let warned = match row.warnings.first() {
        Some(first) => sheet::alert_chip(&format!("{} ({warnings})", first.text)),
        None => Html::text("–"),
    };
    let mut facets = vec![
        ("state", state.to_owned()),
        ("version", row.version.clone()),
    ];
    if warnings > 0 {
        facets.push(("warned", "yes".to_owned()));
    }
    Line {
        id: if row.retired {
            String::new()
        } else {
            row.id.to_string()
        },
        href: format!("/agents/{}", row.id),
        class: if row.retired {
            "is-off".to_owned()
        } else {
            String::new()
        },
        cells: vec![
            Cell::text(&host),
            Cell::html(word, shown),
            Cell::html(&row.version, version),
            Cell::ago(
                page,
                if row.connected {
                    Some(page.now_ms)
                } else {
                    row.seen_ms
                },
            ),
            Cell::html(warnings.to_string(), warned).by(i64::try_from(warnings).unwrap_or(0)),
            Cell::text(&row.address),
        ],
        name: host,
        facets,
    }
}

pub(super) async fn bulk(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let ids: Vec<AgentId> = sent.ids("this agent")?;
    let count = ids.len();
    let done = retire_all(&desk, ids).await.map(|()| count);
    let said = page.tf("agent.retired_many", &[("count", &count)]);
    refusal::settle(&ctx, &page, "/agents", (done, &said))
}
