//! The steps of a test run, from the cheapest to the dearest.

use super::tally::Tally;
use crate::shell::{Shell, run, succeeds};
use crate::{source::Workspace, tidy};
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `cargo fmt --check`.
    Format,
    /// The house rules.
    Tidy,
    /// `cargo deny`, where it is installed.
    Deny,
    /// `cargo clippy -D warnings`.
    Lint,
    /// Tests and the programs that scenarios start, in one build.
    Build,
    /// Unit, contract and scenario tests.
    Test,
    /// The examples in documentation.
    Documentation,
}

/// How a step that did not fail ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It ran.
    Passed,
    /// Its tool is not on this machine.
    Absent(&'static str),
}

/// The steps of a whole run, or of one that looks for a few tests only.
pub(super) fn chosen(is_filtered: bool) -> &'static [Step] {
    let all = &[
        Step::Format,
        Step::Tidy,
        Step::Deny,
        Step::Lint,
        Step::Build,
        Step::Test,
        Step::Documentation,
    ];
    if is_filtered {
        &[Step::Build, Step::Test]
    } else {
        all
    }
}

impl Step {
    /// Its name in the run's output.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Format => "Formatting",
            Self::Tidy => "House rules",
            Self::Deny => "Bans, licences and sources",
            Self::Lint => "Lints",
            Self::Build => "Build of tests and programs",
            Self::Test => "Tests",
            Self::Documentation => "Examples in documentation",
        }
    }

    /// Runs it.
    pub(super) fn run(
        self,
        shell: &Shell,
        filter: Option<&str>,
        tally: &mut Tally,
    ) -> Result<Outcome> {
        match self {
            Self::Format => {
                component(shell, "fmt", "rustfmt")?;
                run(&mut shell.cargo(["fmt", "--all", "--check"]))?;
            }
            Self::Tidy => tidy::run(&shell.root, &tidy::Options::default())?,
            Self::Deny => {
                if !succeeds(&mut shell.cargo(["deny", "--version"])) {
                    return Ok(Outcome::Absent(
                        "cargo-deny is not installed; the house rules check the lists",
                    ));
                }
                // Advisories need the network; they are looked at when a release is made.
                run(&mut shell.cargo(["deny", "check", "bans", "licenses", "sources"]))?;
            }
            Self::Lint => {
                component(shell, "clippy", "clippy")?;
                let lint = [
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--",
                    "-D",
                    "warnings",
                ];
                run(&mut shell.cargo(lint))?;
            }
            Self::Build => run(&mut shell.cargo(["build", "--workspace", "--bins", "--tests"]))?,
            Self::Test => test(shell, filter, tally)?,
            Self::Documentation => documentation(shell, tally)?,
        }
        Ok(Outcome::Passed)
    }
}

/// Makes sure that cargo has a part which minimal installations leave out.
fn component(shell: &Shell, command: &str, name: &str) -> Result<()> {
    if succeeds(&mut shell.cargo([command, "--version"])) {
        return Ok(());
    }
    let added = run(shell.command("rustup").args(["component", "add", name]));
    added.with_context(|| format!("cargo {command} is missing: rustup component add {name}"))
}

fn test(shell: &Shell, filter: Option<&str>, tally: &mut Tally) -> Result<()> {
    let has_nextest = succeeds(&mut shell.cargo(["nextest", "--version"]));
    let mut command = if has_nextest {
        let mut nextest = shell.cargo(["nextest", "run", "--workspace", "--no-tests=pass"]);
        nextest.args(filter);
        nextest
    } else {
        println!("cargo-nextest is not installed: cargo test instead, slower to say what failed");
        let mut libtest =
            shell.cargo(["test", "--workspace", "--bins", "--tests", "--no-fail-fast"]);
        libtest.args(filter).args(["--", "--show-output"]);
        libtest
    };
    programs(shell, &mut command)?;
    if !has_nextest {
        return counted(&mut command, tally);
    }
    let report = shell.root.join("target/nextest/default/junit.xml");
    // A report left by an earlier run must not be counted for this one.
    let _ = std::fs::remove_file(&report);
    let known = tally.failed.len();
    let result = run(&mut command);
    match std::fs::read_to_string(&report) {
        Ok(xml) => tally.add_junit(&xml),
        Err(error) => bail!("cargo-nextest left no report: {error}"),
    }
    // Failed tests are told one by one; only a run that failed otherwise is a failed step.
    if tally.failed.len() > known {
        Ok(())
    } else {
        result
    }
}

fn documentation(shell: &Shell, tally: &mut Tally) -> Result<()> {
    let mut command = shell.cargo(["test", "--workspace", "--doc", "--no-fail-fast"]);
    command.args(["--", "--show-output"]);
    programs(shell, &mut command)?;
    counted(&mut command, tally)
}

/// Hands the built programs to the tests that start them.
fn programs(shell: &Shell, command: &mut Command) -> Result<()> {
    let workspace = Workspace::read(&shell.root)?;
    for (variable, program) in [
        ("BONGSU_BIN", "bongsu"),
        ("BONGSU_AGENT_BIN", "bongsu-agent"),
    ] {
        let mut targets = workspace
            .packages
            .iter()
            .flat_map(|package| &package.targets);
        if targets.any(|target| target.kind == "bin" && target.name == program) {
            command.env(variable, shell.target.join("debug").join(program));
        }
    }
    Ok(())
}

/// Runs `cargo test`, shows its output as it comes and counts what it says.
fn counted(command: &mut Command, tally: &mut Tally) -> Result<()> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo test")?;
    let mut output = String::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            println!("{line}");
            output.push_str(&line);
            output.push('\n');
        }
    }
    let known = tally.failed.len();
    let is_complete = tally.add_libtest(&output);
    let status = child.wait()?;
    if status.success() || (is_complete && tally.failed.len() > known) {
        return Ok(());
    }
    bail!("cargo test failed: {status}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_leaves_the_checks_of_form_out() {
        assert_eq!(chosen(true), [Step::Build, Step::Test]);
        assert_eq!(chosen(false).first(), Some(&Step::Format));
    }
}
