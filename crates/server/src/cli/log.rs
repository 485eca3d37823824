//! The program's log: readable lines on standard error, JSON when asked for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging; `BONGSU_LOG` sets what is logged (`info` by default), `BONGSU_LOG_FORMAT=json` how.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_env("BONGSU_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,hyper=warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let json = std::env::var("BONGSU_LOG_FORMAT").is_ok_and(|format| format == "json");
    // A second start in one process keeps the first log.
    let started = if json {
        log.json().try_init()
    } else {
        log.compact().try_init()
    };
    drop(started);
}
