//! `bongsu up`: starts the server, says where it is, and stops it in order.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use super::Place;
use crate::config::Config;
use crate::server::{Running, start};

/// How long stopping may take before the program ends anyway; nothing acknowledged is lost by then.
const STOP_WITHIN: Duration = Duration::from_secs(20);

pub(crate) fn run(place: &Place) -> Result<()> {
    super::log::init();
    let config = place.config()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let stopped = runtime.block_on(serve(config));
    runtime.shutdown_timeout(Duration::from_secs(5));
    stopped
}

async fn serve(config: Config) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = start(config.clone())
        .await
        .context("the server cannot start")?;
    println!("{}", banner(&config, &running));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    println!("bongsu: stopping");
    if tokio::time::timeout(STOP_WITHIN, running.stop())
        .await
        .is_err()
    {
        tracing::warn!("not everything ended in time; what was acknowledged is on disk");
    }
    Ok(())
}

/// What a person needs to know next.
fn banner(config: &Config, running: &Running) -> String {
    let agents = running.agent_listen.map_or_else(
        || "shut for other machines until \"Add a server\"".to_owned(),
        |address| address.to_string(),
    );
    let mut text = format!(
        "\nBongsu (봉수) {} is up.\n\n  Console   http://{}\n  Agents    {}\n  Data      {}\n",
        env!("CARGO_PKG_VERSION"),
        running.listen,
        agents,
        config.data_dir.display(),
    );
    match &running.first_password {
        Some((login, password)) => {
            text.push_str(&format!(
                "\n  Log in as   {login}\n  Password    {password}   (one-time; also in {})\n",
                crate::server::password_file(&config.data_dir).display(),
            ));
            text.push_str(
                "\nNext: open the console, log in and choose a password. This machine appears on the \
                 board\nwithin half a minute; \"Add a server\" shows the line to run on the next one.\n",
            );
        }
        None => text.push_str("\nNext: open the console and log in.\n"),
    }
    text
}
