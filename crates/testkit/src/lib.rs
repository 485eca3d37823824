//! Real components for tests: a PostgreSQL server, both record stores, receivers for mail and webhooks.
//!
//! Nothing here imitates a component of the product. Everything listens on 127.0.0.1, at a port the
//! kernel chose, and is gone when its handle is dropped or its process dies. A package that is
//! missing skips the test with the package's name; in CI (`CI=true`) it fails it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where its ground gives way"
)]

mod disk;
mod folder;
mod http;
mod postgres;
mod server_files;
mod smtp;
mod stores;
mod wait;

pub use disk::{on_small_disk, on_small_machine};
pub use folder::TempDir;
pub use http::{HttpReply, HttpRequest, HttpSink};
pub use postgres::{Database, Postgres};
pub use smtp::{Mail, SmtpReply, SmtpSink};
pub use stores::{Store, on_both_stores, postgres_store, sqlite_store};
pub use wait::{free_ports, wait_for, wait_until};

/// A Debian package that this machine lacks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Missing {
    /// The package's name, as apt knows it.
    pub package: &'static str,
}

impl Missing {
    /// Says that the test is skipped; in CI it fails instead.
    ///
    /// # Panics
    /// In CI.
    pub fn skip(self) {
        let Self { package } = self;
        let ci = std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1");
        assert!(
            !ci,
            "this test needs the package `{package}`: apt-get install -y {package}"
        );
        eprintln!("skipped: needs the package `{package}`: apt-get install -y {package}");
    }
}

/// The component, or the end of the test: skipped here, failed in CI.
///
/// ```no_run
/// fn test() {
///     let postgres = testkit::require_or_skip!(testkit::Postgres::shared());
///     assert!(postgres.url("postgres").starts_with("postgres://"));
/// }
/// ```
#[macro_export]
macro_rules! require_or_skip {
    ($component:expr) => {
        match $component {
            Ok(component) => component,
            Err(missing) => {
                $crate::Missing::skip(missing);
                return;
            }
        }
    };
}
