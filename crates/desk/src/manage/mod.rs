//! The pages of configuration: rules, groups, maintenance, channels, recipients, scripts, agents, users.

use web::Routes;

use crate::Desk;

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
}
