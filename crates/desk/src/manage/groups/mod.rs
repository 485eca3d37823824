//! Groups: saved selectors over hosts, with a preview of who belongs while one writes.

mod detail;
mod edit;
mod list;

use web::{Action, Endpoint, Routes};

use crate::Desk;

const READ: Action = Action::view("group.read");
const CHANGE: Action = Action::administer("group.change");

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    let preview = Endpoint::post("/groups/preview", READ).unaudited("changes nothing");
    Routes::new()
        .add(Endpoint::get("/groups", READ), list::list)
        .add(Endpoint::get("/groups.csv", READ), list::list)
        .add(Endpoint::get("/groups/new", CHANGE), edit::new)
        .add(Endpoint::post("/groups/new", CHANGE), edit::create)
        .add(preview, edit::preview)
        .add(Endpoint::get("/groups/{id}", READ), detail::detail)
        .add(Endpoint::get("/groups/{id}/edit", CHANGE), edit::edit)
        .add(Endpoint::post("/groups/{id}/edit", CHANGE), edit::save)
        .add(
            Endpoint::post("/groups/{id}/retire", CHANGE),
            detail::retire,
        )
}
