//! The command line: one sub-command a file; what they share is the data folder and the server's URL.

mod agent;
mod api;
mod backup;
mod doctor;
mod log;
mod records;
mod rules;
mod token;
mod up;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Overrides};

/// Bongsu (봉수): knows, watches, judges, tells, repairs and records the infrastructure of a company.
#[derive(Parser)]
#[command(name = "bongsu", version, about, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where the server lives; the same for every sub-command.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// The folder in which everything is kept [default: ./bongsu-data].
    #[arg(long, global = true, env = "BONGSU_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// The configuration file; without one, defaults hold.
    #[arg(long, global = true, env = "BONGSU_CONFIG")]
    config: Option<PathBuf>,
    /// Where the console and the API listen [default: 127.0.0.1:7700].
    #[arg(long, global = true)]
    listen: Option<SocketAddr>,
    /// Where agents connect [default: the next port].
    #[arg(long, global = true)]
    agent_listen: Option<SocketAddr>,
}

impl Place {
    /// The configuration with the command line laid over it.
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        let over = Overrides {
            data_dir: self.data_dir.clone(),
            listen: self.listen,
            agent_listen: self.agent_listen,
        };
        Config::load(self.config.as_deref(), over)
    }
}

#[derive(Subcommand)]
enum Command {
    /// Start the server; the default.
    Up,
    /// Look at every border of this installation and say what is wrong.
    Doctor,
    /// Put rule documents in force, or run their test cases.
    #[command(subcommand)]
    Rules(rules::Rules),
    /// Make, list and revoke API tokens, on the server's own machine.
    #[command(subcommand)]
    Token(token::Tokens),
    /// Write everything of this installation into one file; the server may run meanwhile.
    Backup(backup::Backup),
    /// Make a data folder out of a backup, or check one.
    Restore(backup::Restore),
    /// Watch a server from outside and tell people, on channels of its own, when it is in trouble.
    Watch(watch::Watching),
    /// Say which version this is and what it reads.
    Version,
    /// The agent of this machine (`bongsu agent help`).
    #[command(disable_help_flag = true)]
    Agent {
        /// What the agent is told.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// Parses the command line and runs it.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Up) {
        Command::Up => up::run(&cli.place),
        Command::Doctor => doctor::run(&cli.place),
        Command::Rules(command) => rules::run(&command, &cli.place),
        Command::Token(command) => token::run(&command, &cli.place),
        Command::Backup(command) => backup::run(&command, &cli.place),
        Command::Restore(command) => backup::run_restore(&command, &cli.place),
        Command::Watch(command) => watch::run(&command),
        Command::Version => {
            println!("{}", version());
            Ok(())
        }
        Command::Agent { arguments } => agent::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bongsu: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The program's version and the newest of the formats that it reads.
fn version() -> String {
    let schema = db::migrations().last().map_or("none", |last| last.name);
    format!(
        "bongsu {}\nrecords   {schema}\nrules     version {}\nmachine   {} {}",
        env!("CARGO_PKG_VERSION"),
        model::rule::DOCUMENT_VERSION,
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}

/// A runtime for a command that asks a few things and ends.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}
