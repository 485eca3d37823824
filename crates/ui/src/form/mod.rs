//! Forms drawn from fields that describe themselves, so that a new plug-in needs no page of its own.

mod check;
mod draw;
mod field;

pub use check::{FieldErrors, FormValues, check};
pub use draw::{Form, FormSection, draw_field};
pub use field::{Choice, Field, FieldKind};
