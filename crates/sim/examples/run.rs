//! Runs one simulation and says everything that happens: `--seed N --steps M [--sabotage NAME]`.

use std::process::ExitCode;

use sim::{Config, Sabotage, run};

fn main() -> ExitCode {
    let (mut seed, mut config) = (
        1,
        Config {
            verbose: true,
            ..Config::default()
        },
    );
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_default();
        match word.as_str() {
            "--seed" => seed = value.parse().unwrap_or(seed),
            "--steps" => config.steps = value.parse().unwrap_or(config.steps),
            "--hosts" => config.hosts = value.parse().unwrap_or(config.hosts),
            "--verbose" => config.verbose = value != "no",
            "--sabotage" => {
                config.sabotage = Sabotage::ALL
                    .into_iter()
                    .find(|one| format!("{one:?}") == value);
            }
            other => {
                eprintln!("unknown word `{other}`: use --seed, --steps, --hosts, --sabotage");
                return ExitCode::FAILURE;
            }
        }
    }
    let report = run(seed, config);
    println!("{report}");
    if report.violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
