//! The records store: one SQL text on SQLite and PostgreSQL behind [`Db`], [`Tx`] and [`Reader`].
//!
//! Owns the tables `core_*` (change rows, audit, outbox, leases, kept answers, numbers, settings) and the applying
//! of `migrations/`. Slices own every other table and pass statements with `$n` placeholders.
//!
//! Invariants: a use case is all or nothing, and its answer comes after its commit; after a failed
//! statement a use case can only be rolled back, on both databases; use cases are serialisable
//! (SQLite: one writer; PostgreSQL: `SERIALIZABLE` with retries); hints go out only after commit.
//! Absent on purpose: query builders, object mapping, dialect switches for slices, blobs, and any
//! knowledge of a host, a problem or a person.

mod answer;
mod audit;
mod backup;
mod ballast;
mod engine;
mod error;
mod hint;
mod limits;
mod migrate;
mod number;
mod open;
mod paging;
mod query;
mod reader;
mod revision;
mod row;
mod serial;
mod sql;
mod tx;
mod value;
mod write;
mod writer;

pub use answer::Begun;
pub use audit::{Audit, AuditFilter, AuditReport, AuditRow, BrokenRow, Outcome, audit_rows};
pub use error::{DbError, Result};
pub use hint::Hinted;
pub use migrate::{Migration, migrations};
pub use open::{Db, Options};
pub use paging::{Cursor, CursorError, Direction, Keyset, List, Page};
pub use query::Query;
pub use reader::{Reader, Snapshot};
pub use revision::{Change, Revision, revisions};
pub use row::Row;
pub use sql::Sql;
pub use tx::{Dialect, Tx};
pub use value::{Kind, Typed, Value};
pub use write::Isolation;

/// The future of a use case or a snapshot read: `Box::pin(async move { … })`.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;

/// The values of `$1`, `$2`, …: anything that converts into a [`Value`], options included.
///
/// ```
/// let values = db::params![7_i64, "web01", Some(0.5), None::<&str>, true];
/// assert_eq!(values.len(), 5);
/// ```
#[macro_export]
macro_rules! params {
    () => { ::std::vec::Vec::<$crate::Value>::new() };
    ($($value:expr),+ $(,)?) => { ::std::vec![$($crate::Value::from($value)),+] };
}
