//! Accounts, one's own among them, API tokens and the audit.

mod audit;
mod edit;
mod list;
mod me;
mod tokens;

use web::{Action, Endpoint, Routes};

use crate::Desk;

const MANAGE: Action = Action::administer("account.manage");
const OWN: Action = Action::own("account.own");
const OWN_TOKENS: Action = Action::own("account.token");
const AUDIT: Action = Action::administer("audit.read");

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
        .add(Endpoint::get("/users", MANAGE), list::list)
        .add(Endpoint::get("/users.csv", MANAGE), list::list)
        .add(Endpoint::get("/users/new", MANAGE), edit::new)
        .add(Endpoint::post("/users/new", MANAGE), edit::create)
        .add(Endpoint::get("/users/{id}", MANAGE), edit::edit)
        .add(Endpoint::post("/users/{id}", MANAGE), edit::save)
        .add(Endpoint::post("/users/{id}/disable", MANAGE), edit::disable)
        .add(Endpoint::post("/users/{id}/enable", MANAGE), edit::enable)
        .add(Endpoint::post("/users/{id}/reset", MANAGE), edit::reset)
        .add(Endpoint::get("/me", OWN), me::show)
        .add(Endpoint::post("/me", OWN), me::save)
        .add(Endpoint::post("/me/sessions/{id}/end", OWN), me::end)
        .add(Endpoint::get("/tokens", OWN_TOKENS), tokens::list)
        .add(Endpoint::get("/tokens.csv", OWN_TOKENS), tokens::list)
        .add(Endpoint::post("/tokens", OWN_TOKENS), tokens::revoke)
        .add(Endpoint::get("/tokens/new", OWN_TOKENS), tokens::new)
        .add(Endpoint::post("/tokens/new", OWN_TOKENS), tokens::create)
        .add(Endpoint::get("/audit", AUDIT), audit::list)
        .add(Endpoint::get("/audit.csv", AUDIT).audited(), audit::list)
        .add(Endpoint::get("/audit/verify", AUDIT), audit::verify)
}
