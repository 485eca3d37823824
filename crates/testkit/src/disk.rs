//! A small disk of one's own: a tmpfs in a private mount namespace, for tests that fill it.

use std::path::Path;
use std::process::Command;

use crate::TempDir;

/// Tells the second run of the test where its disk is.
const INSIDE: &str = "BONGSU_TEST_SMALL_DISK";

/// Runs `test` with the folder of a file system of `mib` MiB that nothing else uses. The test is
/// started a second time, by its name, in a mount namespace; the first run only waits for it.
///
/// # Panics
/// When the second run fails.
pub fn on_small_disk(mib: u32, test: impl FnOnce(&Path)) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return test(Path::new(&folder));
    }
    let name = std::thread::current()
        .name()
        .expect("a test thread has a name")
        .to_owned();
    let program = std::env::current_exe().expect("this program");
    let folder = TempDir::new();
    let script = format!("mount -t tmpfs -o size={mib}m tmpfs \"$1\" && shift && exec \"$@\"");
    let output = Command::new("unshare")
        .args(["-Urm", "sh", "-c", &script, "sh"])
        .arg(folder.path())
        .arg(program)
        .args([&name, "--exact", "--nocapture"])
        .env(INSIDE, folder.path())
        .output()
        .expect("unshare, of the package util-linux");
    let told = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    let ran = output.status.success() && told.contains("1 passed");
    assert!(ran, "{name} on a small disk:\n{told}\n{error}");
}
