//! The desk (관제 데스크): fills the console's pages from the slices and takes what people do on them.
//!
//! Owns the handlers of every page; the pages themselves are `console`'s, what they say is the
//! slices'. *Takes* requests that passed the gate. *Leaves* pages, fragments and event streams.
//! Invariants: a handler reads several slices but changes one; every change goes through the use
//! case that the API uses too. Absent: SQL, HTML, rules of any slice.

mod csv;
mod frame;
mod live;
mod manage;
mod operate;
mod state;

pub use live::{Live, keep_live};
pub use operate::LATE_SERIES;
pub use state::{Desk, HealthLine, HostBook, OwnHealth};

/// Every page with its actions.
pub fn routes(desk: Desk) -> web::Mounted {
    operate::routes().merge(manage::routes()).with_state(desk)
}

/// Errors of pages in the console's look.
#[must_use]
pub fn error_pages(desk: Desk) -> std::sync::Arc<dyn web::ErrorPage> {
    std::sync::Arc::new(frame::ErrorPages(desk))
}
