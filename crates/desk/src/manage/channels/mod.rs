//! Channels: ways to tell people something, drawn from the fields that each kind describes itself.

mod detail;
mod edit;
mod list;

use web::{Action, Endpoint, Routes};

use crate::Desk;

const READ: Action = Action::view("channel.read");
const CHANGE: Action = Action::administer("channel.change");
const TEST: Action = Action::operate("channel.test");

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
        .add(Endpoint::get("/channels", READ), list::list)
        .add(Endpoint::get("/channels.csv", READ), list::list)
        .add(Endpoint::get("/channels/new", CHANGE), edit::choose)
        .add(Endpoint::get("/channels/new/{kind}", CHANGE), edit::new)
        .add(Endpoint::post("/channels/new/{kind}", CHANGE), edit::create)
        .add(Endpoint::get("/channels/{id}", READ), detail::detail)
        .add(Endpoint::get("/channels/{id}/edit", CHANGE), edit::edit)
        .add(Endpoint::post("/channels/{id}/edit", CHANGE), edit::save)
        .add(Endpoint::post("/channels/{id}/test", TEST), detail::test)
        .add(
            Endpoint::post("/channels/{id}/retire", CHANGE),
            detail::retire,
        )
}
