//! `cargo xtask bench`: ours beside the peers on the same machine, in one table.
//!
//! A bench is a name and a function that returns rows. What needs product code is a program of the
//! crate it measures and prints its rows as JSON lines ([`program`]); what needs the outside of a
//! process is measured here.

mod agents;
mod build;
mod machine;
mod peers;
mod program;
mod row;
mod stats;

use crate::shell::Shell;
use anyhow::{Result, bail};
use machine::Machine;
use row::{Row, json, markdown};

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
}

/// Every bench, in alphabetic order.
const ALL: [Bench; 3] = [
    Bench {
        name: "agent-peers",
        about: "memory and CPU of node_exporter and zabbix_agentd, asked every 10 s",
        run: agents::run,
    },
    Bench {
        name: "build",
        about: "cold release build of server and agent, and the size of what comes out",
        run: build::run,
    },
    Bench {
        name: "judge",
        about: "nanoseconds of judging a sample, size and time of its snapshots",
        run: |context| program::rows(context, "judge", "judge"),
    },
];

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only this bench; without a name, all of them.
    name: Option<String>,
    /// Names the benches and ends.
    #[arg(long)]
    list: bool,
    /// How often each thing is measured; the table shows medians.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// How long a running program is watched, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
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
    let chosen = |bench: &&Bench| {
        options
            .name
            .as_deref()
            .is_none_or(|name| name == bench.name)
    };
    if ALL.iter().find(chosen).is_none() {
        let names: Vec<&str> = ALL.iter().map(|bench| bench.name).collect();
        bail!(
            "no bench has that name; the benches are {}",
            names.join(", ")
        );
    }
    let machine = Machine::read();
    let context = Context { shell, options };
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
