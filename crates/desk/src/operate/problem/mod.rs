//! Problems: the list with its file, one problem with everything around it, and what people do.

mod act;
mod detail;
mod list;
mod story;
mod told;

use model::ProblemId;
use web::{Action, ApiError, Ctx, Endpoint, Routes};

use super::refusal::refused;
use crate::Desk;

const READ: Action = Action::view("problem.read");
const ACT: Action = Action::operate("problem.act");
const SILENCE: Action = Action::operate("silence.change");
const RUN: Action = Action::operate("script.run");

pub(super) fn routes() -> Routes<Desk> {
    let page = |path, summary| Endpoint::get(path, READ).summary(summary);
    let post = |path, action, summary| Endpoint::post(path, action).summary(summary);
    Routes::new()
        .add(page("/problems", "The list of problems"), list::problems)
        .add(page("/problems.csv", "The list as a file"), list::export)
        .add(
            post("/problems/bulk", ACT, "Act on many problems at once"),
            act::bulk,
        )
        .add(page("/problems/{id}", "One problem"), detail::problem)
        .add(
            post(
                "/problems/{id}/silence",
                SILENCE,
                "Silence a problem's pair",
            ),
            act::silence,
        )
        .add(post("/problems/{id}/run", RUN, "Run a script"), act::run)
        .add(
            post("/problems/{id}/{verb}", ACT, "Act on a problem"),
            act::one,
        )
}

/// A problem by its id, or by its number with or without `P-`.
async fn find(desk: &Desk, ctx: &Ctx, text: &str) -> Result<ProblemId, ApiError> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let number = text.trim_start_matches(['P', 'p']).trim_start_matches('-');
    let number: i64 = web::path_id(number, &format!("the problem `{text}`"))?;
    let found = problem::service::by_number(&mut desk.db.reader(), number).await;
    Ok(found.map_err(refused(ctx.lang))?.id)
}
