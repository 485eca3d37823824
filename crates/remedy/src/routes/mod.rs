//! The API of recovery scripts.

mod bindings;
mod runs;
mod scripts;

use web::{Action, Endpoint, Mounted, Page, Routes};

use crate::Remedies;

const READ: Action = Action::view("script.read");
const CHANGE: Action = Action::administer("script.change");
const APPROVE: Action = Action::administer("script.approve");
const RUN: Action = Action::operate("script.run");
const SWITCH: Action = Action::operate("script.switch");

/// All endpoints of recovery scripts.
pub fn routes(remedies: Remedies) -> Mounted {
    script_routes().merge(run_routes()).with_state(remedies)
}

fn script_routes() -> Routes<Remedies> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/scripts", READ)
                .summary("The scripts in use, by name")
                .returns::<Page<scripts::ScriptBody>>(200),
            scripts::list,
        )
        .add(
            Endpoint::post("/api/v1/scripts", CHANGE)
                .summary("Write a script; it runs nowhere before it is approved")
                .body::<scripts::DraftBody>()
                .returns::<scripts::ScriptBody>(201),
            scripts::create,
        )
        .add(
            Endpoint::get("/api/v1/scripts/{id}", READ)
                .summary("One script")
                .returns::<scripts::ScriptBody>(200),
            scripts::get,
        )
        .add(
            Endpoint::put("/api/v1/scripts/{id}", CHANGE)
                .summary("Edit a script; takes its approval away")
                .body::<scripts::DraftBody>()
                .returns::<scripts::ScriptBody>(200),
            scripts::change,
        )
        .add(
            Endpoint::post("/api/v1/scripts/{id}/approve", APPROVE)
                .summary("Approve exactly the version that was seen")
                .body::<scripts::ApproveBody>()
                .returns::<scripts::ScriptBody>(200),
            scripts::approve,
        )
        .add(
            Endpoint::delete("/api/v1/scripts/{id}", CHANGE)
                .summary("Take a script out of use")
                .returns_nothing(),
            scripts::retire,
        )
}

fn run_routes() -> Routes<Remedies> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/script-bindings", READ)
                .summary("What starts scripts")
                .returns::<Page<bindings::BindingBody>>(200),
            bindings::list,
        )
        .add(
            Endpoint::put("/api/v1/script-bindings", CHANGE)
                .summary("Bind a script to a rule")
                .body::<bindings::BindingBody>()
                .returns_nothing(),
            bindings::bind,
        )
        .add(
            Endpoint::post("/api/v1/script-bindings/remove", CHANGE)
                .summary("Take a binding away")
                .body::<bindings::BindingKey>()
                .returns_nothing(),
            bindings::unbind,
        )
        .add(
            Endpoint::get("/api/v1/script-switch", READ)
                .summary("Whether all scripts are switched off")
                .returns::<bindings::SwitchBody>(200),
            bindings::switch,
        )
        .add(
            Endpoint::put("/api/v1/script-switch", SWITCH)
                .summary("Switch all scripts off with a reason, or on again")
                .body::<bindings::SwitchChange>()
                .returns_nothing(),
            bindings::set_switch,
        )
        .add(
            Endpoint::get("/api/v1/script-runs", READ)
                .summary("Runs, the newest first")
                .query::<runs::RunQuery>()
                .returns::<Page<runs::RunBody>>(200),
            runs::list,
        )
        .add(
            Endpoint::post("/api/v1/script-runs", RUN)
                .summary("Start a script on a host by hand; the guards hold all the same")
                .body::<runs::StartBody>()
                .returns::<runs::Started>(202),
            runs::start,
        )
        .add(
            Endpoint::get("/api/v1/script-runs/{id}", READ)
                .summary("One run with its transcript")
                .returns::<runs::RunBody>(200),
            runs::get,
        )
}
