//! Debian packages: installed when we may, or unpacked into a folder without touching the machine.

use crate::shell::{Shell, find_program, run, shown, succeeds};
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::Command;

/// What to put before a command to be root: nothing, or `sudo -n`; none when we may not.
pub(crate) fn root_prefix() -> Option<&'static [&'static str]> {
    find_program("apt-get")?;
    let id = Command::new("id").arg("-u").output().ok()?;
    if id.stdout.starts_with(b"0\n") {
        return Some(&[]);
    }
    let is_sudoer = succeeds(Command::new("sudo").args(["-n", "true"]));
    is_sudoer.then_some(&["sudo", "-n"])
}

/// Installs packages without asking; `false` when apt could not.
pub(crate) fn install(shell: &Shell, prefix: &[&str], names: &[&str]) -> bool {
    // An old package list still installs what has not moved since.
    let _ = apt(shell, prefix, &["update", "-q"]);
    let options = ["install", "-q", "-y", "--no-install-recommends"];
    apt(shell, prefix, &[&options[..], names].concat())
}

fn apt(shell: &Shell, prefix: &[&str], args: &[&str]) -> bool {
    let apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    let words = [prefix, &apt[..], args].concat();
    let mut command = shell.command(words.first().unwrap_or(&"apt-get"));
    command.args(words.iter().skip(1));
    println!("  {}", shown(&command));
    command.status().is_ok_and(|status| status.success())
}

/// Downloads packages with what they need and unpacks them below `folder`; nothing is installed,
/// so that no service starts beside the one that is measured.
pub(crate) fn unpack(shell: &Shell, names: &[&str], folder: &Path) -> Result<()> {
    let archives = folder.join("archives");
    std::fs::create_dir_all(archives.join("partial"))?;
    if let Some(prefix) = root_prefix() {
        let _ = apt(shell, prefix, &["update", "-q"]);
    }
    let cache = format!("Dir::Cache::archives={}/", archives.display());
    let mut download = shell.command("apt-get");
    download.args([
        "install",
        "-q",
        "-y",
        "--no-install-recommends",
        "--download-only",
    ]);
    // Packages that are installed are downloaded too, or there would be nothing to unpack.
    download
        .args(["--reinstall", "-o", "Debug::NoLocking=1", "-o", &cache])
        .args(names);
    run(&mut download).context("peers come from Debian's packages")?;
    let mut count = 0;
    for entry in std::fs::read_dir(&archives)? {
        let archive = entry?.path();
        if archive
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            run(shell
                .command("dpkg-deb")
                .arg("-x")
                .arg(&archive)
                .arg(folder))?;
            count += 1;
        }
    }
    ensure!(count > 0, "apt downloaded nothing for {}", names.join(", "));
    Ok(())
}
