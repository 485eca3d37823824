//! The list of channels with their health.

use axum::extract::State;
use axum::response::Response;
use notice::model::{Channel, Health};
use notice::service;
use ui::{Action, Choice, Column, Empty, Filter, Html, PageContext, PageHead};
use web::{ApiError, Ctx, Role};

use crate::manage::asked::Asked;
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::{refusal, sheet};
use crate::{Desk, frame};

const COLUMNS: [Column; 5] = [
    Column::sorted("name", "channel.name").class("grow"),
    Column::sorted("kind", "channel.kind"),
    Column::sorted("state", "channel.health"),
    Column::sorted("ok", "channel.last_ok"),
    Column::sorted("fail", "channel.last_fail"),
];

/// How a channel stands, in one word for filters.
pub(super) fn state(channel: &Channel, health: Option<&Health>) -> &'static str {
    match health {
        _ if channel.retired_ms.is_some() => "retired",
        _ if !channel.enabled => "off",
        Some(health) if health.failing_since_ms > 0 => "failing",
        Some(health) if health.last_ok_ms > 0 => "good",
        _ => "unused",
    }
}

/// The state in words, marked where somebody should look.
pub(super) fn state_mark(page: &PageContext, state: &str) -> Html {
    let word = page.tk("channel.state_", state);
    match state {
        "good" => Html::text(&word),
        "failing" => sheet::alert_chip(&word),
        _ => sheet::chip(&word),
    }
}

/// The name of a kind.
pub(super) fn kind_title(page: &PageContext, kind: &str) -> String {
    notify::by_kind(kind).map_or_else(|| kind.to_owned(), |known| known.title(page.lang))
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let mut reader = desk.db.reader();
    let broken = |error| ApiError::from(refusal::notice(&page, error));
    let mut channels = service::channels(&mut reader, &desk.notices)
        .await
        .map_err(broken)?;
    let health = service::health(&mut reader).await.map_err(broken)?;
    let with_retired = query.get("state") == "retired";
    channels.retain(|channel| with_retired || channel.retired_ms.is_none());
    let of = |channel: &Channel| health.iter().find(|one| one.channel == channel.id);
    let lines = channels
        .iter()
        .map(|one| line(&page, (one, of(one))))
        .collect();
    let add = Action::primary(page.t("channel.add"), "/channels/new");
    let actions = match ctx.has(Role::Administrator) {
        true => vec![add],
        false => Vec::new(),
    };
    let choice = |state: &str| Choice::owned(state.to_owned(), format!("channel.state_{state}"));
    let states = ["good", "failing", "unused", "off", "retired"];
    let kind =
        |kind: &&dyn notify::Channel| Choice::owned(kind.kind().to_owned(), kind.title(page.lang));
    let filters = vec![
        Filter {
            key: "state",
            label: "channel.health",
            choices: states.into_iter().map(choice).collect(),
        },
        Filter {
            key: "kind",
            label: "channel.kind",
            choices: notify::ALL.iter().map(kind).collect(),
        },
    ];
    let listing = Listing {
        head: PageHead {
            actions: actions.clone(),
            ..PageHead::new(page.t("nav.channels"), page.t("channel.intro"))
        },
        path: "/channels",
        columns: &COLUMNS,
        lines,
        filters,
        search: "channel.search",
        bulk: &[],
        empty: Empty {
            title: page.t("channel.none").to_owned(),
            text: page.t("channel.none_text").to_owned(),
            actions,
            good: false,
        },
        above: Html::empty(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn line(page: &PageContext, (channel, health): (&Channel, Option<&Health>)) -> Line {
    let state = state(channel, health);
    let at = |ms: i64| Some(ms).filter(|ms| *ms > 0);
    let word = page.tk("channel.state_", state);
    let error = health.map_or("", |health| health.last_error.as_str());
    let failed = health.and_then(|health| at(health.last_fail_ms));
    let fail = match (failed, state) {
        (Some(at_ms), "failing") => {
            let text = format!(
                "{} – {error}",
                i18n::relative(page.lang, at_ms, page.now_ms)
            );
            Cell::html(text.clone(), Html::text(&text)).by(at_ms)
        }
        (at_ms, _) => Cell::ago(page, at_ms),
    };
    Line {
        href: format!("/channels/{}", channel.id),
        name: channel.name.clone(),
        class: match state {
            "off" | "retired" => "is-off".to_owned(),
            _ => String::new(),
        },
        cells: vec![
            Cell::text(&channel.name),
            Cell::text(kind_title(page, &channel.kind)),
            Cell::html(word, state_mark(page, state)),
            Cell::ago(page, health.and_then(|health| at(health.last_ok_ms))),
            fail,
        ],
        facets: vec![("state", state.to_owned()), ("kind", channel.kind.clone())],
        ..Line::default()
    }
}
