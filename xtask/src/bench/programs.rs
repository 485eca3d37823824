//! The programs that rows drive: built once for release, or taken as they lie.

use super::Context;
use crate::shell::run;
use anyhow::{Result, ensure};
use std::path::PathBuf;

/// The program `name` of the product, built if need be.
pub(super) fn path(context: &Context, name: &str) -> Result<PathBuf> {
    let profile = if context.options.dev {
        "debug"
    } else {
        "release"
    };
    if !context.options.no_build && !context.is_built.replace(true) {
        let mut command = context.shell.cargo(["build"]);
        if !context.options.dev {
            command.arg("--release");
        }
        command.args(["--package", "bongsu", "--package", "agent"]);
        command.args(["--bins", "--example", "swarm"]);
        run(&mut command)?;
    }
    let folder = context.shell.target.join(profile);
    let is_example = name == "swarm";
    let folder = if is_example {
        folder.join("examples")
    } else {
        folder
    };
    let program = folder.join(name);
    ensure!(program.is_file(), "{} is not there", program.display());
    Ok(program)
}

/// A folder for one server's data, emptied.
pub(super) fn folder(context: &Context, name: &str) -> Result<PathBuf> {
    let folder = context.shell.root.join("target/bench/run").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
