//! The records of this slice: problems, timeline entries, maintenance windows, silences.

mod cover;
mod entry;
mod problem;

pub use cover::{Days, Maintenance, Scope, Silence, When};
pub use entry::{Entry, EntryKind, NewEntry};
pub use problem::{Acknowledged, CloseReason, Closed, Mark, Problem, Repair, pair};
