//! The words of the product: ids, severities, labels, units, rules and the messages between stages.
//!
//! No I/O, no clock, no domain logic beyond what makes a word valid. Every other crate may use it.

pub mod flow;
mod ids;
mod labels;
pub mod limits;
pub mod rule;
mod severity;
mod target;
mod text;

pub use ids::*;
pub use labels::{
    Label, LabelError, Labels, METRIC_NAME, MatchOp, Matcher, Selector, SelectorError,
};
pub use severity::{CellState, Severity, SeverityError};
pub use target::{Target, TargetKind};
pub use text::{Lang, Text};
