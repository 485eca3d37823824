//! Recovery scripts: what may run where, when and how often; every run with its transcript.
//!
//! Owns the tables `remedy_*`. *Takes* [`model::flow::RunOrder`] from problems and people. *Leaves*
//! [`model::flow::Outcome`] for problems. The order itself goes out through [`Hands`], which the
//! server implements: it signs, and the runner on the host checks signature and allow-list again.
//!
//! Invariants: nothing runs that nobody approved in exactly this version; the kill switch, the
//! cooldown and the number of runs within a window hold for automatic and manual runs alike; a run
//! is written down before its order leaves; a run that should repair counts only when the problem
//! closed within the verify time. A run whose server died is not sent again: what it did is unknown.

mod decide;
mod error;
mod plan;
mod ports;
mod records;
mod routes;
mod service;
mod store;
mod work;

pub use decide::{Refusal, admit};
pub use error::RemedyError;
pub use plan::Plan;
pub use ports::{Ended, Hands, NotCarriedOut, RunReport, RunRequest};
pub use records::{
    Binding, KillSwitch, Mode, Run, RunFilter, RunState, Script, ScriptDraft, body_hash,
};
pub use routes::routes;
pub use service::{ManualRun, Remedies};
pub use work::Surgeon;

/// The hint sent after scripts, bindings or the switch changed.
pub const CHANGED: &str = "remedy.changed";
