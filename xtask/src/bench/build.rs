//! How long a newcomer waits: the release build of server and agent into an empty folder.

use super::Context;
use super::agents::AGENT_MIB_MAX;
use super::row::Row;
use super::stats::median;
use crate::shell::run as run_command;
use anyhow::Result;
use std::fs;

const MINUTES_MAX: f64 = 12.0;

/// The build's time, and the size of each program.
pub(super) fn run(context: &Context) -> Result<Vec<Row>> {
    let (shell, options) = (context.shell, context.options);
    let folder = shell.root.join("target/bench/cold");
    let is_ours = options.package.is_empty();
    let packages: Vec<String> = match is_ours {
        true => ["bongsu", "agent"].map(str::to_owned).to_vec(),
        false => options.package.clone(),
    };
    // One cold build of everything takes long enough; small packages are repeated.
    let runs = if is_ours { 1 } else { options.runs.max(1) };
    let mut minutes = Vec::new();
    for _ in 0..runs {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let mut command = shell.cargo(["build", "--release"]);
        command
            .env("CARGO_TARGET_DIR", &folder)
            .env("CARGO_INCREMENTAL", "0");
        command.args(packages.iter().flat_map(|package| ["--package", package]));
        let before_s = shell.elapsed_s();
        run_command(&mut command)?;
        minutes.push((shell.elapsed_s() - before_s) / 60.0);
    }
    let mut time = Row::less(
        &format!("cold release build of {}", packages.join(" and ")),
        "min",
    );
    time.ours = median(&minutes);
    time.target = is_ours.then_some(MINUTES_MAX);
    let mut rows = vec![time];
    for (program, target) in [("bongsu", None), ("bongsu-agent", Some(AGENT_MIB_MAX))] {
        if let Ok(meta) = fs::metadata(folder.join("release").join(program)) {
            let mut size = Row::less(&format!("size of {program}"), "MiB");
            size.ours = Some(meta.len() as f64 / f64::from(1024 * 1024));
            size.target = target;
            rows.push(size);
        }
    }
    fs::remove_dir_all(&folder)?;
    Ok(rows)
}
