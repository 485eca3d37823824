//! The counts and the list of discovered things, what nobody decided about first.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use cmdb::Discovered;
use model::CiId;
use ui::{BulkAction, Choice, Column, Empty, Filter, Html, ListQuery, PageContext, PageHead};
use web::{ApiError, Ctx, Role};

use super::decide::Key;
use crate::live::of_host;
use crate::manage::asked::Asked;
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::{hosts, sheet};
use crate::{Desk, frame};

/// Rows built at most: what nobody decided about comes first.
const ROWS_MAX: usize = 5_000;
/// Kinds of things that agents find.
const KINDS: [&str; 5] = ["filesystem", "interface", "unit", "listener", "process"];

const COLUMNS: [Column; 6] = [
    Column::sorted("host", "host.name"),
    Column::sorted("kind", "host.kind"),
    Column::sorted("name", "coverage.thing").class("grow"),
    Column::sorted("state", "host.coverage"),
    Column::plain("manage.reason").class("wrap hide-s"),
    Column::sorted("seen", "coverage.first_seen").class("hide-s"),
];

const BULK: [BulkAction; 3] = [
    BulkAction {
        value: "register",
        label: "coverage.register",
        confirm: "",
        danger: false,
    },
    BulkAction {
        value: "ignore",
        label: "coverage.ignore",
        confirm: "",
        danger: false,
    },
    BulkAction {
        value: "restore",
        label: "coverage.restore",
        confirm: "",
        danger: false,
    },
];

/// A thing with its state, as a catalogue key.
pub(super) type Known = (Discovered, &'static str);

/// Everything that still exists on hosts in service, with its state.
pub(super) async fn all(desk: &Desk) -> Result<Vec<Known>, ApiError> {
    let mut things = desk.cmdb.discovered(None).await?;
    let book = desk.hosts.all();
    things.retain(|thing| {
        let host = book.get(&thing.ci);
        thing.gone_ms.is_none() && host.is_some_and(|host| host.retired_ms.is_none())
    });
    let driver = desk.driver.clone();
    let found = tokio::task::spawn_blocking(move || {
        let hosts: BTreeSet<CiId> = things.iter().map(|thing| thing.ci).collect();
        let judged: BTreeMap<CiId, _> = hosts
            .into_iter()
            .map(|ci| (ci, driver.judged_things(ci)))
            .collect();
        let none = std::collections::HashSet::new();
        let state = |thing: &Discovered| of_host(thing, judged.get(&thing.ci).unwrap_or(&none));
        let with = |thing: Discovered| (state(&thing), thing);
        things
            .into_iter()
            .map(with)
            .map(|(state, thing)| (thing, state))
            .collect()
    });
    Ok(found.await.unwrap_or_default())
}

fn rank(state: &str) -> u8 {
    match state {
        "coverage.unregistered" => 0,
        "coverage.ignored" => 1,
        _ => 2,
    }
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let mut found = all(&desk).await?;
    let counts = counts(&found);
    found.retain(|(thing, state)| fits(&query, thing, state));
    found.sort_by(|(a, a_state), (b, b_state)| {
        let key = |thing: &Discovered, state| (rank(state), thing.seen.kind.clone());
        key(a, a_state).cmp(&key(b, b_state))
    });
    let cut = found.len() > ROWS_MAX;
    found.truncate(ROWS_MAX);
    let lines = found
        .iter()
        .map(|known| line(&desk, &page, known))
        .collect();
    let mut above = vec![summary(&page, &counts)];
    if cut {
        above.push(sheet::note(
            &page.tf("coverage.cut", &[("count", &ROWS_MAX)]),
        ));
    }
    let listing = Listing {
        head: PageHead::new(page.t("nav.coverage"), page.t("coverage.intro")),
        path: "/coverage",
        columns: &COLUMNS,
        lines,
        filters: filters(&desk),
        search: "coverage.search",
        bulk: if ctx.has(Role::Operator) { &BULK } else { &[] },
        empty: Empty {
            title: page.t("coverage.none").to_owned(),
            text: page.t("host.nothing_discovered").to_owned(),
            actions: vec![ui::Action::plain(page.t("nav.agents"), "/agents")],
            good: false,
        },
        above: above.into_iter().collect(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

/// Asked here already, so that only rows that may be shown are built.
fn fits(query: &ListQuery, thing: &Discovered, state: &str) -> bool {
    let wanted = |key: &str, value: &str| query.get(key).is_empty() || query.get(key) == value;
    wanted("state", state.trim_start_matches("coverage."))
        && wanted("kind", &thing.seen.kind)
        && wanted("host", &thing.ci.to_string())
}

fn counts(found: &[Known]) -> BTreeMap<(String, &'static str), usize> {
    let mut counts = BTreeMap::new();
    for (thing, state) in found {
        *counts.entry((thing.seen.kind.clone(), *state)).or_insert(0) += 1;
    }
    counts
}

/// Counts by kind and state, each leading to its rows.
fn summary(page: &PageContext, counts: &BTreeMap<(String, &'static str), usize>) -> Html {
    if counts.is_empty() {
        return Html::empty();
    }
    let states = [
        "coverage.monitored",
        "coverage.ignored",
        "coverage.unregistered",
    ];
    let kinds: BTreeSet<&String> = counts.keys().map(|(kind, _)| kind).collect();
    let cell = |kind: &str, state: &'static str| {
        let of =
            |(known, found): &(String, &str)| (kind.is_empty() || known == kind) && *found == state;
        let count: usize = counts
            .iter()
            .filter(|(key, _)| of(key))
            .map(|(_, count)| count)
            .sum();
        let short = state.trim_start_matches("coverage.");
        let kind = match kind {
            "" => String::new(),
            kind => format!("&kind={kind}"),
        };
        sheet::link(
            &format!("/coverage?state={short}{kind}"),
            &page.count(&count),
        )
    };
    let row = |name: String, kind: &str| {
        let mut row = vec![Html::text(&name)];
        row.extend(states.iter().map(|state| cell(kind, state)));
        row
    };
    let mut rows = vec![row(page.t("list.all").to_owned(), "")];
    rows.extend(
        kinds
            .into_iter()
            .map(|kind| row(kind_word(page, kind), kind)),
    );
    let [watched, ignored, open] = states;
    let titles = ["host.kind", watched, ignored, open].map(|key| page.t(key));
    let table = sheet::grid(&titles, &rows);
    Html::trusted(format!(
        "<div class=\"stack\">{}</div><br>",
        sheet::flush(page.t("coverage.summary"), table)
    ))
}

/// A kind in the reader's language.
pub(super) fn kind_word(page: &PageContext, kind: &str) -> String {
    let key = format!("kind.{kind}");
    i18n::find(page.lang, &key).map_or_else(|| kind.to_owned(), str::to_owned)
}

fn filters(desk: &Desk) -> Vec<Filter> {
    let kind = |kind: &str| Choice::owned(kind.to_owned(), format!("kind.{kind}"));
    let host = |(name, ci): (String, CiId)| Choice::owned(ci.to_string(), name);
    let known = hosts::in_service(desk);
    let mut filters = vec![
        Filter {
            key: "state",
            label: "host.coverage",
            choices: vec![
                Choice::new("unregistered", "coverage.unregistered"),
                Choice::new("ignored", "coverage.ignored"),
                Choice::new("monitored", "coverage.monitored"),
            ],
        },
        Filter {
            key: "kind",
            label: "host.kind",
            choices: KINDS.into_iter().map(kind).collect(),
        },
    ];
    // A choice of ten thousand names is none: then the search box finds the host.
    if known.len() <= 200 {
        filters.push(Filter {
            key: "host",
            label: "host.name",
            choices: known.into_iter().map(host).collect(),
        });
    }
    filters
}

fn line(desk: &Desk, page: &PageContext, (thing, state): &Known) -> Line {
    let host = hosts::name(desk, thing.ci);
    let word = page.t(state);
    let shown = match *state {
        "coverage.unregistered" => sheet::alert_chip(word),
        "coverage.ignored" => sheet::chip(word),
        _ => Html::text(word),
    };
    let ignored = thing
        .ignored
        .as_ref()
        .filter(|_| *state == "coverage.ignored");
    let reason = ignored.map_or_else(String::new, |ignore| {
        let until = ignore.until_ms.map(|until_ms| {
            let time = i18n::date(until_ms, &page.zone);
            format!(" · {}", page.tf("host.until", &[("time", &time)]))
        });
        format!(
            "{} · {}{}",
            ignore.why,
            ignore.by,
            until.unwrap_or_default()
        )
    });
    let key = Key::of(thing);
    Line {
        id: key.to_string(),
        href: key.href(),
        name: format!("{host} {}", thing.seen.title),
        cells: vec![
            Cell::text(&host),
            Cell::text(kind_word(page, &thing.seen.kind)),
            Cell::text(&thing.seen.title),
            Cell::html(word, shown).by(i64::from(rank(state))),
            Cell::text(reason),
            Cell::ago(page, Some(thing.first_seen_ms)),
        ],
        facets: vec![
            ("state", state.trim_start_matches("coverage.").to_owned()),
            ("kind", thing.seen.kind.clone()),
            ("host", thing.ci.to_string()),
        ],
        ..Line::default()
    }
}
