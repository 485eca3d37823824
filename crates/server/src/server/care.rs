//! What the server does about itself: its own host and agent, the first password, its housekeeping.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use account::Accounts;
use agent::EnrolOptions;
use anyhow::{Context, Result, anyhow};
use cmdb::{Cmdb, HostFacts};
use db::{Db, DbError, Tx};
use fleet::{Fleet, TokenSpec};
use jobs::{Reconciler, Shutdown};
use tokio::task::JoinSet;

use super::{Core, OwnHost, password_file};
use crate::child::OwnAgent;
use crate::config::Config;

/// How often the audit is sealed without a hint, in milliseconds.
const SEAL_EVERY_MS: u64 = 10_000;
/// How often delivered messages are forgotten, in milliseconds.
const PRUNE_EVERY_MS: u64 = 60_000;
/// How long they are kept, in milliseconds: their keys guard against doubles until then.
const KEEP_DELIVERED_MS: i64 = 7 * 86_400_000;
/// Messages forgotten in one transaction.
const PRUNE_ROWS: usize = 5_000;

/// Makes this machine a configuration item, so that problems about ourselves have a host from the
/// first second; its agent enrols as the same machine. None where a machine has no machine-id.
pub(crate) async fn own_host(cmdb: &Cmdb) -> Result<OwnHost> {
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let machine = machine.trim().to_owned();
    if machine.is_empty() {
        return Ok(None);
    }
    let name = rustix::system::uname();
    let facts = HostFacts {
        hostname: name.nodename().to_string_lossy().into_owned(),
        machine,
        os_family: "linux".to_owned(),
        kernel: name.release().to_string_lossy().into_owned(),
        arch: name.machine().to_string_lossy().into_owned(),
        ..HostFacts::default()
    };
    let known = cmdb
        .find_machine(&facts.machine)
        .await
        .map_err(|error| anyhow!(error))?;
    if let Some(host) = known {
        return Ok(Some(host.id));
    }
    let host = cmdb
        .enrol(facts, BTreeMap::new())
        .await
        .map_err(|error| anyhow!(error))?;
    Ok(Some(host.id))
}

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

/// Enrols the agent of this machine if needed and says how it is started.
pub(crate) async fn own_agent(core: &Core, fleet: &Fleet, listen: SocketAddr) -> Result<OwnAgent> {
    let data_dir = core.config.data_dir.join("agent");
    let server = reachable(listen).to_string();
    let pin = fleet.pin();
    let mark = data_dir.join("enrolled-with");
    let now = format!("{server} {pin}\n");
    if std::fs::read_to_string(&mark).is_ok_and(|before| before == now) {
        return Ok(started(core, data_dir));
    }
    let spec = TokenSpec {
        label: "bongsu up".to_owned(),
        uses: 1,
        valid_ms: 5 * 60_000,
        ..TokenSpec::default()
    };
    let db = core.stores.db.clone();
    let made = db.write(move |tx: &mut Tx| {
        let spec = spec.clone();
        Box::pin(async move { fleet::make_token(tx, &spec).await })
    });
    let token = made.await?.secret;
    let options = EnrolOptions {
        data_dir: data_dir.clone(),
        root: "/".into(),
        server,
        pin,
        token,
    };
    tokio::task::spawn_blocking(move || agent::enrol(&options))
        .await?
        .context("the agent of this machine cannot enrol")?;
    std::fs::write(&mark, now).with_context(|| format!("cannot write {}", mark.display()))?;
    Ok(started(core, data_dir))
}

fn started(core: &Core, data_dir: PathBuf) -> OwnAgent {
    let folder = data_dir.display().to_string();
    let arguments = ["agent", "run", "--data-dir", &folder]
        .map(str::to_owned)
        .to_vec();
    OwnAgent {
        arguments,
        log: core.config.data_dir.join("agent.log"),
    }
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

/// An address under which this very machine reaches a listener on all addresses.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(ip, listen.port())
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
