//! The list of watched things.

use axum::extract::State;
use axum::response::Response;
use model::WatchedId;
use ui::{Action, BulkAction, Choice, Column, Empty, Filter, Html, PageContext, PageHead};
use watch::{By, Watched};
use web::{ApiError, Ctx, Role};

use super::kinds;
use crate::manage::asked::{Asked, Sent};
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::whom::Names;
use crate::manage::{refusal, sheet};
use crate::{Desk, frame};

const COLUMNS: [Column; 6] = [
    Column::sorted("name", "watched.name"),
    Column::sorted("kind", "watched.kind"),
    Column::plain("watched.how").class("grow"),
    Column::sorted("whom", "override.whom"),
    Column::sorted("state", "rule.state"),
    Column::sorted("updated", "manage.updated").class("hide-s"),
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
        confirm: "watched.disable_confirm",
        danger: false,
    },
    BulkAction {
        value: "retire",
        label: "rule.retire",
        confirm: "watched.retire_confirm",
        danger: true,
    },
];

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let found = desk.watch.watched(None, false).await?;
    let names = Names::load(&desk).await?;
    let lines = found
        .iter()
        .map(|one| line(&desk, &page, (one, &names)))
        .collect();
    let operates = ctx.has(Role::Operator);
    let add = Action::primary(page.t("watched.add"), "/watched/new");
    let actions = if operates { vec![add] } else { Vec::new() };
    let kind = |kind: &&str| Choice::owned((*kind).to_owned(), format!("watched.kind_{kind}"));
    let listing = Listing {
        head: PageHead {
            actions: actions.clone(),
            ..PageHead::new(page.t("watched.title"), page.t("watched.intro"))
        },
        path: "/watched",
        columns: &COLUMNS,
        lines,
        filters: vec![
            Filter {
                key: "kind",
                label: "watched.kind",
                choices: kinds::KINDS.iter().map(kind).collect(),
            },
            Filter {
                key: "state",
                label: "rule.state",
                choices: vec![
                    Choice::new("on", "rule.state_on"),
                    Choice::new("off", "rule.state_off"),
                ],
            },
        ],
        search: "watched.search",
        bulk: if operates { &BULK } else { &[] },
        empty: Empty {
            title: page.t("watched.none").to_owned(),
            text: page.t("watched.none_text").to_owned(),
            actions,
            good: false,
        },
        above: Html::empty(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn line(desk: &Desk, page: &PageContext, (one, names): (&Watched, &Names)) -> Line {
    let state = if one.enabled { "on" } else { "off" };
    let word = page.tk("rule.state_", state);
    let shown = if one.enabled {
        Html::text(&word)
    } else {
        sheet::chip(&word)
    };
    let kind = one.what.name();
    Line {
        id: one.id.to_string(),
        href: format!("/watched/{}", one.id),
        name: one.name.clone(),
        class: if one.enabled {
            String::new()
        } else {
            "is-off".to_owned()
        },
        cells: vec![
            Cell::text(&one.name),
            Cell::text(page.tk("watched.kind_", kind)),
            Cell::html(kinds::said(&one.what), sheet::code(&kinds::said(&one.what))),
            Cell::html(
                names.text(desk, page, one.whom),
                names.link(desk, page, one.whom),
            ),
            Cell::html(word, shown),
            Cell::ago(page, Some(one.updated_ms)),
        ],
        facets: vec![("kind", kind.to_owned()), ("state", state.to_owned())],
    }
}

pub(super) async fn bulk(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let ids: Vec<WatchedId> = sent.ids("this watched thing")?;
    let by = By {
        actor: ctx.who(),
        why: sent.0.get("comment"),
    };
    let done = match sent.0.get("action") {
        "enable" => desk.watch.enable_watched(&ids, true, by).await.map(drop),
        "disable" => desk.watch.enable_watched(&ids, false, by).await.map(drop),
        "retire" => desk.watch.retire_watched(&ids, by).await,
        _ => {
            return Err(ApiError::bad_request(
                "bad_action",
                "enable, disable or retire",
            ));
        }
    };
    let done = done.map_err(|error| refusal::watch(&page, error));
    let said = page.tf("watched.changed_many", &[("count", &ids.len())]);
    refusal::settle(&ctx, &page, "/watched", (done, &said))
}
