//! The fleet as the server holds it: listeners, and the ways to reach an agent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use db::Db;
use model::{AgentId, CiId};
use stdx::Env;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_rustls::TlsAcceptor;
use wire::{GoodbyeCode, Pin};

use crate::keys::{KeyError, ServerIdentity};
use crate::live::{Live, Outbound};
use crate::ports::Ports;
use crate::words::{AgentRow, TopProcesses};
use crate::{agents, routes, tls};

/// TLS handshakes under way at once: a thousand agents may come back together, idle peers too.
const HANDSHAKES_MAX: usize = 512;
/// Connections at once.
const CONNECTIONS_MAX: usize = 20_000;
const HANDSHAKE_MS_MAX: u64 = 10_000;
/// How long an agent may take to name its top processes.
const TOP_MS_MAX: u64 = 5_000;
/// Events of an order that wait for their reader.
const ORDER_EVENTS_MAX: usize = 64;
/// How often it is written down that connected agents are there.
const SEEN_MS: u64 = 5 * 60 * 1_000;

/// How the fleet is started.
#[derive(Clone, Debug)]
pub struct FleetOptions {
    /// The records store, with the `fleet_*` tables.
    pub db: Db,
    /// Clock and randomness.
    pub env: Env,
    /// Where `keys/` and the store's name are kept.
    pub data_dir: PathBuf,
    /// The server program's version.
    pub version: String,
    /// The agent program for each architecture (`x86_64`, `aarch64`), for the installer.
    pub agent_programs: BTreeMap<String, PathBuf>,
    /// The keys file of a runner: a line `key-id 64-hex-digits` for each key that signs orders; the
    /// installer puts it on hosts.
    pub order_keys: String,
}

/// Why the fleet cannot start or listen.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The identity cannot be had.
    #[error("the server has no identity towards agents")]
    Keys(#[from] KeyError),
    /// TLS does not take the identity.
    #[error("the identity towards agents is unusable")]
    Tls(#[from] rustls::Error),
    /// The port cannot be had.
    #[error("cannot listen for agents on {address}")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
}

/// An agent could not be asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotReached {
    /// No agent of that host is connected to this server.
    #[error("the agent is not connected")]
    NotConnected,
    /// It did not answer in time.
    #[error("the agent did not answer within {0} ms")]
    Silent(u64),
    /// It answered that it cannot.
    #[error("the agent answers: {0}")]
    Refused(String),
}

/// What every connection shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ports: Ports,
    pub(crate) live: Arc<Live>,
    pub(crate) identity: ServerIdentity,
    pub(crate) version: String,
    pub(crate) agent_programs: BTreeMap<String, PathBuf>,
    pub(crate) order_keys: String,
    stopping: AtomicBool,
    handshakes: Semaphore,
    connections: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// The agents' side of the server; cheap to clone, every clone is the same fleet.
#[derive(Clone, Debug)]
pub struct Fleet {
    shared: Arc<Shared>,
    acceptor: Acceptor,
    stop: Arc<watch::Sender<bool>>,
}

#[derive(Clone)]
struct Acceptor(TlsAcceptor);

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsAcceptor")
    }
}

impl Fleet {
    /// Opens the identity and gets ready; nothing listens before [`Fleet::listen`].
    ///
    /// # Errors
    /// When the keys cannot be read or made.
    pub fn start(options: FleetOptions, ports: Ports) -> Result<Self, FleetError> {
        let identity = ServerIdentity::open(&options.data_dir, &options.env)?;
        let tls = tls::server_config(&identity)?;
        let (stop, _) = watch::channel(false);
        let fleet = Self {
            shared: Arc::new(Shared {
                db: options.db,
                env: options.env,
                ports,
                live: Arc::default(),
                identity,
                version: options.version,
                agent_programs: options.agent_programs,
                order_keys: options.order_keys,
                stopping: AtomicBool::new(false),
                handshakes: Semaphore::new(HANDSHAKES_MAX),
                connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            }),
            acceptor: Acceptor(TlsAcceptor::from(Arc::new(tls))),
            stop: Arc::new(stop),
        };
        tokio::spawn(note_seen(fleet.shared.clone(), fleet.stop.subscribe()));
        Ok(fleet)
    }

    /// Listens for agents on one more address; port 0 takes a free one. Returns the address.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn listen(&self, address: SocketAddr) -> Result<SocketAddr, FleetError> {
        let failed = |source| FleetError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let (shared, acceptor) = (self.shared.clone(), self.acceptor.0.clone());
        tokio::spawn(accept(listener, shared, acceptor, self.stop.subscribe()));
        Ok(bound)
    }

    /// What every connection shares.
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What agents and the install line pin.
    #[must_use]
    pub fn pin(&self) -> Pin {
        self.shared.identity.pin()
    }

    /// The one line that installs and enrols an agent; `address` is how hosts reach this server,
    /// such as `monitor.example.com:7701`, and `secret` the one of a new token.
    #[must_use]
    pub fn install_line(&self, address: &str, secret: &str) -> String {
        let pin = self.pin();
        format!("curl -fsSk --pinnedpubkey '{pin}' https://{address}/i/{secret} | sh")
    }

    /// The architectures that the installer can serve, and the program of each.
    pub fn architectures(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.shared
            .agent_programs
            .iter()
            .map(|(arch, path)| (arch.as_str(), path.as_path()))
    }

    /// All agents with what this server knows of them now.
    ///
    /// # Errors
    /// When the records store cannot be read.
    pub async fn agents(&self) -> db::Result<Vec<AgentRow>> {
        let mut rows = agents::agent_rows(&mut self.shared.db.reader()).await?;
        for row in &mut rows {
            (row.connected, row.warnings) = self.shared.live.state_of(row.id);
        }
        Ok(rows)
    }

    /// The agent of a host with what this server knows of it now: the one seen last.
    ///
    /// # Errors
    /// When the records store cannot be read.
    pub async fn agent_row_of(&self, host: CiId) -> db::Result<Option<AgentRow>> {
        let rows = agents::agent_rows_of(&mut self.shared.db.reader(), host).await?;
        let newest = rows.into_iter().find(|row| !row.retired);
        Ok(newest.map(|mut row| {
            (row.connected, row.warnings) = self.shared.live.state_of(row.id);
            row
        }))
    }

    /// How many agents are connected.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.shared.live.connected()
    }

    /// The agent that last connected for a host.
    #[must_use]
    pub fn agent_of(&self, host: CiId) -> Option<AgentId> {
        self.shared.live.agent_of(host)
    }

    /// The configuration of a host, or of all, may have changed: connected agents get the new one.
    pub fn config_changed(&self, host: Option<CiId>) {
        self.shared.live.broadcast(host, || Outbound::ConfigChanged);
    }

    /// Ends an agent's connection, as after [`crate::retire`].
    pub fn disconnect(&self, agent: AgentId) {
        let end = Outbound::End(
            GoodbyeCode::Retired,
            "this agent was retired by an operator",
        );
        self.shared.live.send(agent, end);
    }

    /// Asks a host's agent which processes use most right now.
    ///
    /// # Errors
    /// When the agent is not there, does not answer within five seconds, or cannot tell.
    pub async fn top(&self, host: CiId, count: u32) -> Result<TopProcesses, NotReached> {
        let (answer, answered) = oneshot::channel();
        self.reach(host, Outbound::Top(count, answer))?;
        let limit = Duration::from_millis(TOP_MS_MAX);
        match tokio::time::timeout(limit, answered).await {
            Ok(Ok(answer)) => answer.map_err(NotReached::Refused),
            Ok(Err(_)) => Err(NotReached::NotConnected),
            Err(_) => Err(NotReached::Silent(TOP_MS_MAX)),
        }
    }

    /// Sends a signed order to a host's agent; what becomes of it comes event by event.
    ///
    /// The stream ends after the last event, or without it when the connection is lost.
    ///
    /// # Errors
    /// When the agent is not connected.
    pub fn send_order(
        &self,
        host: CiId,
        signed: Vec<u8>,
    ) -> Result<mpsc::Receiver<wire::OrderEvent>, NotReached> {
        let (events, answer) = mpsc::channel(ORDER_EVENTS_MAX);
        self.reach(host, Outbound::Order(signed, events))?;
        Ok(answer)
    }

    fn reach(&self, host: CiId, message: Outbound) -> Result<(), NotReached> {
        let agent = self.agent_of(host).ok_or(NotReached::NotConnected)?;
        let sent = self.shared.live.send(agent, message);
        if sent {
            Ok(())
        } else {
            Err(NotReached::NotConnected)
        }
    }

    /// Stops listening and tells every agent to come back later.
    pub async fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.stop.send_replace(true);
        let end = || Outbound::End(GoodbyeCode::ShuttingDown, "the server stops");
        self.shared.live.broadcast(None, end);
        for _ in 0..50 {
            if self.connected() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        save_seen(&self.shared).await;
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    acceptor: TlsAcceptor,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: others will be given back.
                tracing::warn!("cannot accept agents for a moment: {error}");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let Ok(permit) = shared.connections.clone().try_acquire_owned() else {
            tracing::warn!(%peer, "{CONNECTIONS_MAX} connections are open, the limit: refused");
            continue;
        };
        let (shared, acceptor) = (shared.clone(), acceptor.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let _ = stream.set_nodelay(true);
            let Ok(turn) = shared.handshakes.acquire().await else {
                return;
            };
            let limit = Duration::from_millis(HANDSHAKE_MS_MAX);
            let handshake = tokio::time::timeout(limit, acceptor.accept(stream)).await;
            drop(turn);
            match handshake {
                Ok(Ok(tls)) => routes::serve(tls, peer, shared).await,
                Ok(Err(error)) => tracing::debug!(%peer, "no TLS: {error}"),
                Err(_) => tracing::debug!(%peer, "no TLS within {HANDSHAKE_MS_MAX} ms"),
            }
        });
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The fleet itself holds the other end: an error means that it is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn note_seen(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut every = tokio::time::interval(Duration::from_millis(SEEN_MS));
    every.tick().await;
    loop {
        tokio::select! {
            _ = every.tick() => save_seen(&shared).await,
            () = stopped(&mut stop) => return,
        }
    }
}

async fn save_seen(shared: &Shared) {
    let present = shared.live.present();
    if present.is_empty() {
        return;
    }
    let saved = shared.db.write(move |tx| {
        let present = present.clone();
        Box::pin(async move { agents::seen(tx, &present).await })
    });
    if let Err(error) = saved.await {
        tracing::warn!("cannot note which agents are connected: {error}");
    }
}
