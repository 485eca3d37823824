//! What can go wrong with the queue, with the path it went wrong at.

use std::io;
use std::path::{Path, PathBuf};

/// Why the queue did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// A file or folder cannot be used.
    #[error("cannot {what} {path}")]
    File {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The folder was written by a newer program.
    #[error(
        "{path} was written by a newer version (format {found}): update the agent, or move \
        the folder away and lose what was not sent"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u16,
    },
    /// A record is larger than a segment may be.
    #[error("a record of {len_bytes} bytes; the limit is {limit_bytes}")]
    TooLong {
        /// Its size.
        len_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
}

impl SpoolError {
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { what, path, source }
    }

    /// Whether the disk is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        matches!(self, Self::File { source, .. } if full.contains(&source.kind()))
    }
}
