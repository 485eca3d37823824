//! The project's own tasks: test, tidy, bench, new, dist, screenshots.

mod apt;
mod bench;
mod dist;
mod http;
mod process;
mod scaffold;
mod screenshots;
mod shell;
mod source;
mod suite;
mod tidy;

use anyhow::Result;
use clap::Parser;
use shell::Shell;
use std::process::ExitCode;

/// Tasks of the project, run as `cargo xtask <task>`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Measures ours beside the peers; one table with targets.
    Bench(bench::Options),
    /// Builds the programs as users get them into target/dist.
    Dist(dist::Options),
    /// Makes a collector, channel or endpoint that compiles and passes its tests.
    #[command(subcommand)]
    New(scaffold::Kind),
    /// Takes pages in both languages, two widths, light and dark into target/screenshots.
    Screenshots(screenshots::Options),
    /// Runs every test and check; the last line is their sum.
    Test(suite::Options),
    /// Checks the house rules and the architecture.
    Tidy(tidy::Options),
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the task; `false` when it already said what failed.
fn run() -> Result<bool> {
    let shell = Shell::new()?;
    match Task::parse() {
        Task::Bench(options) => bench::run(&shell, &options)?,
        Task::Dist(options) => dist::build(&shell, &options)?,
        Task::New(kind) => scaffold::make(&shell, &kind)?,
        Task::Screenshots(options) => screenshots::take(&shell, &options)?,
        Task::Test(options) => return Ok(suite::run(&shell, &options)),
        Task::Tidy(options) => tidy::run(&shell.root, &options)?,
    }
    Ok(true)
}
