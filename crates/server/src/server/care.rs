//! What the server does about itself: the programs it hands out, first password, housekeeping.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use account::Accounts;
use anyhow::{Context, Result, anyhow};
use db::{Db, DbError, Tx};
use jobs::{Reconciler, Shutdown};
use tokio::task::JoinSet;

use super::{Core, password_file};
use crate::config::Config;

/// How often the audit is sealed without a hint, in milliseconds.
const SEAL_EVERY_MS: u64 = 10_000;
/// How often delivered messages are forgotten, in milliseconds.
const PRUNE_EVERY_MS: u64 = 60_000;
/// How long they are kept, in milliseconds: their keys guard against doubles until then.
const KEEP_DELIVERED_MS: i64 = 7 * 86_400_000;
/// Messages forgotten in one transaction.
const PRUNE_ROWS: usize = 5_000;

/// The agent programs that the installer serves: beside this program, in the data folder, or given.
pub(crate) fn agent_programs(config: &Config) -> BTreeMap<String, PathBuf> {
    let here = std::env::current_exe().ok();
    let beside = here.as_deref().and_then(Path::parent);
    let own_arch = std::env::consts::ARCH;
    let mut programs = BTreeMap::new();
    for arch in ["x86_64", "aarch64"] {
        let named = format!("bongsu-agent-{arch}");
        let mut candidates = vec![config.data_dir.join("agents").join(&named)];
        candidates.extend(beside.map(|folder| folder.join(&named)));
        if arch == own_arch {
            candidates.extend(config.agent_binary.clone());
            candidates.extend(beside.map(|folder| folder.join("dist").join("bongsu-agent")));
            candidates.extend(beside.map(|folder| folder.join("bongsu-agent")));
        }
        if let Some(found) = candidates.into_iter().find(|path| path.is_file()) {
            programs.insert(arch.to_owned(), found);
        }
    }
    programs
}

/// Under which address other machines most likely reach this one: its name where the listener takes
/// every address, else the listener's own.
pub(crate) fn public_address(listen: SocketAddr) -> String {
    if listen.ip().is_unspecified() {
        let name = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        return format!("{name}:{}", listen.port());
    }
    listen.to_string()
}

/// Makes the first administrator at the first start; the password also lies in a file (0600) until
/// the first log-in.
pub(crate) async fn first_password(
    core: &Core,
    accounts: &Accounts,
    running: &mut JoinSet<()>,
) -> Result<Option<(String, String)>> {
    let path = password_file(&core.config.data_dir);
    let made = accounts.bootstrap().await.map_err(|error| anyhow!(error))?;
    if let Some((_, password)) = &made {
        write_secret(&path, password)?;
    }
    if path.exists() {
        let mut logged_in = core.stores.db.listen(account::LOGGED_IN);
        running.spawn(async move {
            logged_in.wait().await;
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(%error, "the file with the first password was not removed");
            }
        });
    }
    Ok(made)
}

fn write_secret(path: &Path, secret: &str) -> Result<()> {
    let opened = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    let mut file = opened.with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(file, "{secret}").with_context(|| format!("cannot write {}", path.display()))
}

/// Starts the housekeeping of the records store.
pub(crate) fn start(core: &Core, running: &mut JoinSet<()>, shutdown: &Shutdown) {
    let db = core.stores.db.clone();
    let seal = Reconciler::new(db.clone(), "seal the audit", SEAL_EVERY_MS);
    let sealed = db.clone();
    running.spawn(seal.run(shutdown.clone(), move || {
        let db = sealed.clone();
        async move { db.seal_audit().await.map(drop) }
    }));
    let prune = Reconciler::new(db.clone(), "forget delivered messages", PRUNE_EVERY_MS);
    running.spawn(prune.run(shutdown.clone(), move || forget_delivered(db.clone())));
}

async fn forget_delivered(db: Db) -> Result<(), DbError> {
    db.write(move |tx: &mut Tx| {
        Box::pin(async move {
            let before_ms = tx.now_ms().saturating_sub(KEEP_DELIVERED_MS);
            jobs::prune(tx, before_ms, PRUNE_ROWS).await.map(drop)
        })
    })
    .await
}
