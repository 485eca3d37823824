//! The pages of daily operation: log-in, board, hosts, problems.

mod assets;
mod board;
mod graph;
pub(crate) mod host;
mod line;
pub(crate) mod people;
mod problem;
mod refusal;
pub(crate) mod said;
mod session;
mod units;

use web::Routes;

use crate::Desk;

pub use graph::LATE_SERIES;

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
        .merge(session::routes())
        .merge(assets::routes())
        .merge(board::routes())
        .merge(graph::routes())
        .merge(host::routes())
        .merge(problem::routes())
}
