//! The API of problems, maintenances and silences.

mod actions;
mod maintenances;
mod problems;
mod refusal;
mod silences;

use db::Db;
use web::{Action, Endpoint, Mounted, Page, Routes};

/// Who may see problems.
const READ: Action = Action::view("problem.read");
/// Who may take, comment, snooze, assign and close them.
const ACT: Action = Action::operate("problem.act");
/// Who may see maintenances.
const MAINTENANCE_READ: Action = Action::view("maintenance.read");
/// Who may plan them.
const MAINTENANCE: Action = Action::operate("maintenance.change");
/// Who may see silences.
const SILENCE_READ: Action = Action::view("silence.read");
/// Who may make them.
const SILENCE: Action = Action::operate("silence.change");

/// All endpoints of problems.
pub fn routes(db: Db) -> Mounted {
    problem_routes()
        .merge(maintenance_routes())
        .merge(silence_routes())
        .with_state(db)
}

fn problem_routes() -> Routes<Db> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/problems", READ)
                .summary("Problems, filtered and sorted, with counts by severity")
                .query::<problems::ProblemQuery>()
                .returns::<problems::ProblemPage>(200),
            problems::list,
        )
        .add(
            Endpoint::get("/api/v1/problems/{id}", READ)
                .summary("One problem with its timeline, by id or by number such as P-1042")
                .returns::<problems::DetailBody>(200),
            problems::get,
        )
        .add(
            Endpoint::post("/api/v1/problems/{id}/actions", ACT)
                .summary("Acknowledge, unacknowledge, comment, snooze, assign or close a problem")
                .body::<actions::ActionBody>()
                .returns::<problems::ProblemBody>(200),
            actions::one,
        )
        .add(
            Endpoint::post("/api/v1/problems/actions", ACT)
                .summary("The same action on many problems; those that refuse it are named")
                .body::<actions::BulkBody>()
                .returns::<actions::BulkAnswer>(200),
            actions::many,
        )
}

fn maintenance_routes() -> Routes<Db> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/maintenances", MAINTENANCE_READ)
                .summary("Maintenances that are planned or run; also past ones when asked")
                .query::<maintenances::PastQuery>()
                .returns::<Page<maintenances::MaintenanceBody>>(200),
            maintenances::list,
        )
        .add(
            Endpoint::post("/api/v1/maintenances", MAINTENANCE)
                .summary("Plan a maintenance, once or recurring")
                .body::<maintenances::MaintenanceEditBody>()
                .returns::<maintenances::MaintenanceBody>(201),
            maintenances::create,
        )
        .add(
            Endpoint::get("/api/v1/maintenances/{id}", MAINTENANCE_READ)
                .summary("One maintenance")
                .returns::<maintenances::MaintenanceBody>(200),
            maintenances::get,
        )
        .add(
            Endpoint::put("/api/v1/maintenances/{id}", MAINTENANCE)
                .summary("Edit a maintenance; `If-Match` guards against overwriting others' edits")
                .body::<maintenances::MaintenanceEditBody>()
                .returns::<maintenances::MaintenanceBody>(200),
            maintenances::change,
        )
        .add(
            Endpoint::post("/api/v1/maintenances/{id}/cancel", MAINTENANCE)
                .summary("Call a maintenance off or end it early; what is still bad is told then")
                .returns::<maintenances::MaintenanceBody>(200),
            maintenances::cancel,
        )
}

fn silence_routes() -> Routes<Db> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/silences", SILENCE_READ)
                .summary("Silences in force or to come; also past ones when asked")
                .query::<maintenances::PastQuery>()
                .returns::<Page<silences::SilenceBody>>(200),
            silences::list,
        )
        .add(
            Endpoint::post("/api/v1/silences", SILENCE)
                .summary("Silence the problems that a selector fits, until an end")
                .body::<silences::SilenceEditBody>()
                .returns::<silences::SilenceBody>(201),
            silences::create,
        )
        .add(
            Endpoint::get("/api/v1/silences/{id}", SILENCE_READ)
                .summary("One silence")
                .returns::<silences::SilenceBody>(200),
            silences::get,
        )
        .add(
            Endpoint::put("/api/v1/silences/{id}", SILENCE)
                .summary("Edit a silence; `If-Match` guards against overwriting others' edits")
                .body::<silences::SilenceEditBody>()
                .returns::<silences::SilenceBody>(200),
            silences::change,
        )
        .add(
            Endpoint::post("/api/v1/silences/{id}/end", SILENCE)
                .summary("End a silence early; what is still bad is told then")
                .returns::<silences::SilenceBody>(200),
            silences::end,
        )
}

#[cfg(test)]
mod tests;
