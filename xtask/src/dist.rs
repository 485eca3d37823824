//! `cargo xtask dist`: the programs as users get them, in `target/dist`.

use crate::shell::{Shell, read, run};
use crate::source::Workspace;
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};

/// Which programs to build.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only the static agent.
    #[arg(long)]
    agent_only: bool,
}

/// Builds the server, and the agent without any library of the machine it will run on.
pub(crate) fn build(shell: &Shell, options: &Options) -> Result<()> {
    let folder = shell.root.join("target/dist");
    std::fs::create_dir_all(&folder)?;
    let release = release_folder(shell)?;
    if !options.agent_only {
        run(&mut shell.cargo([
            "build",
            "--release",
            "--package",
            "bongsu",
            "--bin",
            "bongsu",
        ]))?;
        put(&release.join("bongsu"), &folder.join("bongsu"))?;
    }
    // Flags behind `--` reach the agent alone: the server, which loads name-service modules of its
    // machine, stays dynamic, and no library is built a second time.
    let mut agent = shell.cargo([
        "rustc",
        "--release",
        "--package",
        "agent",
        "--bin",
        "bongsu-agent",
    ]);
    agent.args(["--", "-C", "target-feature=+crt-static"]);
    run(&mut agent)?;
    let program = folder.join("bongsu-agent");
    put(&release.join("bongsu-agent"), &program)?;
    let interpreter = interpreter(&std::fs::read(&program)?)?;
    ensure!(
        interpreter.is_none(),
        "bongsu-agent is not static: it asks for {interpreter:?}"
    );
    println!(
        "bongsu-agent is static: {}",
        read(shell.command(&program).arg("--version"))?.trim()
    );
    Ok(())
}

fn release_folder(shell: &Shell) -> Result<PathBuf> {
    let workspace = Workspace::read(&shell.root)?;
    Ok(Path::new(&workspace.target_folder).join("release"))
}

fn put(from: &Path, to: &Path) -> Result<()> {
    // A running program cannot be written to, but it can be replaced.
    let _ = std::fs::remove_file(to);
    std::fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    let size_kib = std::fs::metadata(to)?.len() / 1024;
    println!(
        "target/dist/{}: {size_kib} KiB",
        to.file_name().unwrap_or_default().to_string_lossy()
    );
    Ok(())
}

/// The dynamic loader that a 64-bit little-endian ELF program asks for (its `PT_INTERP`); a static
/// program has none.
fn interpreter(elf: &[u8]) -> Result<Option<String>> {
    const PT_INTERP: u64 = 3;
    ensure!(
        elf.starts_with(b"\x7fELF\x02\x01"),
        "not a 64-bit little-endian ELF program"
    );
    let number = |at: usize, bytes: usize| -> Result<usize> {
        let field = elf.get(at..at + bytes).context("the program is cut off")?;
        let wide = field
            .iter()
            .rev()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        Ok(usize::try_from(wide)?)
    };
    let (table, entry, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for index in 0..count {
        let header = table + index * entry;
        if number(header, 4)? as u64 == PT_INTERP {
            let (start, length) = (number(header + 8, 8)?, number(header + 32, 8)?);
            let name = elf
                .get(start..start + length)
                .context("the program is cut off")?;
            let name = String::from_utf8_lossy(name);
            return Ok(Some(name.trim_end_matches('\0').to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_program_names_its_loader() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(interpreter(&own).unwrap().unwrap().contains("ld-"));
        assert!(interpreter(b"#!/bin/sh\n").is_err());
        assert!(interpreter(&own[..60]).is_err());
    }

    #[test]
    fn a_program_without_a_loader_is_static() {
        let mut elf = vec![0_u8; 64];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[54] = 56;
        assert_eq!(interpreter(&elf).unwrap(), None);
    }
}
