//! Every write to the file system, each announced to a hook that may refuse it.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Doing, Result};
use crate::filenames;

/// A file operation about to happen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileOp {
    /// A file is created or emptied.
    Create,
    /// Bytes are appended.
    Write,
    /// A file's data is forced to the device.
    Sync,
    /// A directory's entries are forced to the device.
    SyncDir,
    /// A file takes its final name.
    Rename,
    /// A file is cut to a length.
    Truncate,
    /// A file is removed.
    Remove,
}

/// Sees every write operation before it happens; an error it returns is what the caller gets.
pub trait DiskHook: Debug + Send + Sync {
    /// Called before `op` on `path`; `bytes` is how much would be written.
    ///
    /// # Errors
    /// Whatever the simulated disk answers, e.g. `ENOSPC`.
    fn before(&self, op: FileOp, path: &Path, bytes: usize) -> io::Result<()>;
}

/// The disk of one store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    hook: Option<Arc<dyn DiskHook>>,
}

impl Disk {
    pub(crate) fn new(hook: Option<Arc<dyn DiskHook>>) -> Self {
        Self { hook }
    }

    fn before(&self, op: FileOp, path: &Path, bytes: usize) -> io::Result<()> {
        self.hook
            .as_ref()
            .map_or(Ok(()), |hook| hook.before(op, path, bytes))
    }

    pub(crate) fn create(&self, path: &Path) -> Result<DiskFile> {
        let open = || {
            self.before(FileOp::Create, path, 0)?;
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(path)
        };
        let file = open().doing("create", path)?;
        Ok(DiskFile {
            disk: self.clone(),
            file,
            path: path.to_path_buf(),
            size_bytes: 0,
        })
    }

    /// Opens a file to append at `size_bytes`; what lies behind is cut off.
    pub(crate) fn append(&self, path: &Path, size_bytes: u64) -> Result<DiskFile> {
        let mut open = OpenOptions::new();
        let open = open.read(true).write(true).create(true).truncate(false);
        let file = open.open(path).doing("open", path)?;
        let mut file = DiskFile {
            disk: self.clone(),
            file,
            path: path.to_path_buf(),
            size_bytes,
        };
        file.truncate(size_bytes)?;
        Ok(file)
    }

    pub(crate) fn create_dir(&self, path: &Path) -> Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        self.before(FileOp::Create, path, 0).doing("create", path)?;
        fs::create_dir_all(path).doing("create", path)?;
        path.parent().map_or(Ok(()), |parent| self.sync_dir(parent))
    }

    pub(crate) fn sync_dir(&self, path: &Path) -> Result<()> {
        let sync = || {
            self.before(FileOp::SyncDir, path, 0)?;
            File::open(path)?.sync_all()
        };
        sync().doing("sync", path)
    }

    pub(crate) fn remove(&self, path: &Path) -> Result<()> {
        let remove = || {
            self.before(FileOp::Remove, path, 0)?;
            fs::remove_file(path)
        };
        match remove() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.doing("remove", path),
        }
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let rename = || {
            self.before(FileOp::Rename, to, 0)?;
            fs::rename(from, to)
        };
        rename().doing("rename", to)?;
        to.parent().map_or(Ok(()), |parent| self.sync_dir(parent))
    }

    /// Replaces `path` by `bytes` so that a crash leaves the old content or the new, never a mix.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let tmp = filenames::tmp(path);
        let mut file = self.create(&tmp)?;
        let written = file.write(bytes).and_then(|()| file.sync());
        if written.is_err() {
            drop(fs::remove_file(&tmp));
        }
        written?;
        self.rename(&tmp, path)
    }
}

/// One file that is being written.
#[derive(Debug)]
pub(crate) struct DiskFile {
    disk: Disk,
    file: File,
    path: PathBuf,
    size_bytes: u64,
}

impl DiskFile {
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends; after an error the length of the file is unknown until it is truncated.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let write = || {
            self.disk.before(FileOp::Write, &self.path, bytes.len())?;
            self.file.write_all_at(bytes, self.size_bytes)
        };
        write().doing("write", &self.path)?;
        self.size_bytes += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> Result<()> {
        let mut sync = || {
            self.disk.before(FileOp::Sync, &self.path, 0)?;
            self.file.flush()?;
            self.file.sync_data()
        };
        sync().doing("sync", &self.path)
    }

    pub(crate) fn truncate(&mut self, size_bytes: u64) -> Result<()> {
        let truncate = || {
            self.disk.before(FileOp::Truncate, &self.path, 0)?;
            self.file.set_len(size_bytes)
        };
        truncate().doing("truncate", &self.path)?;
        self.size_bytes = size_bytes;
        Ok(())
    }
}

/// The file names of a directory, sorted.
pub(crate) fn list(dir: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(dir).doing("list", dir)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<_>>>().doing("list", dir)?;
    names.sort();
    Ok(names)
}
