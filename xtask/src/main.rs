//! The project's own tasks: test, tidy, bench, new, dist, screenshots.

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
    /// Runs every test and check; the last line is their sum.
    Test(suite::Options),
    /// Checks the house rules and the architecture.
    Tidy(tidy::Options),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let shell = Shell::new()?;
    match Task::parse() {
        Task::Test(options) => suite::run(&shell, &options),
        Task::Tidy(options) => tidy::run(&shell.root, &options),
    }
}
