//! The repository's folders and the programs that tasks run in them.

use anyhow::{Context as _, Result, ensure};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use stdx::{Clock as _, SystemClock};

/// Where a task works.
#[derive(Debug)]
pub(crate) struct Shell {
    /// The repository.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
    clock: SystemClock,
}

impl Shell {
    /// The shell of the repository that this xtask was started in.
    pub(crate) fn new() -> Result<Self> {
        // Cargo names xtask's own folder; a copied binary is run from the repository's root.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let root = manifest
            .as_deref()
            .and_then(Path::parent)
            .map(Path::to_path_buf);
        let root = match root {
            Some(root) => root,
            None => std::env::current_dir()?,
        };
        ensure!(
            root.join("Cargo.toml").is_file(),
            "run this through `cargo xtask`"
        );
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
        Ok(Self {
            target: root.join(target),
            root,
            clock: SystemClock::new(),
        })
    }

    /// The clock, for what runs beside the task.
    pub(crate) const fn clock(&self) -> SystemClock {
        self.clock
    }

    /// Seconds since this task began.
    pub(crate) fn elapsed_s(&self) -> f64 {
        self.clock.mono_ns() as f64 / 1e9
    }

    /// The wall clock, in UTC milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// A command in the repository.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// A cargo command in the repository, without what the outer cargo told xtask about itself.
    pub(crate) fn cargo<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.command("cargo");
        for (name, _) in std::env::vars_os() {
            let is_own = name.to_str().is_some_and(|name| {
                name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
            });
            if is_own {
                command.env_remove(name);
            }
        }
        if is_ci() {
            // What is thrown away after one run need not be prepared for a second.
            command.env("CARGO_INCREMENTAL", "0");
        }
        command.args(args);
        command
    }
}

/// Whether this run is the project's gate rather than somebody's machine.
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1")
}

/// Shows a command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .to_string_lossy()
        .into_owned();
    let args = command
        .get_args()
        .map(|arg| arg.to_string_lossy().into_owned());
    [program]
        .into_iter()
        .chain(args)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command with its output on ours; an exit code other than 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let said = shown(command);
    let status = command
        .status()
        .with_context(|| format!("cannot run `{said}`"))?;
    ensure!(status.success(), "`{said}` failed: {status}");
    Ok(())
}

/// Runs a command and returns what it printed; an exit code other than 0 is an error.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let said = shown(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run `{said}`"))?;
    ensure!(
        output.status.success(),
        "`{said}` failed: {}",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a command can be run and succeeds; its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// The full path of a program on `PATH`, or in the folders that only root's `PATH` has.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}
