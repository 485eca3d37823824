//! Programs under guard, against the shells and the kernel of this machine; needs root.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops; helpers of tests are tests too"
)]

mod orders;
mod programs;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A folder of one test alone, owned by root and closed to others.
fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("bongsu-exec-it-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// Waits until something holds; a test that waits for longer than a minute has failed.
#[expect(
    clippy::disallowed_methods,
    reason = "a test waits for other processes in real time"
)]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{what} did not happen"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The living processes `sleep mark`.
fn alive(mark: &str) -> Vec<u32> {
    let wanted = format!("sleep\0{mark}\0");
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok());
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        found.extend(pid.filter(|_| line == wanted.as_bytes()));
    }
    found
}

/// The same, once there is one: a daemon has its own command line only after its `exec`, which may
/// come after its script's end. Empty after ten seconds.
fn alive_at_last(mark: &str) -> Vec<u32> {
    for _ in 0..1_000 {
        let found = alive(mark);
        if !found.is_empty() {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Vec::new()
}
