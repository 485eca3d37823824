//! Maintenance and silences: what keeps notices back, for what, until when, and why.

mod maintenance;
mod plan;
mod planned;
mod silences;

use web::{Action, Endpoint, Routes};

use crate::Desk;

const READ: Action = Action::view("maintenance.read");
const CHANGE: Action = Action::operate("maintenance.change");
const SILENCE_READ: Action = Action::view("silence.read");
const SILENCE: Action = Action::operate("silence.change");

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    let preview = Endpoint::post("/maintenance/preview", READ).unaudited("changes nothing");
    Routes::new()
        .add(Endpoint::get("/maintenance", READ), maintenance::list)
        .add(Endpoint::get("/maintenance.csv", READ), maintenance::list)
        .add(preview, planned::preview)
        .add(Endpoint::get("/maintenance/new", CHANGE), planned::new)
        .add(Endpoint::post("/maintenance/new", CHANGE), planned::create)
        .add(Endpoint::get("/maintenance/{id}", READ), planned::edit)
        .add(Endpoint::post("/maintenance/{id}", CHANGE), planned::save)
        .add(
            Endpoint::post("/maintenance/{id}/cancel", CHANGE),
            maintenance::cancel,
        )
        .add(Endpoint::get("/silences", SILENCE_READ), silences::list)
        .add(Endpoint::get("/silences.csv", SILENCE_READ), silences::list)
        .add(Endpoint::get("/silences/new", SILENCE), silences::new)
        .add(Endpoint::post("/silences/new", SILENCE), silences::create)
        .add(
            Endpoint::get("/silences/{id}", SILENCE_READ),
            silences::edit,
        )
        .add(Endpoint::post("/silences/{id}", SILENCE), silences::save)
        .add(Endpoint::post("/silences/{id}/end", SILENCE), silences::end)
}
