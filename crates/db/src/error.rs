//! What can go wrong with the records store, in words an operator can act on.

use std::sync::Arc;

/// The result of everything here.
pub type Result<T> = std::result::Result<T, DbError>;

/// Why the records store did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DbError {
    /// The store could not be opened.
    #[error("cannot open the records store {store}")]
    Open {
        /// The file, or the address without its password.
        store: String,
        /// What the driver said.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The address of the store is neither SQLite's nor PostgreSQL's.
    #[error("`{0}` is no records store: write sqlite://<path> or postgres://<user>@<host>/<name>")]
    Url(String),
    /// A file beside the store could not be read or written.
    #[error("cannot {what}")]
    File {
        /// What was tried, with the path.
        what: String,
        /// What the operating system said.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// A statement failed.
    #[error("statement failed: {sql}")]
    Statement {
        /// The statement.
        sql: String,
        /// What the database said.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The disk under the store is full; reading goes on.
    #[error(
        "the disk under the records store is full: free space, then try again; reading goes on"
    )]
    DiskFull,
    /// A row was expected and there is none.
    #[error("no row: {sql}")]
    NoRow {
        /// The statement.
        sql: String,
    },
    /// A column is not what the code takes it for.
    #[error("column `{column}` {what}: {sql}")]
    Column {
        /// The column's name.
        column: String,
        /// What is wrong with it.
        what: String,
        /// The statement.
        sql: String,
    },
    /// A statement wants another number of values than it was given.
    #[error("statement wants {wanted} values and got {given}: {sql}")]
    Values {
        /// The highest `$n`.
        wanted: usize,
        /// How many values came.
        given: usize,
        /// The statement.
        sql: String,
    },
    /// A value cannot be told in JSON.
    #[error("cannot write as JSON: {0}")]
    Json(String),
    /// An earlier statement of this use case failed, so nothing of it can be kept.
    #[error("the use case was rolled back because an earlier statement of it failed")]
    Aborted,
    /// Others changed the same rows again and again.
    #[error("others kept changing the same records: gave up after {attempts} attempts")]
    Conflict {
        /// How often it was tried.
        attempts: u32,
    },
    /// A use case held the store for too long and was rolled back.
    #[error("the use case was rolled back because it took longer than {limit_ms} ms")]
    TooSlow {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// The code of a use case panicked; it was rolled back.
    #[error("the use case was rolled back because its code panicked: {0}")]
    Panicked(String),
    /// The store is closed or closing.
    #[error("the records store is closed")]
    Closed,
    /// The store was made by a newer version of the program.
    #[error(
        "the records store was made by a newer version (it has `{name}`): \
         upgrade the program or restore a backup"
    )]
    Newer {
        /// The first migration that this program does not know.
        name: String,
    },
    /// A migration that was applied has another text now.
    #[error(
        "migration `{name}` was changed after it was applied: \
         use the program that made this store, or restore a backup"
    )]
    Changed {
        /// The migration.
        name: String,
    },
    /// A migration that should have come earlier is missing in the store.
    #[error("migration `{name}` is older than the last one applied and was never applied here")]
    OutOfOrder {
        /// The migration.
        name: String,
    },
    /// A migration failed; the store is as it was before.
    #[error("migration `{name}` failed, nothing was changed")]
    Migration {
        /// The migration.
        name: String,
        /// What the database said.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// Online backup is SQLite's; PostgreSQL has better tools of its own.
    #[error("a PostgreSQL store is backed up with pg_dump or by its own archive, not from here")]
    BackupElsewhere,
}

impl DbError {
    /// Whether a unique key was already taken.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.kind() == Some(sqlx::error::ErrorKind::UniqueViolation)
    }

    /// Whether a row that was referred to does not exist, or is still referred to.
    #[must_use]
    pub fn is_foreign_key(&self) -> bool {
        self.kind() == Some(sqlx::error::ErrorKind::ForeignKeyViolation)
    }

    /// Whether the disk is full.
    #[must_use]
    pub const fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull)
    }

    /// Whether trying the same again later may work.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::DiskFull | Self::Conflict { .. } | Self::TooSlow { .. }
        )
    }

    fn kind(&self) -> Option<sqlx::error::ErrorKind> {
        let Self::Statement { source, .. } = self else {
            return None;
        };
        source
            .as_database_error()
            .map(sqlx::error::DatabaseError::kind)
    }

    pub(crate) fn statement(sql: &crate::Sql, source: sqlx::Error) -> Self {
        Self::statement_text(sql.as_str(), source)
    }

    pub(crate) fn statement_text(sql: &str, source: sqlx::Error) -> Self {
        if is_disk_full(&source) {
            return Self::DiskFull;
        }
        match source {
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
            source => Self::Statement {
                sql: shortened(sql),
                source: Arc::new(source),
            },
        }
    }

    pub(crate) fn file(what: String, source: std::io::Error) -> Self {
        Self::File {
            what,
            source: Arc::new(source),
        }
    }
}

/// Whether a driver's error means that the file system has no room left.
fn is_disk_full(error: &sqlx::Error) -> bool {
    // SQLITE_FULL, SQLITE_IOERR_SHMSIZE; PostgreSQL's disk_full.
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("13" | "4874" | "53100"))
}

/// Whether PostgreSQL asks to try the transaction again: serialization_failure, deadlock_detected.
pub(crate) fn is_collision(error: &DbError) -> bool {
    let DbError::Statement { source, .. } = error else {
        return false;
    };
    let code = source.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

/// One line of a statement, short enough for a log line.
pub(crate) fn shortened(sql: &str) -> String {
    const CHARS_MAX: usize = 300;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= CHARS_MAX {
        return line;
    }
    line.chars().take(CHARS_MAX).chain(['…']).collect()
}
