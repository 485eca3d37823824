//! This very machine: its configuration item, its agent, and the runner of its recovery scripts.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use agent::EnrolOptions;
use anyhow::{Context, Result, anyhow};
use cmdb::{Cmdb, HostFacts};
use db::Tx;
use fleet::{Fleet, TokenSpec};

use super::{Core, OwnHost};
use crate::child::Beside;

/// The runner's socket in the agent's folder.
const RUNNER_SOCKET: &str = "runner.sock";
/// The keys whose orders the runner believes.
const RUNNER_KEYS: &str = "runner.keys";
/// Which scripts may run here.
const ALLOW_LIST: &str = "runner.toml";
/// What a fresh allow-list says.
const ALLOW_LIST_HEAD: &str = "\
# Recovery scripts that may run on this machine: none but those listed here. The page of a script in
# the console shows the line that puts it here (`bongsu agent allow …`).
";

/// Makes this machine a configuration item, so that problems about ourselves have a host from the
/// first second; its agent enrols as the same machine. None where a machine has no machine-id.
pub(crate) async fn host(cmdb: &Cmdb) -> Result<OwnHost> {
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

/// Enrols the agent of this machine if needed and says how it is started.
pub(crate) async fn agent(core: &Core, fleet: &Fleet, listen: SocketAddr) -> Result<Beside> {
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
        runner_socket: Some(data_dir.join(RUNNER_SOCKET)),
    };
    tokio::task::spawn_blocking(move || agent::enrol(&options))
        .await?
        .context("the agent of this machine cannot enrol")?;
    std::fs::write(&mark, now).with_context(|| format!("cannot write {}", mark.display()))?;
    Ok(started(core, data_dir))
}

fn started(core: &Core, data_dir: PathBuf) -> Beside {
    let folder = data_dir.display().to_string();
    let arguments = ["agent", "run", "--data-dir", &folder]
        .map(str::to_owned)
        .to_vec();
    Beside {
        what: "the agent of this machine",
        arguments,
        log: core.config.data_dir.join("agent.log"),
    }
}

/// Readies the runner of this machine and says how it is started. It runs as whoever runs the server,
/// and nothing that is not on its allow-list, which starts empty. None where this user has no name.
///
/// # Errors
/// When its files cannot be written.
pub(crate) fn runner(core: &Core) -> Result<Option<Beside>> {
    let folder = core.config.data_dir.join("agent");
    let user = match exec::User::own() {
        Ok(user) => user.name,
        Err(error) => {
            tracing::warn!(%error, "no recovery script can run on this machine");
            return Ok(None);
        }
    };
    let written = |path: &Path, text: &str| {
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    written(&folder.join(RUNNER_KEYS), &core.order_keys())?;
    let allow = folder.join(ALLOW_LIST);
    if !allow.exists() {
        written(&allow, ALLOW_LIST_HEAD)?;
    }
    let id = agent::agent_id(&folder)?;
    let path = |name: &str| folder.join(name).display().to_string();
    let (socket, keys, allow) = (path(RUNNER_SOCKET), path(RUNNER_KEYS), path(ALLOW_LIST));
    let state = path("runner-state");
    let arguments = [
        "agent",
        "runner",
        "--agent-id",
        &id,
        "--agent-user",
        &user,
        "--socket",
        &socket,
        "--keys",
        &keys,
        "--allow",
        &allow,
        "--state",
        &state,
    ];
    Ok(Some(Beside {
        what: "the runner of this machine",
        arguments: arguments.map(str::to_owned).to_vec(),
        log: core.config.data_dir.join("runner.log"),
    }))
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
