//! The snapshot file: written beside, synced, renamed; read whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use judge::{Snapshot, SnapshotError};

/// Why a snapshot file was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file system refused.
    #[error("{what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// The file is damaged or of another version.
    #[error("{path}")]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: SnapshotError,
    },
}

/// Puts a snapshot in the place of the last one, so that one of the two is always whole.
///
/// # Errors
/// When the file system refuses; the last snapshot is then still there.
pub fn save_snapshot(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let beside = path.with_extension("new");
    let fail = |what: &'static str, path: &Path| {
        let path = path.to_owned();
        move |source| FileError::Io { what, path, source }
    };
    let mut file = File::create(&beside).map_err(fail("cannot make", &beside))?;
    file.write_all(bytes)
        .map_err(fail("cannot write", &beside))?;
    file.sync_all().map_err(fail("cannot sync", &beside))?;
    fs::rename(&beside, path).map_err(fail("cannot rename to", path))?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(fail("cannot sync", folder))
}

/// The last snapshot; nothing when there is none yet.
///
/// # Errors
/// When it cannot be read or is damaged: the caller then judges all of the WAL and says so.
pub fn load_snapshot(path: &Path) -> Result<Option<Snapshot>, FileError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(FileError::Io {
                what: "cannot read",
                path: path.to_owned(),
                source,
            });
        }
    };
    let snapshot = Snapshot::decode(&bytes).map_err(|source| FileError::Content {
        path: path.to_owned(),
        source,
    })?;
    Ok(Some(snapshot))
}
