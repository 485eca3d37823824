//! Problems (경보): at most one open per rule × target, with timeline, marks and what people did.
//!
//! Owns the tables `problem_*`. *Takes* [`model::flow::Transition`] from the judge's driver,
//! [`model::flow::Command`] from people and [`model::flow::Outcome`] from later stages. *Leaves*
//! [`model::flow::Dispatch`] for `notice` and [`model::flow::RunOrder`] for `remedy`, each in the
//! outbox in the same transaction as the state change it tells.
//!
//! Invariants: rule × target has at most one open problem; a transition that is not newer than the
//! pair's last one changes nothing, so a replay repeats, re-opens and resolves nothing; in
//! maintenance a problem opens and is drawn and is not told, and is told at the end if it is still
//! bad; the recovery of a told problem always leaves without a hold; a hold of the flap guard or of
//! a repair ends by itself (fail open). Problems are closed, never deleted.
//! Absent on purpose: who is told (that is `notice`), how a script runs (`remedy`), pages.

pub mod decide;
mod error;
pub mod jobs;
pub mod model;
mod ports;
mod routes;
pub mod service;
mod store;

pub use error::{ProblemError, Result};
pub use ports::{Binding, HostFacts, Hosts, NoRepairs, Ports, RepairPlan, RuleState, Rules};
pub use routes::routes;
pub use store::list::{Filter, OpenCell, Sort};

/// Hinted after commit whenever a problem changed: lists, boards and live views look again.
pub const CHANGED: &str = "problem.changed";
/// Hinted after commit whenever a maintenance or silence changed: [`jobs::settle_all`] looks again.
pub const COVERS: &str = "problem.covers";
