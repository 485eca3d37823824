//! The pages of daily operation: log-in, board, hosts, problems.

use web::Routes;

use crate::Desk;

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
}
