//! The list of overrides.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use model::limits::PAGE_ROWS_MAX;
use model::{OverrideId, RuleId};
use ui::{Action, BulkAction, Choice, Column, Empty, Filter, Html, PageContext, PageHead};
use watch::{By, Override, OverrideFilter};
use web::{ApiError, Ctx, Role};

use super::values::summary;
use crate::manage::asked::{Asked, Sent};
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::whom::Names;
use crate::manage::{fields, refusal, sheet};
use crate::{Desk, frame};

const COLUMNS: [Column; 7] = [
    Column::sorted("what", "override.what").class("grow"),
    Column::sorted("rule", "host.rule"),
    Column::sorted("whom", "override.whom"),
    Column::sorted("target", "host.target").class("hide-s"),
    Column::plain("manage.why").class("wrap hide-s"),
    Column::sorted("by", "manage.by").class("hide-s"),
    Column::sorted("until", "override.until"),
];

const BULK: [BulkAction; 1] = [BulkAction {
    value: "end",
    label: "override.end",
    confirm: "override.end_confirm",
    danger: true,
}];

async fn all(desk: &Desk, ended: bool) -> Result<Vec<Override>, ApiError> {
    let mut all: Vec<Override> = Vec::new();
    loop {
        let filter = OverrideFilter {
            ended,
            after: all.last().map(|one| one.id),
            limit: PAGE_ROWS_MAX,
            ..OverrideFilter::default()
        };
        let found = desk.watch.overrides(&filter).await?;
        let full = found.len() == PAGE_ROWS_MAX;
        all.extend(found);
        if !full {
            return Ok(all);
        }
    }
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let found = all(&desk, query.get("state") == "ended").await?;
    let names = Names::load(&desk).await?;
    let rules: BTreeMap<RuleId, String> = fields::rule_ids(&desk, &page)
        .await?
        .into_iter()
        .filter_map(|choice| Some((choice.value.parse().ok()?, choice.label.into_owned())))
        .collect();
    let lines = found
        .iter()
        .map(|one| line(&desk, &page, (one, &names, &rules)));
    let add = Action::primary(page.t("override.add"), "/overrides/new");
    let operates = ctx.has(Role::Operator);
    let actions = if operates { vec![add] } else { Vec::new() };
    let state = |value, label| Choice::new(value, label);
    let listing = Listing {
        head: PageHead {
            actions: actions.clone(),
            ..PageHead::new(page.t("rule.overrides"), page.t("override.intro"))
        },
        path: "/overrides",
        columns: &COLUMNS,
        lines: lines.collect(),
        filters: vec![
            Filter {
                key: "state",
                label: "rule.state",
                choices: vec![
                    state("live", "override.live"),
                    state("ended", "override.ended"),
                ],
            },
            Filter {
                key: "kind",
                label: "override.what",
                choices: vec![
                    state("muted", "override.muted"),
                    state("changed", "override.changed"),
                ],
            },
        ],
        search: "override.search",
        bulk: if operates { &BULK } else { &[] },
        empty: Empty {
            title: page.t("override.none").to_owned(),
            text: page.t("override.none_text").to_owned(),
            actions,
            good: false,
        },
        above: Html::empty(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn line(
    desk: &Desk,
    page: &PageContext,
    (one, names, rules): (&Override, &Names, &BTreeMap<RuleId, String>),
) -> Line {
    let what = summary(page, &one.values);
    let whom = names.text(desk, page, one.whom);
    let rule = rules
        .get(&one.rule)
        .cloned()
        .unwrap_or_else(|| one.rule.to_string());
    let muted = one.values.enabled == Some(false);
    let ended = one.ended_ms.is_some();
    let until = match (one.ended_ms, one.until_ms) {
        (Some(at_ms), _) => Cell::at(page, Some(at_ms)),
        (None, Some(until_ms)) => Cell::at(page, Some(until_ms)),
        (None, None) => Cell::text(page.t("override.no_end")),
    };
    Line {
        id: if ended {
            String::new()
        } else {
            one.id.to_string()
        },
        href: format!("/overrides/{}", one.id),
        class: if ended {
            "is-off".to_owned()
        } else {
            String::new()
        },
        cells: vec![
            Cell::text(&what),
            Cell::html(&rule, sheet::link(&format!("/rules/{}", one.rule), &rule)),
            Cell::html(&whom, names.link(desk, page, one.whom)),
            Cell::text(one.target_key.as_deref().unwrap_or("")),
            Cell::text(&one.why),
            Cell::text(&one.by),
            until,
        ],
        facets: vec![
            ("state", if ended { "ended" } else { "live" }.to_owned()),
            ("kind", if muted { "muted" } else { "changed" }.to_owned()),
        ],
        name: what,
    }
}

pub(super) async fn bulk(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let ids: Vec<OverrideId> = sent.ids("this override")?;
    let by = By {
        actor: ctx.who(),
        why: sent.0.get("comment"),
    };
    let done = desk.watch.end_overrides(&ids, by).await;
    let done = done.map_err(|error| refusal::watch(&page, error));
    let said = page.tf("override.ended_many", &[("count", &ids.len())]);
    refusal::settle(&ctx, &page, "/overrides", (done, &said))
}
