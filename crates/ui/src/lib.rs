//! The console's frame, look and pieces: what every page is made of.
//!
//! Owns: the layout around each page ([`page`]), what a page knows of its reader ([`PageContext`]),
//! forms drawn from self-described fields ([`Field`], [`Form`]), lists ([`Table`], [`ListQuery`]), the
//! smaller pieces ([`severity_mark`], [`Empty`], [`Timeline`] …), and the embedded assets
//! under hashed addresses ([`assets`]).
//!
//! Invariants: only a state has colour, and never colour alone (fires + word + colour); no inline
//! script or style anywhere, so that the content policy forbids both; every text that a person typed
//! is escaped, because only [`Html`] is not. Absent: no database, no slice, no clock.

pub mod assets;
mod context;
mod form;
mod frame;
mod html;
mod lists;
mod marks;
mod pages;
mod pieces;
mod query;
mod spark;

pub use context::{
    Beacon, Health, HealthState, NavItem, PageContext, ROLES, Theme, Toast, Tone, User,
};
pub use form::{
    Choice, Field, FieldErrors, FieldKind, Form, FormSection, FormValues, check, draw_field,
};
pub use frame::{CONTENT_SECURITY_POLICY, Page, bare_page, page};
pub use html::{Html, escape};
pub use lists::{BulkAction, Column, Filter, Row, Table};
pub use marks::{cell_mark, fires, mark_chip, severity_badge, severity_mark, severity_word};
pub use pages::{Failure, PageHead, detail_page, failure_page, form_page, list_page};
pub use pieces::{
    Action, ActionStyle, Empty, Fact, Panel, Tab, Tag, Timeline, TimelineEntry, copy_line, facts,
    tabs, tags,
};
pub use query::{ListQuery, encode};
pub use spark::sparkline;
