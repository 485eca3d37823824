//! The ledger of notices: who was told what on which channel, who was not, and why.

mod list;

use web::{Action, Endpoint, Routes};

use crate::Desk;

const READ: Action = Action::view("notice.read");
const RETRY: Action = Action::operate("notice.retry");

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
        .add(Endpoint::get("/notices", READ), list::list)
        .add(Endpoint::get("/notices.csv", READ), list::list)
        .add(Endpoint::post("/notices", RETRY), list::retry)
}
