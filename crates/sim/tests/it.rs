//! Seeds, fixed and fresh, keep every promise; every sabotage breaks the promise it is aimed at.

#![expect(clippy::panic, reason = "a fault that nobody notices fails its test")]

use std::collections::BTreeSet;

use sim::{Config, Invariant, Report, Sabotage, run};

/// Seeds of one test; four tests run beside each other.
const SEEDS_PER_TEST: u64 = 5;
/// Fresh seeds of every run.
const FRESH_SEEDS: u64 = 3;
/// Seeds tried until a sabotage is noticed: not every fate gives it an occasion.
const SABOTAGE_SEEDS: u64 = 6;

fn keep_all_promises(seeds: impl IntoIterator<Item = u64>) {
    let mut broken = Vec::new();
    for seed in seeds {
        let report = run(seed, Config::default());
        println!("seed {seed}: {:?}", report.tally);
        if !report.violations.is_empty() {
            broken.push(report.to_string());
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn fixed(group: u64) -> impl Iterator<Item = u64> {
    let first = 1 + group * SEEDS_PER_TEST;
    first..first + SEEDS_PER_TEST
}

#[test]
fn fixed_seeds_keep_every_promise_first() {
    keep_all_promises(fixed(0));
}

#[test]
fn fixed_seeds_keep_every_promise_second() {
    keep_all_promises(fixed(1));
}

#[test]
fn fixed_seeds_keep_every_promise_third() {
    keep_all_promises(fixed(2));
}

#[test]
fn fixed_seeds_keep_every_promise_fourth() {
    keep_all_promises(fixed(3));
}

#[test]
fn fresh_seeds_keep_every_promise() {
    let entropy = stdx::Env::system().entropy;
    let seeds: Vec<u64> = (0..FRESH_SEEDS)
        .map(|_| entropy.next_u64() % 1_000_000_000)
        .collect();
    println!("fresh seeds: {seeds:?}");
    keep_all_promises(seeds);
}

#[test]
fn a_seed_meets_the_same_fate_again() {
    let config = Config {
        steps: 120,
        ..Config::default()
    };
    let (first, second) = (run(77, config.clone()), run(77, config));
    assert_eq!(first.tally, second.tally);
    assert!(
        first.tally.kills > 0 && first.tally.problems > 0,
        "{:?}",
        first.tally
    );
}

/// What a sabotage breaks, over some seeds.
fn noticed(sabotage: Sabotage, expected: &[Invariant]) {
    let mut seen = BTreeSet::new();
    let mut last: Option<Report> = None;
    for seed in 1..=SABOTAGE_SEEDS {
        let config = Config {
            sabotage: Some(sabotage),
            ..Config::default()
        };
        let report = run(seed, config);
        seen.extend(report.violations.iter().map(|one| one.invariant));
        if expected.iter().any(|one| seen.contains(one)) {
            return;
        }
        last = Some(report);
    }
    let last = last.map(|report| report.to_string()).unwrap_or_default();
    panic!("{sabotage:?} should break {expected:?}, it broke {seen:?}\n{last}");
}

#[test]
fn lost_and_unpaired_notices_are_noticed() {
    noticed(Sabotage::LoseDispatch, &[Invariant::Ledger]);
    noticed(
        Sabotage::DropRecovery,
        &[Invariant::Told, Invariant::Paired],
    );
    noticed(Sabotage::EraseLedger, &[Invariant::Ledger]);
}

#[test]
fn forgotten_covers_are_noticed() {
    noticed(Sabotage::ForgetMaintenance, &[Invariant::Covered]);
    noticed(Sabotage::ForgetOwed, &[Invariant::Covered]);
}

#[test]
fn repeats_and_wrong_order_are_noticed() {
    noticed(Sabotage::DoubleSend, &[Invariant::Bounded]);
    noticed(Sabotage::RecoveryFirst, &[Invariant::Bounded]);
}

#[test]
fn second_problems_and_restarts_that_change_something_are_noticed() {
    noticed(Sabotage::SecondProblem, &[Invariant::OneOpen]);
    noticed(Sabotage::ForgetState, &[Invariant::Restart]);
    noticed(Sabotage::ResolveAtRestart, &[Invariant::Restart]);
}

#[test]
fn unwatched_silence_and_judged_backlogs_are_noticed() {
    noticed(Sabotage::IgnoreSilence, &[Invariant::Silence]);
    noticed(Sabotage::JudgeBacklog, &[Invariant::Silence]);
}

#[test]
fn stale_boards_and_unjudged_samples_are_noticed() {
    noticed(Sabotage::StaleBoard, &[Invariant::Board]);
    noticed(Sabotage::SkipSamples, &[Invariant::Judged]);
}
