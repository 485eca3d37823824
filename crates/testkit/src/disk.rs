//! A small disk, or a small machine, of one's own: namespaces for tests that fill and unplug.

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
    again_inside(mib, &["-Urm"], "", test);
}

/// The same on a machine of its own: besides the small disk it has its own processes, and a network
/// with nothing but `lo` and the pair `nic0`, `nic1`. What an agent there sees, it has.
///
/// # Panics
/// When the second run fails.
pub fn on_small_machine(mib: u32, test: impl FnOnce(&Path)) {
    let namespaces = ["-Urmnpf", "--mount-proc", "--kill-child"];
    let network = "mount -t sysfs sysfs /sys && ip link set lo up && \
                   ip link add nic0 type veth peer name nic1 && \
                   ip link set nic0 up && ip link set nic1 up && ";
    again_inside(mib, &namespaces, network, test);
}

fn again_inside(mib: u32, namespaces: &[&str], before: &str, test: impl FnOnce(&Path)) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return test(Path::new(&folder));
    }
    let name = std::thread::current()
        .name()
        .expect("a test thread has a name")
        .to_owned();
    let program = std::env::current_exe().expect("this program");
    let folder = TempDir::new();
    let script =
        format!("{before}mount -t tmpfs -o size={mib}m tmpfs \"$1\" && shift && exec \"$@\"");
    let output = Command::new("unshare")
        .args(namespaces)
        .args(["sh", "-c", &script, "sh"])
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
