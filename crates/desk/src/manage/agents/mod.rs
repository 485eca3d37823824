//! Agents: who is connected with which version, adding a server, enrolment tokens.

mod add;
mod detail;
mod list;
mod tokens;

use ui::{PageContext, Tab};
use web::{Action, Endpoint, Routes};

use super::sheet::tab;
use crate::Desk;

const READ: Action = Action::view("agent.read");
const RETIRE: Action = Action::administer("agent.retire");
const TOKEN_READ: Action = Action::view("enrolment.read");
const TOKEN: Action = Action::administer("enrolment.change");

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
        .add(Endpoint::get("/agents", READ), list::list)
        .add(Endpoint::get("/agents.csv", READ), list::list)
        .add(Endpoint::post("/agents", RETIRE), list::bulk)
        .add(Endpoint::get("/agents/add", TOKEN), add::form)
        .add(Endpoint::post("/agents/add", TOKEN), add::create)
        .add(Endpoint::get("/agents/arrived", READ), add::arrived)
        .add(Endpoint::get("/agents/tokens", TOKEN_READ), tokens::list)
        .add(
            Endpoint::get("/agents/tokens.csv", TOKEN_READ),
            tokens::list,
        )
        .add(Endpoint::post("/agents/tokens", TOKEN), tokens::revoke)
        .add(Endpoint::get("/agents/{id}", READ), detail::detail)
        .add(
            Endpoint::post("/agents/{id}/retire", RETIRE),
            detail::retire,
        )
}

fn tabs(page: &PageContext, open: &str) -> Vec<Tab> {
    [
        ("/agents", "agent.list"),
        ("/agents/tokens", "agent.tokens"),
    ]
    .into_iter()
    .map(|(href, key)| tab(page.t(key), href, href == open))
    .collect()
}
