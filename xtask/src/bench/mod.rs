//! `cargo xtask bench`: ours beside the peers on the same machine, in one table.
//!
//! A bench is a name and a function that returns rows. What needs product code is a program of the
//! crate it measures and prints its rows as JSON lines ([`program`]); what needs the outside of a
//! process is measured here, on the programs as users get them ([`programs`]).

mod agents;
mod board;
mod build;
mod crossing;
mod death;
mod hook;
mod load;
mod machine;
mod own_agent;
mod peers;
mod program;
mod programs;
mod prometheus;
mod restart;
mod row;
mod server;
mod stats;
mod storm;
mod swarm;

use crate::shell::Shell;
use anyhow::{Result, bail};
use machine::Machine;
use row::{Row, json, markdown};
use std::cell::Cell;

/// One bench.
struct Bench {
    name: &'static str,
    about: &'static str,
    run: fn(&Context) -> Result<Vec<Row>>,
}

/// What a bench gets.
struct Context<'a> {
    shell: &'a Shell,
    options: &'a Options,
    /// Whether the product's programs were built by this run.
    is_built: Cell<bool>,
}

/// Every bench, in alphabetic order.
const ALL: [Bench; 9] = [
    Bench {
        name: "agent",
        about: "memory, CPU, bytes and size of our agent beside node_exporter and zabbix_agentd",
        run: agents::run,
    },
    Bench {
        name: "board",
        about: "the board of 10,000 hosts in Chromium: first paint, changes, bytes",
        run: board::run,
    },
    Bench {
        name: "build",
        about: "cold release build of server and agent, and the size of what comes out",
        run: build::run,
    },
    Bench {
        name: "crossing",
        about: "a sample crosses a threshold → webhook, in four situations, beside Prometheus",
        run: crossing::run,
    },
    Bench {
        name: "death",
        about: "a watched process dies → webhook",
        run: death::run,
    },
    Bench {
        name: "judge",
        about: "nanoseconds of judging a sample, size and time of its snapshots",
        run: |context| program::rows(context, "judge", "judge"),
    },
    Bench {
        name: "load",
        about: "the server under 1,000 agents × 200 series: CPU and memory",
        run: load::run,
    },
    Bench {
        name: "restart",
        about: "kill -9 with 200,000 series → first judgement",
        run: restart::run,
    },
    Bench {
        name: "storm",
        about: "10,000 problems at once: recorded, told, and who waits meanwhile",
        run: storm::run,
    },
];

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only these benches; without a name, all of them.
    names: Vec<String>,
    /// Names the benches and ends.
    #[arg(long)]
    list: bool,
    /// How often each thing is measured; the table shows medians.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// How long a running program is watched, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Drive the programs of the dev profile; for work on the benches, not for figures.
    #[arg(long)]
    dev: bool,
    /// Take the programs as they lie in the target folder.
    #[arg(long)]
    no_build: bool,
    /// For `build`: build these packages rather than server and agent.
    #[arg(long)]
    package: Vec<String>,
}

/// Measures, prints one table and leaves it in `target/bench/latest.md` and `latest.json`.
pub(crate) fn run(shell: &Shell, options: &Options) -> Result<()> {
    if options.list {
        for bench in &ALL {
            println!("{:14} {}", bench.name, bench.about);
        }
        return Ok(());
    }
    let names = &options.names;
    let chosen = |bench: &&Bench| names.is_empty() || names.iter().any(|name| name == bench.name);
    let is_known = |name: &String| ALL.iter().any(|bench| bench.name == name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let names: Vec<&str> = ALL.iter().map(|bench| bench.name).collect();
        bail!(
            "no bench is called {unknown}; they are {}",
            names.join(", ")
        );
    }
    let machine = Machine::read();
    let context = Context {
        shell,
        options,
        is_built: Cell::new(false),
    };
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for bench in ALL.iter().filter(chosen) {
        println!("== {}: {}", bench.name, bench.about);
        match (bench.run)(&context) {
            Ok(measured) => rows.extend(measured),
            // The other figures are worth having even so.
            Err(error) => failed.push(format!("{}: {error:#}", bench.name)),
        }
    }
    let table = markdown(&machine, &rows);
    println!("\n{table}");
    let folder = shell.root.join("target/bench");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("latest.md"), &table)?;
    let document = json(&machine, &rows, shell.now_ms());
    std::fs::write(
        folder.join("latest.json"),
        serde_json::to_string_pretty(&document)?,
    )?;
    println!("also in target/bench/latest.md and target/bench/latest.json");
    if failed.is_empty() {
        return Ok(());
    }
    bail!("not measured:\n{}", failed.join("\n"))
}
