//! Files by which test processes share one server: locks that vanish with their process.

use std::fs::{File, OpenOptions};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// Opens or makes the lock file at `path`; any user may take it.
fn open(path: &Path) -> File {
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path);
    opened.unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()))
}

/// Takes a lock alone and holds it until the file is dropped.
pub(crate) fn alone(path: &Path) -> File {
    let file = open(path);
    flock(&file, FlockOperation::LockExclusive).expect("a lock");
    file
}

/// Takes a lock beside others and holds it until the file is dropped.
pub(crate) fn beside(path: &Path) -> File {
    let file = open(path);
    flock(&file, FlockOperation::LockShared).expect("a lock");
    file
}
