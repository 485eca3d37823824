//! Coverage: every discovered thing is monitored, ignored with a reason, or nobody decided yet.

mod decide;
mod list;
mod thing;

use web::{Action, Endpoint, Routes};

use crate::Desk;

const READ: Action = Action::view("coverage.read");
const DECIDE: Action = Action::operate("coverage.ignore");

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
        .add(Endpoint::get("/coverage", READ), list::list)
        .add(Endpoint::get("/coverage.csv", READ), list::list)
        .add(Endpoint::post("/coverage", DECIDE), decide::bulk)
        .add(Endpoint::get("/coverage/thing", READ), thing::detail)
        .add(Endpoint::post("/coverage/thing", DECIDE), thing::ignore)
}
