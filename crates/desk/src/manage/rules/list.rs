//! The list of rules: what they watch, how they do, how often they fired and were acted on.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use model::rule::Rule;
use model::{RuleId, limits};
use ui::{Action, BulkAction, Choice, Column, Empty, Filter, Html, PageContext, PageHead};
use watch::{Origin, RuleFilter, RuleRecord, RuleStatus};
use web::{ApiError, Ctx, Role};

use crate::manage::asked::Asked;
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::{fields, refusal, sheet};
use crate::{Desk, frame};

/// How far back "fired N, acted on M" looks, in milliseconds: 30 days.
pub(super) const FIRED_MS: i64 = 30 * 86_400_000;

const COLUMNS: [Column; 8] = [
    Column::sorted("title", "rule.title").class("grow"),
    Column::sorted("group", "rule.group"),
    Column::sorted("levels", "rule.levels").class("hide-s"),
    Column::sorted("state", "rule.state"),
    Column::sorted("origin", "rule.origin").class("hide-s"),
    Column::sorted("targets", "rule.targets").class("num"),
    Column::sorted("firing", "rule.firing").class("num"),
    Column::sorted("fired", "rule.fired").class("num"),
];

const BULK: [BulkAction; 3] = [
    BulkAction {
        value: "enable",
        label: "rule.enable",
        confirm: "",
        danger: false,
    },
    BulkAction {
        value: "disable",
        label: "rule.disable",
        confirm: "rule.disable_confirm",
        danger: false,
    },
    BulkAction {
        value: "retire",
        label: "rule.retire",
        confirm: "rule.retire_confirm",
        danger: true,
    },
];

/// Every rule that a filter shows, page by page.
pub(super) async fn all(desk: &Desk) -> Result<Vec<RuleRecord>, ApiError> {
    let mut all: Vec<RuleRecord> = Vec::new();
    loop {
        let filter = RuleFilter {
            after: all.last().map(|record| record.rule.key.clone()),
            limit: limits::PAGE_ROWS_MAX,
            ..RuleFilter::default()
        };
        let found = desk.watch.rules(&filter).await?;
        let full = found.len() == limits::PAGE_ROWS_MAX;
        all.extend(found);
        if !full {
            return Ok(all);
        }
    }
}

/// Where a rule came from, in one word for filters.
pub(super) fn origin(record: &RuleRecord) -> &'static str {
    match (record.origin, record.edited) {
        (Origin::User, _) => "user",
        (Origin::Default, false) => "default",
        (Origin::Default, true) => "edited",
    }
}

/// How a rule stands, in one word for filters.
pub(super) fn state(rule: &Rule, status: &RuleStatus) -> &'static str {
    let blind = status.targets > 0 && status.cannot_judge == status.targets;
    match () {
        () if status.wrong.is_some() || (rule.enabled && blind) => "broken",
        () if !rule.enabled => "off",
        () if status.hosts == 0 || !status.empty_signals.is_empty() => "empty",
        () => "on",
    }
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let records = all(&desk).await?;
    let driver = desk.driver.clone();
    let statuses = tokio::task::spawn_blocking(move || driver.rule_statuses()).await;
    let statuses: BTreeMap<RuleId, RuleStatus> = statuses.unwrap_or_default();
    let mut lines = Vec::with_capacity(records.len());
    for record in &records {
        let since_ms = page.now_ms - FIRED_MS;
        let fired = problem::service::fired(&mut desk.db.reader(), record.id, since_ms).await;
        let fired = fired.map_err(|error| ApiError::from(refusal::problem(&page, error)))?;
        let status = statuses.get(&record.id).cloned().unwrap_or_default();
        lines.push(line(&page, record, (&status, fired)));
    }
    let administers = ctx.has(Role::Administrator);
    let listing = Listing {
        head: head(&page, administers),
        path: "/rules",
        columns: &COLUMNS,
        lines,
        filters: filters(),
        search: "rule.search",
        bulk: if administers { &BULK } else { &[] },
        empty: Empty {
            title: page.t("rule.none").to_owned(),
            text: page.t("rule.none_text").to_owned(),
            actions: vec![Action::primary(page.t("rule.new"), "/rules/new")],
            good: false,
        },
        above: Html::empty(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn head(page: &PageContext, administers: bool) -> PageHead {
    let mut actions = vec![
        Action::plain(page.t("rule.overrides"), "/overrides"),
        Action::plain(page.t("rule.export"), "/rules.yaml"),
    ];
    if administers {
        actions.push(Action::plain(page.t("rule.import"), "/rules/import"));
        actions.push(Action::primary(page.t("rule.new"), "/rules/new"));
    }
    PageHead {
        actions,
        ..PageHead::new(page.t("nav.rules"), page.t("rule.intro"))
    }
}

fn filters() -> Vec<Filter> {
    let states = ["on", "off", "empty", "broken"];
    let origins = ["default", "edited", "user"];
    let choice = |prefix: &str, value: &str| {
        Choice::owned(value.to_owned(), format!("rule.{prefix}_{value}"))
    };
    vec![
        Filter {
            key: "group",
            label: "rule.group",
            choices: fields::BOARD_GROUPS.to_vec(),
        },
        Filter {
            key: "state",
            label: "rule.state",
            choices: states.iter().map(|value| choice("state", value)).collect(),
        },
        Filter {
            key: "origin",
            label: "rule.origin",
            choices: origins
                .iter()
                .map(|value| choice("origin", value))
                .collect(),
        },
        Filter {
            key: "firing",
            label: "rule.firing",
            choices: vec![Choice::new("yes", "rule.firing_now")],
        },
    ]
}

fn line(
    page: &PageContext,
    record: &RuleRecord,
    (status, (fired, acted)): (&RuleStatus, (i64, i64)),
) -> Line {
    let rule = &record.rule;
    let title = rule.title.get(page.lang);
    let key = Html::trusted(format!(" <span class=\"muted mono\">{}</span>", rule.key));
    let shown = [Html::text(title), key].into_iter().collect();
    let (state, origin) = (state(rule, status), origin(record));
    let firing: usize = status.by_severity.iter().skip(1).sum();
    let mut facets = vec![
        ("group", rule.group.clone()),
        ("state", state.to_owned()),
        ("origin", origin.to_owned()),
    ];
    if firing > 0 {
        facets.push(("firing", "yes".to_owned()));
    }
    let history = format!("{fired} / {acted}");
    Line {
        id: record.id.to_string(),
        href: super::href(record.id),
        name: title.to_owned(),
        class: if rule.enabled {
            String::new()
        } else {
            "is-off".to_owned()
        },
        cells: vec![
            Cell::html(format!("{title} {}", rule.key), shown),
            Cell::text(page.tk("group.", &rule.group)),
            levels(page, rule),
            state_cell(page, state),
            Cell::text(page.tk("rule.origin_", origin)),
            targets(page, status),
            Cell::count(firing),
            Cell::text(history).by(fired),
        ],
        facets,
    }
}

fn levels(page: &PageContext, rule: &Rule) -> Cell {
    let mut severities: Vec<_> = rule.levels.iter().map(|level| level.severity).collect();
    severities.sort();
    let words: Vec<&str> = severities
        .iter()
        .map(|severity| page.word(severity))
        .collect();
    let text = match words.as_slice() {
        [] => "–".to_owned(),
        [one] => (*one).to_owned(),
        [first, .., last] => format!("{first}–{last} ({})", words.len()),
    };
    Cell::text(text).by(i64::try_from(words.len()).unwrap_or(0))
}

fn targets(page: &PageContext, status: &RuleStatus) -> Cell {
    let values: [(&str, &dyn std::fmt::Display); 2] =
        [("targets", &status.targets), ("hosts", &status.hosts)];
    let text = page.tf("rule.targets_hosts", &values);
    Cell::text(text).by(i64::try_from(status.targets).unwrap_or(0))
}

/// The state of a rule, marked where somebody should look.
pub(super) fn state_cell(page: &PageContext, state: &str) -> Cell {
    let word = page.tk("rule.state_", state);
    let html = match state {
        "on" => Html::text(&word),
        "off" => sheet::chip(&word),
        _ => sheet::alert_chip(&word),
    };
    Cell::html(word, html)
}
