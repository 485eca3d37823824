//! The host page: its state, its graphs, what is watched on it and why so; and its settings.

pub(crate) mod found;
mod head;
mod list;
mod rules;
mod settings;
mod top;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use cmdb::Host;
use console::views::{GraphSpec, HostView, Range};
use i18n::Lang;
use model::CiId;
use problem::{Filter, Sort};
use tsdb::{SeriesId, Tsdb};
use ui::ListQuery;
use web::{Action, ApiError, Ctx, Endpoint, Role, Routes};

use super::line::lines;
use super::people::People;
use super::refusal::refused;
use crate::manage::asked::Asked;
use crate::{Desk, frame};

const READ: Action = Action::view("host.read");
const CHANGE: Action = Action::operate("host.change");
const IGNORE: Action = Action::operate("coverage.ignore");
const REGISTER: Action = Action::administer("watched.change");
/// Problems shown on a host's page.
const PROBLEMS: usize = 50;
/// The range of graphs when none is chosen, by its name.
const RANGE: &str = "1h";

pub(super) fn routes() -> Routes<Desk> {
    let page = |path, summary| Endpoint::get(path, READ).summary(summary);
    Routes::new()
        .add(page("/hosts", "All hosts"), list::hosts)
        .add(page("/hosts.csv", "All hosts as a file"), list::export)
        .add(page("/hosts/{id}", "One host, by id or name"), host)
        .add(page("/hosts/{id}/top", "Its busiest processes"), top::top)
        .add(
            Endpoint::post("/hosts/{id}/register", REGISTER).summary("Watch a discovered thing"),
            found::register,
        )
        .add(
            Endpoint::post("/hosts/{id}/ignore", IGNORE)
                .summary("Ignore a discovered thing, or take that back"),
            found::ignore,
        )
        .add(
            Endpoint::get("/hosts/{id}/settings", CHANGE).summary("Name and labels of a host"),
            settings::ask,
        )
        .add(
            Endpoint::post("/hosts/{id}/settings", CHANGE).summary("Rename or label a host"),
            settings::save,
        )
        .add(
            Endpoint::post("/hosts/{id}/retire", CHANGE).summary("Retire a host, or bring it back"),
            settings::retire,
        )
}

/// The host of a path, by id or by name.
pub(super) fn find(desk: &Desk, text: &str) -> Result<Arc<Host>, ApiError> {
    let all = desk.hosts.all();
    let by_id = text.parse::<CiId>().ok().and_then(|id| all.get(&id));
    let by_name = || all.values().find(|host| host.name == text);
    let host = by_id.or_else(by_name);
    host.cloned()
        .ok_or_else(|| ApiError::not_found("this host"))
}

async fn host(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let host = find(&desk, &id)?;
    let page = frame::page(&desk, &ctx);
    let people = People::load(&desk).await?;
    let filter = Filter {
        open: Some(true),
        host: Some(host.id),
        ..Filter::default()
    };
    let how = (&filter, Sort::Severity);
    let open =
        problem::service::list(&mut desk.db.reader(), how, None, PROBLEMS, page.now_ms).await;
    let problems = lines(&page, &people, &open.map_err(refused(page.lang))?.rows);
    let agent = desk.fleet.agent_row_of(host.id).await;
    let agent = agent.map_err(|error| ApiError::internal(error.to_string()))?;
    let pairs = desk.driver.state_of(host.id);
    let view = HostView {
        head: head::head(&desk, (&host, agent.as_ref()), &problems, &pairs),
        has_agent: agent.is_some_and(|agent| agent.connected),
        graphs: graphs(&desk.tsdb, page.lang, host.id),
        range: range(&query, page.now_ms),
        rules: rules::rules(&desk, &page, &people, pairs).await?,
        discovered: found::discovered(&desk, &page, &people, host.id).await?,
        problems,
        may_act: ctx.has(Role::Operator),
        may_register: ctx.has(Role::Administrator),
    };
    Ok(console::host(&page, &view).into_response())
}

/// The range that the address asks for: a preset, or `from` and `to`.
pub(super) fn range(query: &ListQuery, now_ms: i64) -> Range {
    let time = |key| query.get(key).parse::<i64>().ok();
    if let (Some(from_ms), Some(to_ms)) = (time("from"), time("to"))
        && from_ms < to_ms
    {
        return Range {
            from_ms,
            to_ms,
            preset: "",
        };
    }
    let named = |name: &str| {
        console::RANGES
            .into_iter()
            .find(|(known, _)| *known == name)
    };
    let chosen = named(query.get("range")).or_else(|| named(RANGE));
    let (preset, length_ms) = chosen.unwrap_or((RANGE, 3_600_000));
    Range {
        from_ms: now_ms - length_ms,
        to_ms: now_ms,
        preset,
    }
}

/// The graphs of the collectors that have something to show on this host.
fn graphs(tsdb: &Tsdb, lang: Lang, host: CiId) -> Vec<GraphSpec> {
    let own = model::Selector::default().and("ci", model::MatchOp::Eq, &host.to_string());
    let ids: Vec<SeriesId> = tsdb.select(&own).unwrap_or_default();
    let names: std::collections::HashSet<String> = ids
        .into_iter()
        .filter_map(|id| Some(tsdb.labels(id)?.name().to_owned()))
        .collect();
    let graphs = collect::ALL.iter().flat_map(|plugin| {
        let graphs = plugin.graphs().unwrap_or_default();
        graphs.into_iter().map(|graph| (plugin.name, graph))
    });
    let mut shown: Vec<_> = graphs
        .filter(|(_, graph)| {
            let mut metrics = graph.series.iter().flat_map(|selector| &selector.0);
            metrics.any(|matcher| names.contains(&matcher.value))
        })
        .collect();
    shown.sort_by_key(|(plugin, _)| place(plugin));
    shown
        .into_iter()
        .map(|(_, graph)| GraphSpec {
            url: format!("/api/v1/graph?host={host}&graph={}", graph.key),
            title: graph.title.get(lang).to_owned(),
            id: graph.key,
            wide: false,
        })
        .collect()
}

/// The order of the board's columns is also that of the graphs.
fn place(plugin: &str) -> usize {
    let order = [
        "cpu",
        "memory",
        "filesystem",
        "disk",
        "network",
        "tcp",
        "process",
    ];
    order
        .iter()
        .position(|known| *known == plugin)
        .unwrap_or(order.len())
}
