//! The `bongsu` program: the server and its command line; plain `bongsu` is `bongsu up`.

mod child;
mod cli;
mod config;
mod flow;
mod ingest;
mod keys;
mod routes;
mod server;
mod vitals;
mod wiring;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
