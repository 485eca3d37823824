//! The pages of configuration: rules, groups, maintenance, channels, recipients, scripts, agents, users.

mod agents;
pub(crate) mod asked;
mod channels;
mod coverage;
mod covers;
mod fields;
mod groups;
pub(crate) mod history;
mod hosts;
mod listing;
mod moment;
mod notices;
mod overrides;
mod own;
mod people;
mod recipients;
mod refusal;
mod rules;
mod scripts;
mod sheet;
mod watched;
mod whom;

use web::Routes;

use crate::Desk;

/// Their endpoints.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
        .merge(agents::routes())
        .merge(rules::routes())
        .merge(groups::routes())
        .merge(overrides::routes())
        .merge(watched::routes())
        .merge(channels::routes())
        .merge(recipients::routes())
        .merge(notices::routes())
        .merge(covers::routes())
        .merge(scripts::routes())
        .merge(coverage::routes())
        .merge(people::routes())
        .merge(own::routes())
}
