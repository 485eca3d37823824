//! Limits of the records store; an error that one causes names it.

/// Use cases in one grouped commit of SQLite.
pub(crate) const GROUP_USE_CASES_MAX: usize = 256;
/// How long a group takes in further use cases that are already queued, in milliseconds.
pub(crate) const GROUP_MS_MAX: u64 = 5;
/// Use cases that wait for the SQLite writer before callers wait too.
pub(crate) const WRITE_QUEUE_MAX: usize = 4_096;
/// How long one use case may hold the writer or a transaction, in milliseconds.
pub(crate) const USE_CASE_MS_MAX: u64 = 10_000;
/// Attempts of one use case on PostgreSQL when it collides with others.
pub(crate) const SERIALISE_ATTEMPTS_MAX: u32 = 40;
/// Prepared statements kept per connection.
pub(crate) const STATEMENTS_PER_CONNECTION_MAX: usize = 512;
/// How long a connection waits for a lock another process holds, in milliseconds.
pub(crate) const BUSY_MS_MAX: u64 = 5_000;
/// How long a caller waits for a free connection of a pool, in milliseconds.
pub(crate) const ACQUIRE_MS_MAX: u64 = 10_000;
/// Bytes of the file that is given up when the disk is full.
pub(crate) const BALLAST_BYTES: u64 = 16 * 1024 * 1024;
/// Free bytes above which the ballast file is made again.
pub(crate) const BALLAST_FREE_BYTES_MIN: u64 = 4 * BALLAST_BYTES;
/// How often the ballast file is looked after, in milliseconds.
pub(crate) const BALLAST_PERIOD_MS: u64 = 30_000;
/// Audit rows sealed in one use case.
pub(crate) const SEAL_ROWS_MAX: i64 = 500;
/// Audit rows read at once by the check of the chain.
pub(crate) const VERIFY_ROWS_MAX: i64 = 2_000;
