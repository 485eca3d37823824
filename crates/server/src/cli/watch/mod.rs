//! `bongsu watch`: on a second machine or from cron, tells people when the server itself is in trouble.
//!
//! It shares nothing with the server: its own file, its own channels, its own state.

mod config;
mod decide;
mod look;
mod tell;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use notify::Peer;
use stdx::Env;
use tokio::signal::unix::{SignalKind, signal};
use web::{OutgoingClient, OutgoingPolicy};

use config::Config;
use decide::{Patience, Standing};

/// How long the server may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What is watched.
#[derive(Args)]
pub(crate) struct Watching {
    /// The TOML file that names the server and whom to tell; the guide shows one.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Look once and end, for cron: exit code 0 when all is well, 1 when not.
    #[arg(long)]
    once: bool,
    /// Where it is remembered who was told what [default: FILE with `.state` behind it].
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

/// Everything of one watch.
struct Watch {
    config: Config,
    state: PathBuf,
    standing: Standing,
    client: OutgoingClient,
    peer: Peer,
}

pub(crate) fn run(watching: &Watching) -> Result<()> {
    super::log::init();
    let config = Config::load(&watching.file)?;
    let state = watching.state.clone().unwrap_or_else(|| {
        let mut beside = watching.file.as_os_str().to_owned();
        beside.push(".state");
        beside.into()
    });
    // What its own file names may be local: whoever may edit it is on this machine anyway.
    let policy = OutgoingPolicy {
        allow_local: true,
        timeout: ANSWER_WITHIN,
        ..OutgoingPolicy::default()
    };
    let env = Env::system();
    let mut watch = Watch {
        standing: load(&state),
        config,
        state,
        client: OutgoingClient::new(policy)?,
        peer: Peer {
            http: OutgoingClient::new(policy)?,
            env,
        },
    };
    let runtime = super::runtime()?;
    if !watching.once {
        return runtime.block_on(watch.keep_looking());
    }
    runtime.block_on(watch.look())?;
    match &watch.standing.fault {
        Some(fault) if watch.standing.bad > 0 => {
            bail!("{}: {}", watch.config.server, fault.why)
        }
        _ => Ok(()),
    }
}

impl Watch {
    async fn keep_looking(&mut self) -> Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut looks = tokio::time::interval(Duration::from_millis(self.config.every_ms));
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tracing::info!(server = %self.config.server, "watching");
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
            }
            // A message that did not leave is due again at the next look.
            if let Err(error) = self.look().await {
                tracing::error!("{error:#}");
            }
        }
    }

    /// Looks, tells whoever is to be told, and remembers it.
    async fn look(&mut self) -> Result<()> {
        let fault = look::look(&self.client, &self.config.server).await;
        if let Some(fault) = &fault {
            tracing::warn!(server = %self.config.server, "{}", fault.why);
        }
        let names: Vec<&str> = self
            .config
            .tell
            .iter()
            .map(|tell| tell.name.as_str())
            .collect();
        let patience = Patience {
            looks: self.config.looks,
            repeat_ms: self.config.repeat_ms,
        };
        let now_ms = self.peer.env.clock.now_ms();
        let due = self.standing.look(fault, &names, patience, now_ms);
        let mut failed = Vec::new();
        for (name, say) in due {
            let mut all = self.config.tell.iter();
            let Some(tell) = all.find(|tell| tell.name == name) else {
                continue;
            };
            match tell::send(&self.peer, &self.config, (tell, say), &self.standing).await {
                Ok(()) => {
                    tracing::info!(to = %name, ?say, "told");
                    self.standing.delivered(&name, say, now_ms);
                }
                Err(error) => failed.push(format!("{name}: {error}")),
            }
        }
        keep(&self.state, &self.standing)?;
        if !failed.is_empty() {
            bail!("not told: {}", failed.join("; "));
        }
        Ok(())
    }
}

/// What was remembered; a damaged file is as none: people are rather told twice than never.
fn load(path: &Path) -> Standing {
    let Ok(text) = std::fs::read_to_string(path) else {
        return Standing::default();
    };
    serde_json::from_str(&text).unwrap_or_else(|error| {
        tracing::warn!(path = %path.display(), %error, "the state is damaged and begun anew");
        Standing::default()
    })
}

/// Written beside and renamed.
fn keep(path: &Path, standing: &Standing) -> Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let text = serde_json::to_string_pretty(standing)?;
    std::fs::write(&beside, text)
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
