//! Overrides: muting one disk of one host, another threshold for a group; with a reason and an end.

mod edit;
mod list;
mod values;

use ui::{Action, Html, PageContext, Panel};
use watch::Override;
use web::{Action as Permission, ApiError, Endpoint, Routes};

use super::sheet;
use super::whom::Names;
use crate::Desk;

const READ: Permission = Permission::view("override.read");
const CHANGE: Permission = Permission::operate("override.change");

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
        .add(Endpoint::get("/overrides", READ), list::list)
        .add(Endpoint::get("/overrides.csv", READ), list::list)
        .add(Endpoint::post("/overrides", CHANGE), list::bulk)
        .add(Endpoint::get("/overrides/new", CHANGE), edit::new)
        .add(Endpoint::post("/overrides/new", CHANGE), edit::create)
        .add(Endpoint::get("/overrides/{id}", READ), edit::edit)
        .add(Endpoint::post("/overrides/{id}", CHANGE), edit::save)
        .add(Endpoint::post("/overrides/{id}/end", CHANGE), edit::end)
}

/// The overrides of a rule, a group or a host, as a panel; `add` is where one more is made.
///
/// # Errors
/// When the store fails.
pub(crate) async fn panel(
    desk: &Desk,
    page: &PageContext,
    (found, add): (&[Override], Option<&str>),
) -> Result<Html, ApiError> {
    let names = Names::load(desk).await?;
    let rows: Vec<Vec<Html>> = found
        .iter()
        .map(|one| {
            let href = format!("/overrides/{}", one.id);
            vec![
                sheet::link(&href, &values::summary(page, &one.values)),
                names.link(desk, page, one.whom),
                sheet::code(one.target_key.as_deref().unwrap_or("")),
                Html::text(&one.why),
                Html::text(&one.by),
                one.until_ms.map_or_else(
                    || Html::text(page.t("override.no_end")),
                    |until_ms| page.at(until_ms),
                ),
            ]
        })
        .collect();
    let titles = [
        "override.what",
        "override.whom",
        "host.target",
        "manage.why",
        "manage.by",
        "override.until",
    ];
    let body = match rows.is_empty() {
        true => Html::trusted(format!(
            "<div class=\"panel-body\">{}</div>",
            sheet::muted(page.t("override.none_here"))
        )),
        false => sheet::grid(&titles.map(|key| page.t(key)), &rows),
    };
    let aside = add.map(|href| Action::plain(page.t("override.add"), href).draw());
    Ok(Panel {
        title: page.t("rule.overrides").to_owned(),
        aside: aside.unwrap_or_default(),
        body,
        class: "flush",
        ..Panel::default()
    }
    .draw())
}
