//! The runner: a second process beside the agent, the only one that may change user.
//!
//! It believes nobody but a signature. The agent hands it signed orders over a unix socket; it
//! verifies signature, expiry, agent and sequence itself, obeys the allow-list of the host, runs
//! the program as the listed user and answers with output and a report.

mod client;
mod protocol;
mod serve;

pub use client::{Answer, Canceller, Client, ClientError};
pub use protocol::Event;
pub use serve::{RUNS_MAX, Runner, ServeError};

/// A folder of this test alone, owned by root and closed to others.
#[cfg(test)]
pub(crate) fn scratch(name: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let dir = std::env::temp_dir().join(format!("bongsu-exec-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}
