//! The list of recipients with what reaches them.

use axum::extract::State;
use axum::response::Response;
use notice::model::{Channel, Recipient, Rule};
use notice::service;
use ui::{Action, Choice, Column, Empty, Filter, Html, PageContext, PageHead};
use web::{ApiError, Ctx, Role};

use crate::manage::asked::Asked;
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::{moment, refusal, sheet};
use crate::{Desk, frame};

const COLUMNS: [Column; 5] = [
    Column::sorted("name", "recipient.name"),
    Column::sorted("state", "rule.state"),
    Column::sorted("lang", "recipient.lang"),
    Column::plain("recipient.addresses").class("hide-s"),
    Column::plain("recipient.rules").class("grow"),
];

/// One rule in words: `긴급 이상 · 월–금 09:00–18:00 · 메일`.
pub(super) fn said(page: &PageContext, rule: &Rule, channels: &[Channel]) -> String {
    let mut parts = vec![page.tf("recipient.from", &[("level", &page.word(&rule.from))])];
    if !rule.days.is_empty() {
        let days: Vec<String> = rule
            .days
            .iter()
            .map(|day| page.t(&format!("manage.weekday_{day}")).to_owned())
            .collect();
        parts.push(days.join(" "));
    }
    if rule.from_min != rule.to_min {
        let (from, to) = (moment::clock(rule.from_min), moment::clock(rule.to_min));
        parts.push(format!("{from}–{to}"));
    }
    let names: Vec<&str> = rule
        .channels
        .iter()
        .filter_map(|id| channels.iter().find(|channel| channel.id == *id))
        .map(|channel| channel.name.as_str())
        .collect();
    parts.push(match names.is_empty() {
        true => page.t("recipient.no_channel").to_owned(),
        false => names.join(", "),
    });
    if !rule.groups.is_empty() {
        parts.push(rule.groups.join(", "));
    }
    if let Some(labels) = &rule.labels {
        parts.push(labels.to_string());
    }
    parts.join(" · ")
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let mut reader = desk.db.reader();
    let broken = |error| ApiError::from(refusal::notice(&page, error));
    let found = service::recipients(&mut reader).await.map_err(broken)?;
    let channels = service::channels(&mut reader, &desk.notices)
        .await
        .map_err(broken)?;
    let lines = found
        .iter()
        .map(|one| line(&page, (one, &channels)))
        .collect();
    let add = Action::primary(page.t("recipient.add"), "/recipients/new");
    let actions = match ctx.has(Role::Administrator) {
        true => vec![add],
        false => Vec::new(),
    };
    let channel = |one: &Channel| Choice::owned(one.id.to_string(), one.name.clone());
    let filters = vec![
        Filter {
            key: "state",
            label: "rule.state",
            choices: vec![
                Choice::new("on", "rule.state_on"),
                Choice::new("off", "rule.state_off"),
            ],
        },
        Filter {
            key: "channel",
            label: "recipient.channel",
            choices: channels
                .iter()
                .filter(|one| one.is_usable())
                .map(channel)
                .collect(),
        },
    ];
    let no_channels = channels.iter().all(|one| !one.is_usable());
    let listing = Listing {
        head: PageHead {
            actions: actions.clone(),
            ..PageHead::new(page.t("nav.recipients"), page.t("recipient.intro"))
        },
        path: "/recipients",
        columns: &COLUMNS,
        lines,
        filters,
        search: "recipient.search",
        bulk: &[],
        empty: Empty {
            title: page.t("recipient.none").to_owned(),
            text: page.t("recipient.none_text").to_owned(),
            actions,
            good: false,
        },
        above: match no_channels {
            true => sheet::note(page.t("recipient.first_a_channel")),
            false => Html::empty(),
        },
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn line(page: &PageContext, (one, channels): (&Recipient, &[Channel])) -> Line {
    let state = if one.enabled { "on" } else { "off" };
    let word = page.tk("rule.state_", state);
    let shown = if one.enabled {
        Html::text(&word)
    } else {
        sheet::chip(&word)
    };
    let rules: Vec<String> = one
        .rules
        .iter()
        .map(|rule| said(page, rule, channels))
        .collect();
    let rules_cell = match rules.is_empty() {
        true => Cell::html(
            page.t("recipient.no_rules"),
            sheet::alert_chip(page.t("recipient.no_rules")),
        ),
        false => {
            let lines: Html = rules.iter().map(|rule| sheet::say(rule)).collect();
            Cell::html(rules.join(" / "), lines)
        }
    };
    let addresses: Vec<String> = one.addresses.values().cloned().collect();
    let mut facets = vec![("state", state.to_owned())];
    let reached = one.rules.iter().flat_map(|rule| &rule.channels);
    facets.extend(reached.map(|id| ("channel", id.to_string())));
    Line {
        href: format!("/recipients/{}", one.id),
        name: one.name.clone(),
        class: if one.enabled {
            String::new()
        } else {
            "is-off".to_owned()
        },
        cells: vec![
            Cell::text(&one.name),
            Cell::html(word, shown),
            Cell::text(page.tk("manage.lang_", one.lang.code())),
            Cell::text(addresses.join(", ")),
            rules_cell,
        ],
        facets,
        ..Line::default()
    }
}
