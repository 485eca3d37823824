//! Recipients: who is told at which severity, on which days and hours, on which channels, of which hosts.

mod edit;
mod list;

use web::{Action, Endpoint, Routes};

use crate::Desk;

const READ: Action = Action::view("recipient.read");
const CHANGE: Action = Action::administer("recipient.change");

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
        .add(Endpoint::get("/recipients", READ), list::list)
        .add(Endpoint::get("/recipients.csv", READ), list::list)
        .add(Endpoint::get("/recipients/new", CHANGE), edit::new)
        .add(Endpoint::post("/recipients/new", CHANGE), edit::create)
        .add(Endpoint::get("/recipients/{id}", READ), edit::edit)
        .add(Endpoint::post("/recipients/{id}", CHANGE), edit::save)
        .add(
            Endpoint::post("/recipients/{id}/retire", CHANGE),
            edit::retire,
        )
}
