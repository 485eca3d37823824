//! `cargo xtask test`: every check of the project in turn, timed, with one sum at the end.

mod packages;
mod steps;
mod tally;

use crate::shell::{Shell, is_ci};
use anyhow::Result;
use steps::{Outcome, Step};
use tally::Tally;

/// What to test.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run only the tests whose name contains this, without the checks of form.
    filter: Option<String>,
    /// Name what is missing on this machine, but install nothing.
    #[arg(long)]
    no_install: bool,
}

/// Runs everything; the last line is `N passed, N failed, N skipped`. `true` when nothing failed.
pub(crate) fn run(shell: &Shell, options: &Options) -> bool {
    let mut tally = Tally::default();
    let filter = options.filter.as_deref();
    packages::provide(shell, options.no_install);
    for step in steps::chosen(filter.is_some()) {
        let before_s = shell.elapsed_s();
        println!("\n== {}", step.title());
        let outcome = step.run(shell, filter, &mut tally);
        let took_s = shell.elapsed_s() - before_s;
        println!("== {}: {} in {took_s:.1} s", step.title(), told(&outcome));
        if let Err(error) = &outcome {
            println!("{error:#}");
            tally.failed_steps.push(step.title());
            if *step == Step::Build {
                break;
            }
        }
    }
    finish(shell, tally)
}

fn told(outcome: &Result<Outcome>) -> String {
    match outcome {
        Ok(Outcome::Passed) => "passed".to_owned(),
        Ok(Outcome::Absent(what)) => format!("not run, {what}"),
        Err(_) => "FAILED".to_owned(),
    }
}

/// Prints the sum; in CI a skipped test has failed.
fn finish(shell: &Shell, mut tally: Tally) -> bool {
    println!("\n== Everything in {:.0} s", shell.elapsed_s());
    if is_ci() {
        tally.refuse_skips();
    }
    for skip in &tally.skipped {
        println!("skipped: {} (missing: {})", skip.test, skip.missing);
    }
    for name in &tally.flaky {
        println!("flaky: {name} (it failed first; look at its output above)");
    }
    for name in &tally.failed {
        println!("failed: {name}");
    }
    for step in &tally.failed_steps {
        println!("failed: the step “{step}”");
    }
    println!("{}", tally.sum());
    tally.failures() == 0
}
