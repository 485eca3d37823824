//! A server of which only the fleet is real, with ports that remember what they were given.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::{AgentOptions, EnrolOptions};
use db::{BoxFuture, Db};
use fleet::{
    AgentConfig, ConfigSource, EventSink, Fleet, FleetEvent, FleetOptions, HostFacts, HostIdentity,
    HostRegistry, Ingest, IngestBatch, IngestRefused, Ports, RegistryRefused, SeriesRefused,
    SeriesResolver, TokenGrant, TokenSpec,
};
use model::CiId;
use stdx::Env;

/// What the pretended rest of the server remembers; outlives restarts of the fleet.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) hosts: Mutex<BTreeMap<CiId, String>>,
    pub(crate) series: Mutex<Vec<String>>,
    pub(crate) batches: Mutex<Vec<IngestBatch>>,
    pub(crate) events: Mutex<Vec<FleetEvent>>,
    /// Batches are kept, but `accept` does not return: the server dies before it acknowledges.
    pub(crate) hangs: AtomicBool,
    /// Batches are refused: the disk is full.
    pub(crate) full: AtomicBool,
    pub(crate) interval_ms: AtomicU32,
    pub(crate) series_max: AtomicU32,
    /// The collectors' settings.
    pub(crate) settings_json: Mutex<String>,
}

pub(crate) struct Port(pub(crate) Arc<Memory>);

impl HostRegistry for Port {
    fn enrol<'a>(
        &'a self,
        facts: &'a HostFacts,
        _token: &'a TokenGrant,
        known: Option<CiId>,
    ) -> BoxFuture<'a, Result<HostIdentity, RegistryRefused>> {
        Box::pin(async move {
            let mut hosts = self.0.hosts.lock().unwrap();
            let ci = known.unwrap_or_else(|| CiId::from_bits(hosts.len() as u128 + 1));
            hosts.insert(ci, facts.hostname.clone());
            Ok(HostIdentity {
                ci,
                name: facts.hostname.clone(),
            })
        })
    }

    fn name<'a>(&'a self, host: CiId) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move { self.0.hosts.lock().unwrap().get(&host).cloned() })
    }
}

impl SeriesResolver for Port {
    fn resolve(
        &self,
        host: CiId,
        name: &str,
        labels: &[(&str, &str)],
    ) -> Result<u32, SeriesRefused> {
        let text = format!("{host} {name} {labels:?}");
        let mut series = self.0.series.lock().unwrap();
        if let Some(at) = series.iter().position(|known| *known == text) {
            return Ok(at as u32);
        }
        let limit = self.0.series_max.load(Ordering::Relaxed) as usize;
        if series.len() >= limit {
            return Err(SeriesRefused::Limit { limit });
        }
        series.push(text);
        Ok(series.len() as u32 - 1)
    }
}

impl Ingest for Port {
    fn accept(&self, batch: IngestBatch) -> BoxFuture<'_, Result<(), IngestRefused>> {
        Box::pin(async move {
            if self.0.full.load(Ordering::Relaxed) {
                return Err(IngestRefused::NotNow("the disk is full".to_owned()));
            }
            self.0.batches.lock().unwrap().push(batch);
            if self.0.hangs.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            Ok(())
        })
    }
}

impl ConfigSource for Port {
    fn config_for(&self, _host: CiId) -> BoxFuture<'_, AgentConfig> {
        let interval_ms = self.0.interval_ms.load(Ordering::Relaxed);
        let settings_json = self.0.settings_json.lock().unwrap().clone();
        let config = AgentConfig {
            interval_ms,
            settings_json,
            backlog_per_s: 200,
            ..AgentConfig::default()
        };
        Box::pin(async move { config })
    }
}

impl EventSink for Port {
    fn event(&self, event: FleetEvent) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.0.events.lock().unwrap().push(event) })
    }
}

/// A data folder, a store and whatever was remembered; the fleet on it can be killed and restarted.
pub(crate) struct Server {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) memory: Arc<Memory>,
    pub(crate) db: Db,
    pub(crate) fleet: Option<(Fleet, tokio::runtime::Runtime)>,
    pub(crate) address: SocketAddr,
    pub(crate) programs: BTreeMap<String, PathBuf>,
    keeper: tokio::runtime::Runtime,
}

impl Server {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keeper = runtime();
        let path = dir.path().join("records.db");
        let options = db::Options {
            ballast_bytes: 0,
            ..db::Options::sqlite(&path, Env::system())
        };
        let db = keeper.block_on(Db::open(options)).unwrap();
        let memory = Memory {
            interval_ms: 1_000.into(),
            series_max: 20_000.into(),
            ..Memory::default()
        };
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let (memory, programs) = (Arc::new(memory), BTreeMap::new());
        let mut server = Self {
            dir,
            memory,
            db,
            fleet: None,
            address,
            programs,
            keeper,
        };
        server.start();
        server
    }

    pub(crate) fn start(&mut self) {
        let runtime = runtime();
        let options = FleetOptions {
            db: self.db.clone(),
            env: Env::system(),
            data_dir: self.dir.path().to_owned(),
            version: "0.0.0-test".to_owned(),
            agent_programs: self.programs.clone(),
            order_keys: String::new(),
        };
        let port = Arc::new(Port(self.memory.clone()));
        let ports = Ports {
            hosts: port.clone(),
            series: port.clone(),
            ingest: port.clone(),
            config: port.clone(),
            events: port,
        };
        let guard = runtime.enter();
        let fleet = Fleet::start(options, ports).unwrap();
        drop(guard);
        // The one that was killed may hold the port for another moment.
        until("the port is free", || {
            match runtime.block_on(fleet.listen(self.address)) {
                Ok(address) => {
                    self.address = address;
                    true
                }
                Err(_) => false,
            }
        });
        self.fleet = Some((fleet, runtime));
    }

    /// As kill -9 does: no farewell, every task ends where it stands.
    pub(crate) fn kill(&mut self) {
        if let Some((fleet, runtime)) = self.fleet.take() {
            drop(fleet);
            runtime.shutdown_background();
        }
    }

    pub(crate) fn fleet(&self) -> &Fleet {
        &self.fleet.as_ref().unwrap().0
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.keeper.block_on(future)
    }

    pub(crate) fn token(&self, uses: u32, valid_ms: i64) -> String {
        let spec = TokenSpec {
            label: "test".into(),
            uses,
            valid_ms,
            ..TokenSpec::default()
        };
        let made = self.block_on(self.db.write(move |tx| {
            let spec = spec.clone();
            Box::pin(async move { fleet::make_token(tx, &spec).await })
        }));
        made.unwrap().secret
    }

    pub(crate) fn enrol_options(&self, data_dir: &Path, token: String) -> EnrolOptions {
        EnrolOptions {
            data_dir: data_dir.to_owned(),
            root: "/".into(),
            server: self.address.to_string(),
            pin: self.fleet().pin(),
            token,
            runner_socket: None,
        }
    }

    /// A data folder of an enrolled agent.
    pub(crate) fn enrolled(&self) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let token = self.token(1, 60_000);
        agent::enrol(&self.enrol_options(dir.path(), token)).unwrap();
        let path = dir.path().join("agent.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("= 10000", "= 1000")).unwrap();
        dir
    }

    pub(crate) fn batches(&self) -> Vec<IngestBatch> {
        self.memory.batches.lock().unwrap().clone()
    }

    pub(crate) fn events(&self) -> Vec<FleetEvent> {
        self.memory.events.lock().unwrap().clone()
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

pub(crate) fn start(data_dir: &Path) -> agent::Running {
    agent::start(AgentOptions::new(data_dir.to_owned())).unwrap()
}

/// Waits until something is so; says what, when it never is.
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    for _ in 0..1_200 {
        if is() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("not within 30 s: {what}");
}
