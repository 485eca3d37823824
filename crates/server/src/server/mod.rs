//! The whole server: opens the stores, wires the slices, listens; and stops in the opposite order.
//!
//! Order of the start (alerting.md, "state survives a restart"): records and metrics are opened, the
//! judge gets its snapshot, rules, hosts and open problems, the log after the snapshot is judged,
//! and only then anything is taken in.

mod care;
mod judging;
mod listen;
mod own;
#[cfg(test)]
mod route_tests;
mod storage;

pub(crate) use care::agent_programs;
pub(crate) use judging::defaults as default_rules;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use account::{Accounts, Gatekeeper};
use anyhow::{Context, Result, anyhow};
use cmdb::Cmdb;
use ed25519_dalek::SigningKey;
use fleet::{Fleet, FleetOptions};
use jobs::{Shutdown, Trigger};
use model::CiId;
use notice::{LogHealth, Sealer, Site};
use remedy::{Plan, Remedies, Surgeon};
use stdx::Env;
use tokio::task::JoinSet;
use tsdb::WalPosition;
use watch::Driver;
use web::{OutgoingClient, OutgoingPolicy};

use crate::child;
use crate::config::Config;
use crate::flow::{self, Stages};
use crate::ingest::{DataPlane, Intake};
use crate::keys::Keys;
use crate::routes::Health;
use crate::vitals::{self, Body, Findings};
use crate::wiring::{
    AgentSettings, Directory, Entrance, Events, Inventory, Resolver, Series, Signer, Surroundings,
};
use judging::Judging;
use storage::Stores;

/// A server that is up.
pub(crate) struct Running {
    /// Where the console and the API listen.
    pub(crate) listen: SocketAddr,
    /// Where agents of other machines connect, when they may.
    pub(crate) agent_listen: Option<SocketAddr>,
    /// The administrator's name and one-time password, until the first log-in.
    pub(crate) first_password: Option<(String, String)>,
    trigger: Trigger,
    fleet: Fleet,
    edges: JoinSet<()>,
    stages: JoinSet<()>,
    ingest: std::thread::JoinHandle<()>,
    db: db::Db,
}

/// Where the first password also lies until the first log-in.
pub(crate) fn password_file(data_dir: &Path) -> PathBuf {
    data_dir.join("initial-admin-password")
}

/// What the parts of the server share.
struct Core {
    config: Config,
    env: Env,
    keys: Keys,
    stores: Stores,
    health: Health,
    findings: Findings,
    own: OwnHost,
    cmdb: Cmdb,
    directory: Directory,
    plan: Plan,
    remedies: Remedies,
    judging: Judging,
    resolver: Arc<Resolver>,
    signing: SigningKey,
    notices: notice::Context,
}

/// Starts everything; returns when the server listens.
///
/// # Errors
/// When a store cannot be opened, a port cannot be had, or the configuration does not fit.
pub(crate) async fn start(config: Config) -> Result<Running> {
    let env = Env::system();
    let core = prepare(config, env).await?;
    let (trigger, shutdown) = jobs::shutdown();
    let (plane, staged) = DataPlane::new(
        core.stores.tsdb.clone(),
        core.judging.driver.clone(),
        core.env.clone(),
    );
    let mut stages = JoinSet::new();
    // The stages behind the data plane must run while the log is judged: they take what it leaves.
    let later = flow::Opener::new(
        (core.stores.db.clone(), core.stores.tsdb.clone()),
        core.judging.driver.clone(),
        core.ports(),
        core.snapshot(),
    );
    stages.spawn(later.run(staged));
    let plane = judge_log(&core, plane).await?;
    let (intake, ingest) = plane.start().context("the ingest thread cannot start")?;
    let fleet = core.fleet(intake.clone())?;
    core.start_stages(&fleet, &mut stages, &shutdown).await?;
    let mut edges = JoinSet::new();
    core.judging.follow(&intake, &fleet, &mut edges, &shutdown);
    core.follow_scripts(&mut edges, &shutdown);
    crate::wiring::witness::start(&core.stores.db, &fleet, &mut edges, &shutdown);
    care::start(&core, &mut edges, &shutdown);
    let body = core.body(&intake);
    vitals::start(&body, (&core.health, &core.findings), &mut edges, &shutdown);
    let accounts = Accounts::new(core.stores.db.clone(), core.env.clone());
    let first_password = care::first_password(&core, &accounts, &mut edges).await?;
    let own_listen = fleet.listen(core.config.own_agent_address()).await?;
    let entrance = core.entrance(&fleet);
    let agent_listen = entrance
        .at_start(core.config.agent_listen.is_some())
        .await?;
    let listen = listen::start(&core, &fleet, (entrance, &accounts), &mut edges, &shutdown);
    let listen = listen.await?;
    if core.config.watch_self {
        let agent = own::agent(&core, &fleet, own_listen).await?;
        edges.spawn(child::keep(agent, shutdown.clone()));
        if let Some(runner) = own::runner(&core)? {
            edges.spawn(child::keep(runner, shutdown.clone()));
        }
    }
    let db = core.stores.db.clone();
    Ok(Running {
        listen,
        agent_listen,
        first_password,
        trigger,
        fleet,
        edges,
        stages,
        ingest,
        db,
    })
}

impl Running {
    /// Stops in order: no new requests, agents told, what was taken in is judged and kept.
    pub(crate) async fn stop(mut self) {
        self.fleet.stop().await;
        self.trigger.fire();
        while self.edges.join_next().await.is_some() {}
        drop(self.fleet);
        // The ingest thread ends when the last intake is gone; its queue behind it drains.
        while self.stages.join_next().await.is_some() {}
        if self.ingest.join().is_err() {
            tracing::error!(
                "the ingest thread panicked; the log is judged again at the next start"
            );
        }
        self.db.close().await;
    }
}

/// Opens the stores and gets everything ready that needs no network.
async fn prepare(config: Config, env: Env) -> Result<Core> {
    storage::make_folder(&config.data_dir)?;
    let keys = Keys::open(&config.data_dir, &*env.entropy)?;
    let stores = storage::open(&config, &env).await?;
    let health = Health::default();
    storage::watch_over(&health, &stores);
    let findings = Findings::default();
    vitals::register(&health, &findings, &env);
    let db = stores.db.clone();
    let cmdb = Cmdb::new(db.clone(), env.clone());
    let own = own::host(&cmdb).await?;
    let directory = Directory::load(cmdb.clone(), config.interval_ms)
        .await
        .map_err(|error| anyhow!(error))?;
    let remedies = Remedies::new(db.clone(), env.clone());
    let plan = Plan::default();
    plan.reload(&remedies).await?;
    let signing = SigningKey::from_bytes(&keys.order_signing);
    let driver = Arc::new(Driver::new(Arc::new(Series(stores.tsdb.clone())), own));
    let surroundings = Surroundings::new(directory.clone(), plan.clone());
    let settings = AgentSettings::new(directory.clone(), signing.verifying_key().to_bytes());
    let judging = Judging::new(
        (db, env.clone()),
        driver,
        directory.clone(),
        surroundings,
        settings,
    );
    let resolver = Arc::new(Resolver::new(stores.tsdb.clone()));
    for host in directory.all().values() {
        resolver.name(host.id, host.name.clone());
    }
    let notices = notices(&config, &env, &keys, &judging.surroundings)?;
    Ok(Core {
        config,
        env,
        keys,
        stores,
        health,
        findings,
        own,
        cmdb,
        directory,
        plan,
        remedies,
        judging,
        resolver,
        signing,
        notices,
    })
}

/// What deciding on notices and sending them needs.
fn notices(
    config: &Config,
    env: &Env,
    keys: &Keys,
    surroundings: &Surroundings,
) -> Result<notice::Context> {
    let policy = OutgoingPolicy {
        allow_local: config.allow_local,
        ..OutgoingPolicy::default()
    };
    let peer = notify::Peer {
        http: OutgoingClient::new(policy)?,
        env: env.clone(),
    };
    let given = config.public_url.clone();
    let console_url = given.unwrap_or_else(|| format!("http://{}", config.listen));
    Ok(notice::Context {
        sealer: Sealer::new(&keys.sealing),
        hosts: Arc::new(surroundings.clone()),
        peer,
        health: Arc::new(LogHealth),
        site: Site {
            name: String::new(),
            console_url,
        },
    })
}

/// Brings the judge to where it was: snapshot, rules and hosts, open problems, the log after it.
async fn judge_log(core: &Core, mut plane: DataPlane) -> Result<DataPlane> {
    let path = core.snapshot();
    let snapshot = match watch::load_snapshot(&path) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            tracing::error!(%error, "the judge's state is lost; the whole log is judged instead");
            None
        }
    };
    let from = snapshot.as_ref().map_or(0, |snapshot| snapshot.wal.offset);
    if let Some(snapshot) = snapshot {
        core.judging.driver.restore(snapshot);
    }
    let prepared = core.judging.prepare().await?;
    let open = core.judging.open_problems().await?;
    let (driver, now_ms) = (core.judging.driver.clone(), core.env.clock.now_ms());
    let judged = tokio::task::spawn_blocking(move || {
        plane.know_series();
        let updates = driver.reconcile(open, now_ms);
        plane.leave(prepared);
        plane.leave(updates);
        let report = plane.replay(WalPosition(from))?;
        Ok::<_, tsdb::Error>((plane, report))
    });
    let (plane, report) = judged.await??;
    tracing::info!(
        log.batches = report.batches,
        log.samples = report.samples,
        "the log was judged after the last snapshot"
    );
    if report.gap {
        tracing::warn!("the log does not reach back to the judge's snapshot; open problems stay");
    }
    core.stores.tsdb.set_checkpoint(WalPosition(from))?;
    Ok(plane)
}

impl Core {
    fn snapshot(&self) -> PathBuf {
        self.config.data_dir.join("judge.snapshot")
    }

    /// What the server looks at of itself.
    fn body(&self, intake: &Intake) -> Body {
        Body {
            db: self.stores.db.clone(),
            tsdb: self.stores.tsdb.clone(),
            notices: self.notices.clone(),
            intake: intake.clone(),
            env: self.env.clone(),
            data_dir: self.config.data_dir.clone(),
            embedded: self.config.is_embedded(),
            own_host: self.own,
        }
    }

    fn ports(&self) -> problem::Ports {
        let surroundings = Arc::new(self.judging.surroundings.clone());
        problem::Ports {
            hosts: surroundings.clone(),
            rules: surroundings.clone(),
            repairs: surroundings,
        }
    }

    fn fleet(&self, intake: Intake) -> Result<Fleet> {
        let inventory = Inventory::new(self.cmdb.clone());
        let ports = fleet::Ports {
            hosts: Arc::new(inventory.clone()),
            series: self.resolver.clone(),
            ingest: Arc::new(intake),
            config: Arc::new(self.judging.settings.clone()),
            events: Arc::new(Events::new(inventory, self.resolver.clone())),
        };
        let options = FleetOptions {
            db: self.stores.db.clone(),
            env: self.env.clone(),
            data_dir: self.config.data_dir.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            agent_programs: care::agent_programs(&self.config),
            order_keys: self.order_keys(),
        };
        Ok(Fleet::start(options, ports)?)
    }

    /// The keys file of a runner that believes this server.
    fn order_keys(&self) -> String {
        let public = self.signing.verifying_key().to_bytes();
        let hex: String = public.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{} {hex}\n", crate::wiring::ORDER_KEY_ID)
    }

    async fn start_stages(
        &self,
        fleet: &Fleet,
        stages: &mut JoinSet<()>,
        shutdown: &Shutdown,
    ) -> Result<()> {
        let signer = Signer::new(fleet.clone(), self.signing.clone(), self.env.clone());
        let surgeon = Surgeon::new(self.stores.db.clone(), self.env.clone(), Arc::new(signer));
        surgeon.recover().await?;
        let behind = Stages {
            db: self.stores.db.clone(),
            ports: self.ports(),
            notices: self.notices.clone(),
            surgeon,
        };
        flow::start(behind, stages, shutdown);
        Ok(())
    }

    /// The door for agents of other machines.
    fn entrance(&self, fleet: &Fleet) -> Entrance {
        let address = self.config.agents_address();
        let given = self.config.agent_address.clone();
        let shown = given.unwrap_or_else(|| care::public_address(address));
        Entrance::new(fleet.clone(), self.stores.db.clone(), address, shown)
    }

    fn follow_scripts(&self, running: &mut JoinSet<()>, shutdown: &Shutdown) {
        let (plan, remedies) = (self.plan.clone(), self.remedies.clone());
        let follow = jobs::Reconciler::new(self.stores.db.clone(), "follow scripts", 60_000)
            .hinted_by(remedy::CHANGED);
        running.spawn(follow.run(shutdown.clone(), move || {
            let (plan, remedies) = (plan.clone(), remedies.clone());
            async move { plan.reload(&remedies).await }
        }));
    }

    /// The host that this server runs on, when it is known.
    fn gatekeeper(&self) -> Arc<Gatekeeper> {
        Gatekeeper::new(self.stores.db.clone(), self.keys.csrf, self.env.clone())
    }
}

/// The own host's id, when it is known.
pub(crate) type OwnHost = Option<CiId>;
