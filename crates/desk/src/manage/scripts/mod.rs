//! Recovery scripts: what they do, who approved them, what starts them, and what became of each run.

mod bind;
mod detail;
mod edit;
mod list;
mod runs;

use model::ScriptId;
use remedy::{KillSwitch, Script};
use ui::{Html, PageContext};
use web::{Action, ApiError, Endpoint, Routes};

use super::sheet::{self, Press};
use crate::Desk;

const READ: Action = Action::view("script.read");
const CHANGE: Action = Action::administer("script.change");
const APPROVE: Action = Action::administer("script.approve");
const RUN: Action = Action::operate("script.run");
const SWITCH: Action = Action::operate("script.switch");

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
        .add(Endpoint::get("/scripts", READ), list::list)
        .add(Endpoint::get("/scripts.csv", READ), list::list)
        .add(Endpoint::post("/scripts/switch", SWITCH), bind::switch)
        .add(Endpoint::get("/scripts/new", CHANGE), edit::new)
        .add(Endpoint::post("/scripts/new", CHANGE), edit::create)
        .add(Endpoint::get("/scripts/{id}", READ), detail::detail)
        .add(Endpoint::get("/scripts/{id}/edit", CHANGE), edit::edit)
        .add(Endpoint::post("/scripts/{id}/edit", CHANGE), edit::save)
        .add(
            Endpoint::get("/scripts/{id}/approve", APPROVE),
            detail::review,
        )
        .add(
            Endpoint::post("/scripts/{id}/approve", APPROVE),
            detail::approve,
        )
        .add(
            Endpoint::post("/scripts/{id}/retire", CHANGE),
            detail::retire,
        )
        .add(Endpoint::post("/scripts/{id}/bind", CHANGE), bind::bind)
        .add(Endpoint::post("/scripts/{id}/unbind", CHANGE), bind::unbind)
        .add(Endpoint::post("/scripts/{id}/run", RUN), bind::run)
        .add(Endpoint::get("/runs", READ), runs::list)
        .add(Endpoint::get("/runs.csv", READ), runs::list)
        .add(Endpoint::get("/runs/{id}", READ), runs::detail)
}

async fn found(desk: &Desk, id: &str) -> Result<Script, ApiError> {
    let id: ScriptId = web::path_id(id, "this script")?;
    Ok(desk.remedies.script(id).await?)
}

/// Says that everything is switched off, and lets operators lift or pull the switch.
fn switch_panel(page: &PageContext, off: Option<&KillSwitch>, operates: bool) -> Html {
    let press = |value: &str, label: &str, confirm: &str, weight: &str| {
        Press {
            to: "/scripts/switch",
            label: page.t(label),
            confirm: page.t(confirm),
            weight,
            values: &[("off", value)],
        }
        .draw(page)
    };
    match off {
        Some(off) => {
            let at = i18n::date_time(off.at_ms, &page.zone);
            let values: [(&str, &dyn std::fmt::Display); 3] =
                [("name", &off.by), ("time", &at), ("why", &off.why)];
            let text = page.tf("script.off_text", &values);
            let lift = match operates {
                true => press("", "script.lift", "script.lift_confirm", "primary"),
                false => Html::empty(),
            };
            sheet::stack([sheet::banner(page.t("script.off"), &text), lift])
        }
        None => Html::empty(),
    }
}
