//! Where `/proc` and `/sys` are read from: this machine, or a captured copy of another one.

use std::fmt::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

/// Bytes read from one file of `/proc` or `/sys` at most; a 512-CPU `/proc/stat` has 60 KiB.
const FILE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of a path below the root.
const PATH_BYTES_MAX: usize = 512;

/// A directory that holds `proc` and `sys`; all paths are relative to it, such as `proc/stat`.
///
/// It is opened once, so that reading needs neither a joined path nor an allocation.
#[derive(Debug)]
pub struct Root {
    dir: OwnedFd,
    path: PathBuf,
    live: bool,
}

/// Why something could not be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// It exists, but this program may not read it.
    #[error("not permitted")]
    NotPermitted,
    /// It does not exist on this machine.
    #[error("not available")]
    NotAvailable,
    /// Another error of the operating system.
    #[error("read failed: {0}")]
    Os(Errno),
}

impl From<Errno> for ReadError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::ACCESS | Errno::PERM => Self::NotPermitted,
            Errno::NOENT | Errno::NOTDIR | Errno::NODEV | Errno::SRCH | Errno::OPNOTSUPP => {
                Self::NotAvailable
            }
            other => Self::Os(other),
        }
    }
}

impl Root {
    /// This machine.
    ///
    /// # Errors
    /// When `/` cannot be opened.
    pub fn live() -> Result<Self, ReadError> {
        Self::open(Path::new("/"), true)
    }

    /// A copy of another machine's files, or this machine's mounted elsewhere (`/host`).
    ///
    /// What asks the kernel rather than a file (statvfs, sockets) is not available there.
    ///
    /// # Errors
    /// When the directory cannot be opened.
    pub fn at(path: &Path) -> Result<Self, ReadError> {
        Self::open(path, false)
    }

    fn open(path: &Path, live: bool) -> Result<Self, ReadError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
        Ok(Self {
            dir,
            path: path.to_owned(),
            live,
        })
    }

    /// Whether this is the running machine itself.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.live
    }

    /// The directory that paths are relative to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a whole file into `into`, which is emptied first and keeps its capacity.
    ///
    /// # Errors
    /// When the file cannot be read; a file longer than 8 MiB is cut there.
    pub fn read(&self, path: &str, into: &mut Vec<u8>) -> Result<(), ReadError> {
        into.clear();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = rustix::fs::openat(&self.dir, path, flags, Mode::empty())?;
        loop {
            if into.capacity() == into.len() {
                if into.len() >= FILE_BYTES_MAX {
                    return Ok(());
                }
                into.reserve(into.len().max(4096));
            }
            match rustix::io::read(&file, rustix::buffer::spare_capacity(into)) {
                Ok(0) => return Ok(()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// As [`Root::read`], with a path built on the stack: `root.readf(&mut b, format_args!(…))`.
    ///
    /// # Errors
    /// As [`Root::read`]; a path that is too long is not available.
    pub fn readf(&self, into: &mut Vec<u8>, path: fmt::Arguments<'_>) -> Result<(), ReadError> {
        let mut on_stack = StackPath::new();
        on_stack
            .write_fmt(path)
            .map_err(|_| ReadError::NotAvailable)?;
        self.read(on_stack.as_str(), into)
    }

    /// Where a symbolic link points, as text.
    ///
    /// # Errors
    /// When it is no link or may not be read.
    pub fn link(&self, path: fmt::Arguments<'_>) -> Result<String, ReadError> {
        let mut on_stack = StackPath::new();
        on_stack
            .write_fmt(path)
            .map_err(|_| ReadError::NotAvailable)?;
        let target = rustix::fs::readlinkat(&self.dir, on_stack.as_str(), Vec::new())?;
        Ok(target.to_string_lossy().into_owned())
    }

    /// The user that owns a file, e.g. the user of `proc/42`.
    ///
    /// # Errors
    /// When it does not exist or may not be asked for.
    pub fn owner(&self, path: fmt::Arguments<'_>) -> Result<u32, ReadError> {
        let mut on_stack = StackPath::new();
        on_stack
            .write_fmt(path)
            .map_err(|_| ReadError::NotAvailable)?;
        Ok(rustix::fs::statat(&self.dir, on_stack.as_str(), AtFlags::empty())?.st_uid)
    }

    /// The inode number of a path: changes when a folder is made anew.
    ///
    /// # Errors
    /// When it does not exist or may not be asked for.
    pub fn inode(&self, path: fmt::Arguments<'_>) -> Result<u64, ReadError> {
        let mut on_stack = StackPath::new();
        on_stack
            .write_fmt(path)
            .map_err(|_| ReadError::NotAvailable)?;
        Ok(rustix::fs::statat(&self.dir, on_stack.as_str(), AtFlags::empty())?.st_ino)
    }

    /// Whether a path exists below the root.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        rustix::fs::statat(&self.dir, path, AtFlags::empty()).is_ok()
    }

    /// Calls `each` with every name in a directory, in the order the kernel gives.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self, path: &str, each: &mut dyn FnMut(&str)) -> Result<(), ReadError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(&self.dir, path, flags, Mode::empty())?;
        let mut buffer = [std::mem::MaybeUninit::<u8>::uninit(); 8192];
        let mut entries = rustix::fs::RawDir::new(dir.as_fd(), &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => each(name),
            }
        }
        Ok(())
    }
}

/// A path on the stack.
struct StackPath {
    bytes: [u8; PATH_BYTES_MAX],
    len: usize,
}

impl StackPath {
    const fn new() -> Self {
        Self {
            bytes: [0; PATH_BYTES_MAX],
            len: 0,
        }
    }

    fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Write for StackPath {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_whole_and_absence_is_told_apart() {
        let root = Root::live().unwrap();
        let mut bytes = Vec::new();
        root.read("proc/self/stat", &mut bytes).unwrap();
        assert!(!bytes.is_empty());
        assert_eq!(
            root.read("proc/none", &mut bytes),
            Err(ReadError::NotAvailable)
        );
        assert!(bytes.is_empty());
        let mut names = Vec::new();
        root.list("proc/self", &mut |name| names.push(name.to_owned()))
            .unwrap();
        assert!(names.iter().any(|name| name == "status"));
        let long = "x".repeat(600);
        let error = root.readf(&mut bytes, format_args!("proc/{long}"));
        assert_eq!(error, Err(ReadError::NotAvailable));
    }
}
