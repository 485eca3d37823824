//! Rules: the list, one rule with how it does, a form and a document to edit it, files of rules.

mod change;
mod detail;
mod document;
mod draft;
mod edit;
mod exchange;
mod list;
mod past;

use model::RuleId;
use ui::{PageContext, Tab};
use watch::RuleRecord;
use web::{Action, ApiError, Endpoint, Routes};

use super::sheet::tab;
use crate::Desk;

const READ: Action = Action::view("rule.read");
const CHANGE: Action = Action::administer("rule.change");

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    reading().merge(writing())
}

fn reading() -> Routes<Desk> {
    Routes::new()
        .add(Endpoint::get("/rules", READ), list::list)
        .add(Endpoint::get("/rules.csv", READ), list::list)
        .add(Endpoint::get("/rules.yaml", READ), exchange::export)
        .add(Endpoint::get("/rules/{id}", READ), detail::detail)
        .add(Endpoint::get("/rules/{id}/past", READ), past::past)
}

fn writing() -> Routes<Desk> {
    Routes::new()
        .add(Endpoint::post("/rules", CHANGE), change::bulk)
        .add(Endpoint::get("/rules/new", CHANGE), edit::new)
        .add(Endpoint::post("/rules/new", CHANGE), edit::create)
        .add(Endpoint::get("/rules/new/yaml", CHANGE), document::new)
        .add(Endpoint::post("/rules/new/yaml", CHANGE), document::create)
        .add(Endpoint::get("/rules/import", CHANGE), exchange::form)
        .add(Endpoint::post("/rules/import", CHANGE), exchange::import)
        .add(Endpoint::get("/rules/{id}/edit", CHANGE), edit::edit)
        .add(Endpoint::post("/rules/{id}/edit", CHANGE), edit::save)
        .add(Endpoint::get("/rules/{id}/yaml", CHANGE), document::edit)
        .add(Endpoint::post("/rules/{id}/yaml", CHANGE), document::save)
        .add(Endpoint::post("/rules/{id}/enable", CHANGE), change::enable)
        .add(
            Endpoint::post("/rules/{id}/disable", CHANGE),
            change::disable,
        )
        .add(Endpoint::post("/rules/{id}/revert", CHANGE), change::revert)
        .add(Endpoint::post("/rules/{id}/retire", CHANGE), change::retire)
}

async fn found(desk: &Desk, id: &str) -> Result<RuleRecord, ApiError> {
    let id: RuleId = web::path_id(id, "this rule")?;
    Ok(desk.watch.rule(id).await?)
}

fn href(id: RuleId) -> String {
    format!("/rules/{id}")
}

/// The tabs of one rule; those that change it only for who may.
fn tabs(page: &PageContext, id: RuleId, (open, administers): (&str, bool)) -> Vec<Tab> {
    let all = [
        ("", "rule.tab_about", true),
        ("/past", "rule.tab_past", true),
        ("/edit", "rule.tab_form", administers),
        ("/yaml", "rule.tab_yaml", administers),
    ];
    all.into_iter()
        .filter(|(_, _, shown)| *shown)
        .map(|(end, key, _)| tab(page.t(key), format!("/rules/{id}{end}"), end == open))
        .collect()
}

/// The tabs of a new rule.
fn new_tabs(page: &PageContext, open: &str) -> Vec<Tab> {
    [
        ("/rules/new", "rule.tab_form"),
        ("/rules/new/yaml", "rule.tab_yaml"),
        ("/rules/import", "rule.import"),
    ]
    .into_iter()
    .map(|(href, key)| tab(page.t(key), href, href == open))
    .collect()
}
