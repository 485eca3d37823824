//! What is judged: defaults, configuration and hosts, at the start and whenever they change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow};
use db::Db;
use jobs::{Reconciler, Shutdown};
use model::CiId;
use model::rule::Rule;
use problem::service as problems;
use stdx::Env;
use tokio::task::JoinSet;
use watch::{Driver, HostInfo, OpenProblem, Update, Watch};

use crate::ingest::Intake;
use crate::vitals::SELF_CHECK;
use crate::wiring::{AgentSettings, Directory, Surroundings};

/// Open problems read at once at the start.
const PAGE_ROWS: usize = model::limits::PAGE_ROWS_MAX;

/// Everything that follows changes of what is judged.
#[derive(Clone)]
pub(crate) struct Judging {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) watch: Watch,
    pub(crate) driver: Arc<Driver>,
    pub(crate) directory: Directory,
    pub(crate) surroundings: Surroundings,
    pub(crate) settings: AgentSettings,
    hosts: Arc<Mutex<HashMap<CiId, HostInfo>>>,
}

/// The default rules of every collector, with the collector's name.
pub(crate) fn defaults() -> Result<Vec<(String, Rule)>> {
    let mut all = Vec::new();
    for plugin in collect::ALL {
        let rules = plugin
            .rules()
            .with_context(|| format!("rules of `{}`", plugin.name))?;
        all.extend(rules.into_iter().map(|rule| (plugin.name.to_owned(), rule)));
    }
    all.extend(watch::own_rules()?);
    Ok(all)
}

impl Judging {
    pub(crate) fn new(
        (db, env): (Db, Env),
        driver: Arc<Driver>,
        directory: Directory,
        surroundings: Surroundings,
        settings: AgentSettings,
    ) -> Self {
        let watch = Watch::new(db.clone());
        let hosts = Arc::default();
        Self {
            db,
            env,
            watch,
            driver,
            directory,
            surroundings,
            settings,
            hosts,
        }
    }

    /// Rules, hosts and open problems, before the log is judged.
    pub(crate) async fn prepare(&self) -> Result<Vec<Update>> {
        let report = self.watch.install_defaults(defaults()?).await?;
        if !report.added.is_empty() || !report.updated.is_empty() {
            tracing::info!(
                added = report.added.len(),
                updated = report.updated.len(),
                "default rules installed"
            );
        }
        let now_ms = self.env.clock.now_ms();
        let config = self.watch.config().await?;
        let watched = self.watch.watched(None, false).await?;
        let mut updates = self.driver.set_config(&config, now_ms);
        for info in self.directory.in_service() {
            updates.extend(self.driver.set_host(info.clone(), now_ms));
            self.hosts().insert(info.ci, info);
        }
        self.surroundings.learn(&config, &self.driver);
        self.settings.learn(config, watched);
        Ok(updates)
    }

    /// The problems that the records say are open.
    pub(crate) async fn open_problems(&self) -> Result<Vec<OpenProblem>> {
        let filter = problem::Filter {
            open: Some(true),
            ..problem::Filter::default()
        };
        let sort = problem::Sort::Opened;
        let (mut open, mut cursor) = (Vec::new(), None);
        loop {
            let now_ms = self.env.clock.now_ms();
            let mut reader = self.db.reader();
            let page = problems::list(
                &mut reader,
                (&filter, sort),
                cursor.as_ref(),
                PAGE_ROWS,
                now_ms,
            );
            let page = page.await.map_err(|error| anyhow!(error))?;
            // Problems about the server itself have no pair; `vitals` goes on with them.
            let judged = page.rows.into_iter();
            let judged = judged.filter(|problem| problem.rule != SELF_CHECK);
            open.extend(judged.map(|problem| OpenProblem {
                rule: problem.rule,
                target: problem.target,
                severity: problem.severity,
                at_ms: problem.last_at_ms,
            }));
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(open),
            }
        }
    }

    /// Follows changes of rules and hosts until the shutdown.
    pub(crate) fn follow(
        &self,
        intake: &Intake,
        fleet: &fleet::Fleet,
        running: &mut JoinSet<()>,
        shutdown: &Shutdown,
    ) {
        let (judging, intake, fleet) = (self.clone(), intake.clone(), fleet.clone());
        let rules = Reconciler::new(self.db.clone(), "follow rules", 60_000)
            .hinted_by(watch::CHANGED)
            .hinted_by(cmdb::CHANGED);
        running.spawn(rules.run(shutdown.clone(), move || {
            let (judging, intake, fleet) = (judging.clone(), intake.clone(), fleet.clone());
            async move { judging.refresh(&intake, &fleet).await }
        }));
    }

    async fn refresh(&self, intake: &Intake, fleet: &fleet::Fleet) -> Result<()> {
        self.directory.reload().await?;
        self.watch.expire_overrides().await?;
        let config = self.watch.config().await?;
        let watched = self.watch.watched(None, false).await?;
        let (changed, gone) = self.difference();
        let judged = config.clone();
        intake
            .edit(move |driver, now_ms| {
                let mut updates = Vec::new();
                for info in changed {
                    updates.extend(driver.set_host(info, now_ms));
                }
                for host in gone {
                    updates.extend(driver.remove_host(host, now_ms));
                }
                updates.extend(driver.set_config(&judged, now_ms));
                updates
            })
            .await;
        self.surroundings.learn(&config, &self.driver);
        self.settings.learn(config, watched);
        fleet.config_changed(None);
        Ok(())
    }

    /// Hosts that are new or changed, and those that left service.
    fn difference(&self) -> (Vec<HostInfo>, Vec<CiId>) {
        let mut known = self.hosts();
        let now: HashMap<CiId, HostInfo> = self
            .directory
            .in_service()
            .into_iter()
            .map(|info| (info.ci, info))
            .collect();
        let changed = now
            .values()
            .filter(|info| known.get(&info.ci) != Some(*info));
        let changed = changed.cloned().collect();
        let gone = known
            .keys()
            .filter(|ci| !now.contains_key(ci))
            .copied()
            .collect();
        *known = now;
        (changed, gone)
    }

    fn hosts(&self) -> std::sync::MutexGuard<'_, HashMap<CiId, HostInfo>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
