//! The list of accounts.

use account::User;
use axum::extract::State;
use axum::response::Response;
use ui::{Action, Choice, Column, Empty, Filter, Html, PageContext, PageHead};
use web::{ApiError, Ctx, Role};

use crate::manage::asked::Asked;
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::sheet;
use crate::{Desk, frame};

const COLUMNS: [Column; 6] = [
    Column::sorted("display", "person.display").class("grow"),
    Column::sorted("login", "person.login"),
    Column::sorted("role", "person.role"),
    Column::sorted("state", "rule.state"),
    Column::sorted("lang", "person.lang").class("hide-s"),
    Column::sorted("created", "person.created").class("hide-s"),
];

/// How an account stands, in one word.
pub(super) const fn state(user: &User) -> &'static str {
    match (user.disabled_ms, user.must_change) {
        (Some(_), _) => "disabled",
        (None, true) => "new",
        (None, false) => "good",
    }
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let users = desk.accounts.users().await?;
    let role = |role: Role| Choice::owned(role.name().to_owned(), format!("role.{}", role.name()));
    let state = |state: &str| Choice::owned(state.to_owned(), format!("person.state_{state}"));
    let actions = vec![Action::primary(page.t("person.add"), "/users/new")];
    let listing = Listing {
        head: PageHead {
            actions: actions.clone(),
            ..PageHead::new(page.t("nav.users"), page.t("person.intro"))
        },
        path: "/users",
        columns: &COLUMNS,
        lines: users.iter().map(|user| line(&page, user)).collect(),
        filters: vec![
            Filter {
                key: "role",
                label: "person.role",
                choices: Role::ALL.into_iter().map(role).collect(),
            },
            Filter {
                key: "state",
                label: "rule.state",
                choices: ["good", "new", "disabled"].into_iter().map(state).collect(),
            },
        ],
        search: "person.search",
        bulk: &[],
        empty: Empty {
            title: page.t("person.none").to_owned(),
            text: page.t("person.intro").to_owned(),
            actions,
            good: false,
        },
        above: Html::empty(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn line(page: &PageContext, user: &User) -> Line {
    let state = state(user);
    let word = page.tk("person.state_", state);
    let shown = if state == "good" {
        Html::text(&word)
    } else {
        sheet::chip(&word)
    };
    let lang = user.lang.map_or_else(
        || page.t("person.lang_browser").to_owned(),
        |lang| page.tk("manage.lang_", lang.code()),
    );
    let rank = Role::ALL.iter().position(|role| *role == user.role);
    Line {
        href: format!("/users/{}", user.id),
        name: user.display.clone(),
        class: if state == "disabled" {
            "is-off".to_owned()
        } else {
            String::new()
        },
        cells: vec![
            Cell::text(&user.display),
            Cell::text(&user.login),
            Cell::text(page.tk("role.", user.role.name()))
                .by(i64::try_from(rank.unwrap_or(0)).unwrap_or(0)),
            Cell::html(word, shown),
            Cell::text(lang),
            Cell::at(page, Some(user.created_ms)),
        ],
        facets: vec![
            ("role", user.role.name().to_owned()),
            ("state", state.to_owned()),
        ],
        ..Line::default()
    }
}
