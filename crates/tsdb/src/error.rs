//! Why the engine refused or failed, in words an operator can act on.

use std::io;
use std::path::{Path, PathBuf};

use crate::SeriesId;

/// The result of every fallible call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process, or another engine of this process, has the directory open.
    #[error("data directory {dir} is in use by another process; stop it or choose another --data-dir", dir = .0.display())]
    Locked(PathBuf),
    /// The operating system refused.
    #[error("cannot {doing} {path}", path = path.display())]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what was written.
    #[error("{path} is damaged: {what}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found in it.
        what: &'static str,
    },
    /// A file was written by a newer version.
    #[error("{path} has format {found}, this version reads up to {known}; start the newer version", path = path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest version this program reads.
        known: u32,
    },
    /// The write-ahead log cannot be made durable; retried until it can.
    #[error("not stored: the write-ahead log cannot be written ({0}); it is retried by itself")]
    WalFailed(String),
    /// The log reached its bound because what holds it does not advance.
    #[error("not stored: the write-ahead log holds {bytes} bytes, the limit is {limit}; {held_by}")]
    WalFull {
        /// Bytes on disk and waiting.
        bytes: u64,
        /// `Options::wal_bytes_max`.
        limit: u64,
        /// What keeps the log from shrinking.
        held_by: WalHolder,
    },
    /// Too much waits for the disk; try again shortly.
    #[error("busy: {bytes} bytes wait for the disk, the limit is {limit}")]
    Busy {
        /// Bytes that wait.
        bytes: u64,
        /// The limit that they exceed.
        limit: u64,
    },
    /// A sample names a series that was never resolved.
    #[error("series {0} does not exist")]
    UnknownSeries(SeriesId),
    /// The store holds as many series as it may.
    #[error("new series refused: {0} series exist, which is the limit")]
    TooManySeries(u32),
    /// A batch is larger than one record may be.
    #[error("batch of {samples} samples refused; the limit is {limit}")]
    BatchTooLarge {
        /// Samples of the batch.
        samples: usize,
        /// `model::limits::SAMPLES_PER_BATCH_MAX`.
        limit: usize,
    },
    /// A matcher's regular expression cannot be compiled.
    #[error("`{pattern}` is not a regular expression")]
    BadRegex {
        /// The pattern as given.
        pattern: String,
        /// What the parser said.
        source: Box<regex::Error>,
    },
    /// A query would read more than allowed.
    #[error("query refused: it reads more than {limit} samples; narrow the range or the selector")]
    QueryTooLarge {
        /// `Options::query_samples_max`.
        limit: u64,
    },
    /// A wait ended before the position was durable.
    #[error("position {0} is not durable yet")]
    Timeout(u64),
    /// Files of a store in use were replaced again and again while they were copied.
    #[error("the store changes faster than it can be copied: try again")]
    Changing,
    /// The engine is being closed.
    #[error("the store is closed")]
    Closed,
}

/// What keeps the write-ahead log from shrinking.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WalHolder {
    /// Memory could not be written to a part.
    #[error("samples in memory could not be written to a part")]
    Flush,
    /// The caller's checkpoint lags.
    #[error("the checkpoint of the judge does not advance")]
    Checkpoint,
}

/// Adds what was attempted, and on which file, to an I/O error.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io {
            doing,
            path: path.to_path_buf(),
            source,
        })
    }
}

/// The text of an error with its causes, for a state that is shown later.
pub(crate) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
