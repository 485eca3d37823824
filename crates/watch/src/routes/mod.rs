//! The API of watching: rules, rule documents, groups, overrides, watched things, the board.

mod backtest;
mod board;
mod document;
mod groups;
mod hosts;
mod overrides;
mod refusal;
mod rules;
mod watched;
mod whom;

use std::sync::Arc;

use web::{Action, Endpoint, Mounted, Page, Routes};

use crate::{Driver, History, HostInfo, Watch};

/// Who may see rules, groups, overrides, watched things and the board.
const READ: Action = Action::view("rule.read");
/// Who may change rules.
const RULE: Action = Action::administer("rule.change");
/// Who may change groups.
const GROUP: Action = Action::administer("group.change");
/// Who may mute or change a rule for a host or group.
const OVERRIDE: Action = Action::operate("override.change");
/// Who may say what is watched: checks are commands that hosts run.
const WATCHED: Action = Action::administer("watched.change");
/// Who may see the board.
const BOARD: Action = Action::view("board.read");

/// Knows the hosts in service; answers from memory.
pub trait Inventory: Send + Sync + 'static {
    /// All of them.
    fn hosts(&self) -> Vec<HostInfo>;
}

/// What these endpoints look at.
#[derive(Clone)]
pub struct Api {
    /// The use cases.
    pub watch: Watch,
    /// What is judged now.
    pub driver: Arc<Driver>,
    /// The hosts in service.
    pub inventory: Arc<dyn Inventory>,
    /// What was measured before.
    pub history: Arc<dyn History + Send + Sync>,
}

/// All endpoints of watching.
pub fn routes(api: Api) -> Mounted {
    rule_routes()
        .merge(document_routes())
        .merge(group_routes())
        .merge(override_routes())
        .merge(watched_routes())
        .merge(state_routes())
        .with_state(api)
}

fn rule_routes() -> Routes<Api> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/rules", READ)
                .summary("Rules by key")
                .query::<rules::RuleQuery>()
                .returns::<Page<rules::RuleBody>>(200),
            rules::list,
        )
        .add(
            Endpoint::post("/api/v1/rules", RULE)
                .summary("Make a rule")
                .body::<rules::RuleEditBody>()
                .returns::<rules::RuleBody>(201),
            rules::create,
        )
        .add(
            Endpoint::get("/api/v1/rules/{id}", READ)
                .summary("One rule, by id or key")
                .returns::<rules::RuleBody>(200),
            rules::get,
        )
        .add(
            Endpoint::put("/api/v1/rules/{id}", RULE)
                .summary("Put another form of a rule in force; needs the `ETag` as `If-Match`")
                .body::<rules::RuleEditBody>()
                .returns::<rules::RuleBody>(200),
            rules::change,
        )
        .add(
            Endpoint::delete("/api/v1/rules/{id}", RULE)
                .summary("Retire a rule of one's own; its problems close, its history stays")
                .query::<rules::Reason>()
                .returns_nothing(),
            rules::retire,
        )
        .add(
            Endpoint::post("/api/v1/rules/{id}/revert", RULE)
                .summary("Put a default back to what ships")
                .query::<rules::Reason>()
                .returns::<rules::RuleBody>(200),
            rules::revert,
        )
        .add(
            Endpoint::post("/api/v1/rules/actions", RULE)
                .summary("Switch many rules on or off, all or none")
                .body::<rules::RuleActionBody>()
                .returns::<rules::ChangedBody>(200),
            rules::many,
        )
        .add(
            Endpoint::get("/api/v1/rules/{id}/status", READ)
                .summary("How a rule is doing over all its targets")
                .returns::<rules::StatusBody>(200),
            rules::status,
        )
        .add(
            Endpoint::get("/api/v1/rules/{id}/history", READ)
                .summary("The edits of a rule, the latest first")
                .returns::<Page<rules::EditBody>>(200),
            rules::history,
        )
}

fn document_routes() -> Routes<Api> {
    Routes::new()
        .add(
            Endpoint::post("/api/v1/rule-check", READ)
                .summary("What is wrong with a rule, field by field; changes nothing")
                .body::<rules::CheckBody>()
                .returns::<rules::CheckAnswer>(200)
                .unaudited("it only checks"),
            rules::check,
        )
        .add(
            Endpoint::get("/api/v1/rule-document", READ)
                .summary("Rules as a YAML document that `rules apply` takes back")
                .query::<document::ExportQuery>(),
            document::export,
        )
        .add(
            Endpoint::post("/api/v1/rule-document", RULE)
                .summary("Apply a YAML or TOML document, all or nothing; `dry_run` only compares")
                .query::<document::ApplyQuery>()
                .returns::<document::AppliedBody>(200),
            document::apply,
        )
        .add(
            Endpoint::post("/api/v1/rule-backtest", READ)
                .summary("What a rule would have done over stored history; changes nothing")
                .body::<backtest::BacktestQuery>()
                .returns::<backtest::BacktestBody>(200)
                .unaudited("it only looks back"),
            backtest::run,
        )
}

fn group_routes() -> Routes<Api> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/groups", READ)
                .summary("Groups by name")
                .query::<groups::GroupQuery>()
                .returns::<Page<groups::GroupBody>>(200),
            groups::list,
        )
        .add(
            Endpoint::post("/api/v1/groups", GROUP)
                .summary("Make a group")
                .body::<groups::GroupEditBody>()
                .returns::<groups::GroupBody>(201),
            groups::create,
        )
        .add(
            Endpoint::get("/api/v1/groups/{id}", READ)
                .summary("One group")
                .returns::<groups::GroupBody>(200),
            groups::get,
        )
        .add(
            Endpoint::put("/api/v1/groups/{id}", GROUP)
                .summary("Edit a group; needs the `ETag` as `If-Match`")
                .body::<groups::GroupEditBody>()
                .returns::<groups::GroupBody>(200),
            groups::change,
        )
        .add(
            Endpoint::delete("/api/v1/groups/{id}", GROUP)
                .summary("Retire a group that nothing uses")
                .query::<rules::Reason>()
                .returns_nothing(),
            groups::retire,
        )
        .add(
            Endpoint::get("/api/v1/groups/{id}/members", READ)
                .summary("The hosts of a group now")
                .returns::<Page<groups::MemberBody>>(200),
            groups::members,
        )
        .add(
            Endpoint::post("/api/v1/group-preview", READ)
                .summary("The hosts that a selector fits, saved or not; changes nothing")
                .body::<groups::SelectorBody>()
                .returns::<Page<groups::MemberBody>>(200)
                .unaudited("it only looks"),
            groups::preview,
        )
}

fn override_routes() -> Routes<Api> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/overrides", READ)
                .summary("Overrides, the latest first")
                .query::<overrides::OverrideQuery>()
                .returns::<Page<overrides::OverrideBody>>(200),
            overrides::list,
        )
        .add(
            Endpoint::post("/api/v1/overrides", OVERRIDE)
                .summary("Change a rule's values for hosts or groups, all or none, with a reason")
                .body::<overrides::NewOverrideBody>()
                .returns::<Page<overrides::OverrideBody>>(201),
            overrides::create,
        )
        .add(
            Endpoint::get("/api/v1/overrides/{id}", READ)
                .summary("One override")
                .returns::<overrides::OverrideBody>(200),
            overrides::get,
        )
        .add(
            Endpoint::put("/api/v1/overrides/{id}", OVERRIDE)
                .summary("Edit an override; needs the `ETag` as `If-Match`")
                .body::<overrides::OverrideEditBody>()
                .returns::<overrides::OverrideBody>(200),
            overrides::change,
        )
        .add(
            Endpoint::delete("/api/v1/overrides/{id}", OVERRIDE)
                .summary("Take an override back")
                .query::<rules::Reason>()
                .returns_nothing(),
            overrides::end,
        )
        .add(
            Endpoint::post("/api/v1/overrides/actions", OVERRIDE)
                .summary("Take many overrides back, all or none")
                .body::<overrides::OverrideActionBody>()
                .returns::<rules::ChangedBody>(200),
            overrides::many,
        )
}

fn watched_routes() -> Routes<Api> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/watched", READ)
                .summary("Watched processes, units, files, directories and checks")
                .query::<watched::WatchedQuery>()
                .returns::<Page<watched::WatchedBody>>(200),
            watched::list,
        )
        .add(
            Endpoint::post("/api/v1/watched", WATCHED)
                .summary("Watch a thing on hosts or groups, all or none")
                .body::<watched::NewWatchedBody>()
                .returns::<Page<watched::WatchedBody>>(201),
            watched::create,
        )
        .add(
            Endpoint::get("/api/v1/watched/{id}", READ)
                .summary("One watched thing")
                .returns::<watched::WatchedBody>(200),
            watched::get,
        )
        .add(
            Endpoint::put("/api/v1/watched/{id}", WATCHED)
                .summary("Edit a watched thing; needs the `ETag` as `If-Match`")
                .body::<watched::WatchedEditBody>()
                .returns::<watched::WatchedBody>(200),
            watched::change,
        )
        .add(
            Endpoint::delete("/api/v1/watched/{id}", WATCHED)
                .summary("Watch a thing no longer")
                .query::<rules::Reason>()
                .returns_nothing(),
            watched::retire,
        )
        .add(
            Endpoint::post("/api/v1/watched/actions", WATCHED)
                .summary("Switch many watched things on or off, or retire them; all or none")
                .body::<watched::WatchedActionBody>()
                .returns::<rules::ChangedBody>(200),
            watched::many,
        )
}

fn state_routes() -> Routes<Api> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/hosts/{id}/rules", READ)
                .summary(
                    "Every rule on a host: its state, the values in force, where they are from",
                )
                .returns::<Page<hosts::InForceBody>>(200),
            hosts::in_force,
        )
        .add(
            Endpoint::get("/api/v1/board", BOARD)
                .summary("The whole board: each host with one cell per column")
                .returns::<board::BoardBody>(200),
            board::snapshot,
        )
}

#[cfg(test)]
mod tests;
