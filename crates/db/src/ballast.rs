//! The ballast: a file that is given up when the disk is full, so that the store can breathe.
//!
//! With the disk full even an acknowledgement or a clean-up could not be written. Giving up the
//! ballast leaves room for those; it is made again when there is plenty of space.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Weak;
use std::time::Duration;

use crate::limits::{BALLAST_FREE_BYTES_MIN, BALLAST_PERIOD_MS};
use crate::open::Db;

/// The file and its size.
#[derive(Debug)]
pub(crate) struct Ballast {
    path: PathBuf,
    size_bytes: u64,
}

impl Ballast {
    /// The ballast at `path`, made at once if there is room; 0 bytes for none.
    pub(crate) fn new(path: PathBuf, size_bytes: u64) -> Self {
        let ballast = Self { path, size_bytes };
        ballast.restore();
        ballast
    }

    /// Gives up the file.
    pub(crate) fn free(&self) {
        match fs::remove_file(&self.path) {
            Ok(()) => tracing::error!(
                path = %self.path.display(),
                "the disk is full: the ballast was given up, free space now"
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => tracing::error!(%error, "the disk is full and the ballast stays"),
        }
    }

    /// Makes the file again when there is plenty of room; whether it is there now.
    pub(crate) fn restore(&self) -> bool {
        if self.size_bytes == 0 {
            return false;
        }
        if fs::metadata(&self.path).is_ok_and(|file| file.len() == self.size_bytes) {
            return true;
        }
        let folder = self
            .path
            .parent()
            .unwrap_or_else(|| std::path::Path::new("."));
        let free_bytes = rustix::fs::statvfs(folder).map_or(0, |fs| fs.f_bavail * fs.f_frsize);
        if free_bytes < BALLAST_FREE_BYTES_MIN.max(4 * self.size_bytes) {
            return false;
        }
        let made = self.make();
        if let Err(error) = &made {
            tracing::warn!(%error, path = %self.path.display(), "cannot make the ballast");
            let _ = fs::remove_file(&self.path);
        }
        made.is_ok()
    }

    fn make(&self) -> std::io::Result<()> {
        let file = File::create(&self.path)?;
        // Real blocks, not a hole: a hole gives back nothing.
        rustix::fs::fallocate(
            &file,
            rustix::fs::FallocateFlags::empty(),
            0,
            self.size_bytes,
        )?;
        file.sync_all()
    }
}

impl Db {
    /// Makes the ballast again if there is room; whether it is there now. A store without one says
    /// yes. Also done every 30 seconds.
    #[must_use]
    pub fn restore_ballast(&self) -> bool {
        self.0
            .ballast
            .as_ref()
            .is_none_or(|ballast| ballast.size_bytes == 0 || ballast.restore())
    }
}

/// Looks after the ballast until the store is gone.
pub(crate) async fn mind(ballast: Weak<Ballast>) {
    loop {
        tokio::time::sleep(Duration::from_millis(BALLAST_PERIOD_MS)).await;
        let Some(ballast) = ballast.upgrade() else {
            return;
        };
        // Making the file may touch a slow disk: not on the runtime's threads.
        let _ = tokio::task::spawn_blocking(move || ballast.restore()).await;
    }
}
