//! Watched things: processes, units, files, directories and checks of a host or a group.

mod edit;
mod kinds;
mod list;

use ui::{Action, Html, PageContext, Panel};
use watch::Watched;
use web::{Action as Permission, Endpoint, Routes};

use super::sheet;
use crate::Desk;

const READ: Permission = Permission::view("watched.read");
const CHANGE: Permission = Permission::operate("watched.change");
/// A check command runs a program on the host: whoever adds one must be an administrator.
const CHECK: Permission = Permission::administer("watched.check");

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
        .add(Endpoint::get("/watched", READ), list::list)
        .add(Endpoint::get("/watched.csv", READ), list::list)
        .add(Endpoint::post("/watched", CHANGE), list::bulk)
        .add(Endpoint::get("/watched/new", CHANGE), edit::choose)
        .add(Endpoint::get("/watched/new/check", CHECK), edit::new_check)
        .add(
            Endpoint::post("/watched/new/check", CHECK),
            edit::create_check,
        )
        .add(Endpoint::get("/watched/new/{kind}", CHANGE), edit::new)
        .add(Endpoint::post("/watched/new/{kind}", CHANGE), edit::create)
        .add(Endpoint::get("/watched/{id}", READ), edit::edit)
        .add(Endpoint::post("/watched/{id}", CHANGE), edit::save)
}

/// The watched things of a group or a host, as a panel; `add` is where one more is made.
pub(crate) fn panel(page: &PageContext, (found, add): (&[Watched], Option<&str>)) -> Html {
    let rows: Vec<Vec<Html>> = found
        .iter()
        .map(|one| {
            let state = match one.enabled {
                true => Html::text(page.t("rule.state_on")),
                false => sheet::chip(page.t("rule.state_off")),
            };
            vec![
                sheet::link(&format!("/watched/{}", one.id), &one.name),
                Html::text(&page.tk("watched.kind_", one.what.name())),
                sheet::code(&kinds::said(&one.what)),
                state,
            ]
        })
        .collect();
    let titles = ["watched.name", "watched.kind", "watched.how", "rule.state"];
    let body = match rows.is_empty() {
        true => Html::trusted(format!(
            "<div class=\"panel-body\">{}</div>",
            sheet::muted(page.t("watched.none_here"))
        )),
        false => sheet::grid(&titles.map(|key| page.t(key)), &rows),
    };
    let aside = add.map(|href| Action::plain(page.t("watched.add"), href).draw());
    Panel {
        title: page.t("watched.title").to_owned(),
        aside: aside.unwrap_or_default(),
        body,
        class: "flush",
        ..Panel::default()
    }
    .draw()
}
