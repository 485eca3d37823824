//! What to run and within which bounds.

use std::path::PathBuf;

use model::limits;

use crate::user::User;

/// A program with everything it is given; it gets nothing else from this process.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Spec {
    /// The program's path; no search along `PATH`.
    pub program: PathBuf,
    /// Its arguments, without its name.
    pub arguments: Vec<String>,
    /// Variables beside the bare ones (`PATH`, `LANG`, `HOME`, `USER`, `LOGNAME`, `SHELL`).
    pub environment: Vec<(String, String)>,
    /// The working directory.
    pub directory: PathBuf,
    /// As whom it runs; as this process when not given. Changing user needs root.
    pub user: Option<User>,
    /// Its bounds.
    pub limits: Limits,
    /// What becomes of processes that it leaves behind.
    pub leftovers: Leftovers,
    /// How its descendants are held together.
    pub containment: Containment,
    /// Whether set-user-id programs lose their effect below it; `check_icmp` and others need it.
    pub no_new_privileges: bool,
}

impl Spec {
    /// A program with the default bounds, the root directory and a bare environment.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: PathBuf::from("/"),
            user: None,
            limits: Limits::default(),
            leftovers: Leftovers::Kill,
            containment: Containment::Auto,
            no_new_privileges: false,
        }
    }

    /// The same with these arguments.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }
}

/// The bounds of one run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// After this it is asked to end (SIGTERM), in milliseconds.
    pub time_ms: u64,
    /// After this much more it is killed (SIGKILL), in milliseconds.
    pub grace_ms: u64,
    /// Bytes of output kept: the first and the last halves.
    pub output_bytes: usize,
    /// Bytes of address space of each of its processes.
    pub memory_bytes: Option<u64>,
    /// Seconds of processor time of each of its processes.
    pub cpu_s: Option<u64>,
    /// Files that each of its processes may have open.
    pub files: u64,
    /// Bytes of the largest file that it may write.
    pub file_bytes: Option<u64>,
    /// Processes and threads: of the run where there is a pids cgroup, else of its user (not root).
    pub processes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time_ms: 60_000,
            grace_ms: 5_000,
            output_bytes: limits::RUN_OUTPUT_BYTES_MAX,
            memory_bytes: None,
            cpu_s: None,
            files: 1_024,
            file_bytes: None,
            processes: None,
        }
    }
}

/// What becomes of processes that are left when the program itself has ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Leftovers {
    /// They are killed.
    #[default]
    Kill,
    /// They live on: a script that starts a daemon. They are killed at the time limit all the same.
    Keep,
}

/// How the descendants of a run are held together so that all of them can be killed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Containment {
    /// A cgroup where one can be made, else as subreaper.
    #[default]
    Auto,
    /// A cgroup (version 2) of its own: nothing without root escapes it.
    Cgroup,
    /// Orphans come back to this process, and are known by session, parent and a mark.
    Subreaper,
}
