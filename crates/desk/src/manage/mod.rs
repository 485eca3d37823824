//! The pages of configuration: rules, groups, maintenance, channels, recipients, scripts, agents, users.

mod agents;
pub(crate) mod asked;
mod history;
mod hosts;
mod listing;
mod moment;
mod refusal;
mod sheet;

use web::Routes;

use crate::Desk;

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new().merge(agents::routes())
}
