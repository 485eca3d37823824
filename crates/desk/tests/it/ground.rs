//! A desk over real stores: records on SQLite, metrics on disk, one host with values and discoveries.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use account::Accounts;
use axum::body::Body;
use axum::http::{Request, header};
use cmdb::{Cmdb, Host, Seen};
use db::BoxFuture;
use fleet::{
    AgentConfig, ConfigSource, EventSink, Fleet, FleetEvent, FleetOptions, HostFacts, HostIdentity,
    HostRegistry, Ingest, IngestBatch, IngestRefused, Ports, RegistryRefused, SeriesRefused,
    SeriesResolver, TokenGrant,
};
use model::flow::{Observed, Transition};
use model::{CiId, Labels, RuleId, Selector, Severity, Target, TargetKind, Text};
use notice::{LogHealth, Sealer, Site};
use remedy::Remedies;
use stdx::Env;
use testkit::{Store, TempDir};
use tsdb::{AppendBatch, Options, Tsdb};
use watch::{Catalog, Driver, HostInfo, Watch};
use web::testing::{Answer, Asked};
use web::{OutgoingClient, OutgoingPolicy, Role};

use desk::{Desk, HealthLine, HostBook, Live, OwnHealth};

pub(crate) const NOW_MS: i64 = 1_795_111_927_000;

/// The rest of the server, as far as these pages look at it.
#[derive(Debug)]
struct Rest;

impl HostRegistry for Rest {
    fn enrol<'a>(
        &'a self,
        _: &'a HostFacts,
        _: &'a TokenGrant,
        _: Option<CiId>,
    ) -> BoxFuture<'a, Result<HostIdentity, RegistryRefused>> {
        Box::pin(async { Err(RegistryRefused("not here".into())) })
    }

    fn name(&self, _: CiId) -> BoxFuture<'_, Option<String>> {
        Box::pin(async { None })
    }
}

impl SeriesResolver for Rest {
    fn resolve(&self, _: CiId, _: &str, _: &[(&str, &str)]) -> Result<u32, SeriesRefused> {
        Ok(0)
    }
}

impl Ingest for Rest {
    fn accept(&self, _: IngestBatch) -> BoxFuture<'_, Result<(), IngestRefused>> {
        Box::pin(async { Ok(()) })
    }
}

impl ConfigSource for Rest {
    fn config_for(&self, _: CiId) -> BoxFuture<'_, AgentConfig> {
        Box::pin(async { AgentConfig::default() })
    }
}

impl EventSink for Rest {
    fn event(&self, _: FleetEvent) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

impl Catalog for Rest {
    fn by_selector(&self, _: &Selector, _: &mut dyn FnMut(u32, CiId, &Labels)) {}

    fn by_host(&self, _: CiId, _: &mut dyn FnMut(u32, &Labels)) {}
}

impl notice::Hosts for Rest {
    fn host(&self, _: CiId) -> Option<Arc<notice::HostFacts>> {
        None
    }
}

impl problem::Hosts for Rest {
    fn host(&self, _: CiId) -> Option<Arc<problem::HostFacts>> {
        Some(Arc::new(problem::HostFacts {
            name: "web01".into(),
            labels: vec![("env".into(), "prod".into())],
            groups: vec!["웹서버".into()],
            retired: false,
        }))
    }
}

impl problem::Rules for Rest {
    fn rule(&self, _: RuleId) -> problem::RuleState {
        problem::RuleState::Live
    }
}

impl OwnHealth for Rest {
    fn lines(&self) -> Vec<HealthLine> {
        vec![HealthLine {
            name: "records-store",
            ok: false,
            detail: "the disk is full".into(),
        }]
    }
}

struct Book(Arc<HashMap<CiId, Arc<Host>>>);

impl HostBook for Book {
    fn all(&self) -> Arc<HashMap<CiId, Arc<Host>>> {
        self.0.clone()
    }

    fn groups_of(&self, _: CiId) -> Vec<String> {
        Vec::new()
    }
}

pub(crate) struct Ground {
    pub(crate) desk: Desk,
    pub(crate) asked: Asked,
    /// The one host, `web01`; of an empty ground no host has this id.
    pub(crate) host: CiId,
    _keep: (Store, TempDir),
}

impl Ground {
    /// A desk of a server that was just started.
    pub(crate) async fn empty() -> Self {
        Self::new(false).await
    }

    /// A desk with one host that was measured and looked at.
    pub(crate) async fn with_host() -> Self {
        Self::new(true).await
    }

    async fn new(with_host: bool) -> Self {
        let (env, _) = Env::simulated(NOW_MS, 7);
        let store = testkit::sqlite_store(&env).await;
        let folder = TempDir::new();
        let cmdb = Cmdb::new(store.db.clone(), env.clone());
        let options = Options {
            background: false,
            ..Options::default()
        };
        let (tsdb, _) = Tsdb::open(&folder.join("metrics"), options, env.clone()).unwrap();
        let driver = Driver::new(Arc::new(Rest), None);
        let mut hosts = HashMap::new();
        if with_host {
            let host = web01(&cmdb).await;
            driver.set_host(info(&host), NOW_MS);
            measure(&tsdb, host.id);
            hosts.insert(host.id, Arc::new(host));
        }
        let host = hosts.keys().next().copied();
        let fleet = fleet(&store, &env, &folder);
        let desk = Desk {
            accounts: Accounts::new(store.db.clone(), env.clone()),
            hosts: Arc::new(Book(Arc::new(hosts))),
            watch: Watch::new(store.db.clone()),
            driver: Arc::new(driver),
            fleet,
            entrance: Arc::new(String::from("monitor.example.com:7701")),
            notices: notices(&env),
            remedies: Remedies::new(store.db.clone(), env.clone()),
            tsdb: Arc::new(tsdb),
            live: Live::default(),
            health: Arc::new(Rest),
            time_zone: "Asia/Seoul".into(),
            db: store.db.clone(),
            cmdb,
            env: env.clone(),
        };
        let asked = Asked::new(desk::routes(desk.clone()), env);
        Self {
            desk,
            asked,
            host: host.unwrap_or(CiId::from_bits(404)),
            _keep: (store, folder),
        }
    }

    /// Asks for a page as somebody with a role, in a language.
    pub(crate) async fn get(&self, (role, lang): (Role, &str), path: &str) -> Answer {
        let cookie = format!("bongsu_lang={lang}");
        self.asked
            .with_role(role)
            .header("cookie", &cookie)
            .get(path)
            .await
    }

    /// A page as an administrator sees it, in English.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get((Role::Administrator, "en"), path).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text);
        answer.text
    }

    /// Sends a form as somebody with a role.
    pub(crate) async fn send(&self, role: Role, path: &str, form: &[(&str, &str)]) -> Answer {
        let pairs = form
            .iter()
            .map(|(key, value)| format!("{}={}", ui::encode(key), ui::encode(value)));
        let body: Vec<String> = pairs.collect();
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", role.name()))
            .header(header::COOKIE, "bongsu_lang=en")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.join("&")))
            .unwrap();
        self.asked.send(request).await
    }

    /// Sends a form from a browser's session, with the form token it shows.
    pub(crate) async fn browse(&self, role: Role, path: &str, token: &str) -> Answer {
        let cookie = format!("bongsu_session={}; bongsu_lang=en", role.name());
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header(header::COOKIE, cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("csrf={token}")))
            .unwrap();
        self.asked.send(request).await
    }

    /// Opens a problem of the host's disk; its page.
    pub(crate) async fn problem(&self, number: u128) -> String {
        let applied = self.apply(number, Severity::Major).await;
        format!("/problems/{}", applied.opened[0])
    }

    /// Applies one transition of the host's disk `number`.
    pub(crate) async fn apply(&self, number: u128, to: Severity) -> problem::service::Applied {
        let transitions = vec![transition(self.host, number, to)];
        let world = Arc::new(Rest);
        let ports = problem::Ports {
            hosts: world.clone(),
            rules: world,
            repairs: Arc::new(problem::NoRepairs),
        };
        problem::service::apply(&self.desk.db, &ports, transitions)
            .await
            .unwrap()
    }

    /// Where an action that was done leads.
    #[track_caller]
    pub(crate) fn taken(answer: &Answer) -> String {
        assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
        answer.header("location").to_owned()
    }
}

fn transition(ci: CiId, number: u128, to: Severity) -> Transition {
    Transition {
        rule: RuleId::from_bits(number),
        rule_key: "disk-used".into(),
        title: Text {
            ko: "디스크 사용률".into(),
            en: "Disk used".into(),
        },
        group: "disk".into(),
        target: Target {
            ci,
            kind: TargetKind::new("filesystem"),
            key: format!("/disk{number}"),
        },
        from: Severity::Normal,
        to,
        at_ms: NOW_MS,
        flapping: false,
        observed: vec![Observed {
            signal: "used".into(),
            value: 0.96,
            unit: "ratio".into(),
        }],
        because: "used > 95%".into(),
        notify_from: Severity::Major,
        notify_on_fall: false,
    }
}

async fn web01(cmdb: &Cmdb) -> Host {
    let facts = cmdb::HostFacts {
        hostname: "web01".into(),
        machine: "m1".into(),
        os_family: "linux".into(),
        ..cmdb::HostFacts::default()
    };
    let labels = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
    let host = cmdb.enrol(facts, labels).await.unwrap();
    let seen = |kind: &str, key: &str| Seen {
        kind: kind.into(),
        key: key.into(),
        title: key.into(),
        attributes: BTreeMap::new(),
    };
    let things = vec![
        seen("unit", "nginx.service"),
        seen("filesystem", "/var lib"),
    ];
    cmdb.discover(host.id, things).await.unwrap();
    host
}

fn info(host: &Host) -> HostInfo {
    HostInfo {
        ci: host.id,
        name: host.name.clone(),
        os: host.facts.os_family.clone(),
        labels: host.labels.clone(),
        interval_ms: 10_000,
    }
}

/// An hour of a queue that grows to 60, ending now.
fn measure(tsdb: &Tsdb, host: CiId) {
    let labels = Labels::metric("queue_length", &[("ci", &host.to_string())]).unwrap();
    let series = tsdb.resolve(&labels).unwrap();
    let mut batch = AppendBatch::new(1, 0);
    for minute in 0..60_i32 {
        let at_ms = NOW_MS - i64::from(60 - minute) * 60_000;
        batch.push(series, at_ms, f64::from(minute));
    }
    tsdb.append(&batch).unwrap();
}

fn fleet(store: &Store, env: &Env, folder: &TempDir) -> Fleet {
    let rest = Arc::new(Rest);
    let ports = Ports {
        hosts: rest.clone(),
        series: rest.clone(),
        ingest: rest.clone(),
        config: rest.clone(),
        events: rest,
    };
    let options = FleetOptions {
        db: store.db.clone(),
        env: env.clone(),
        data_dir: folder.path().to_owned(),
        version: "0.1.0".into(),
        agent_programs: BTreeMap::new(),
        order_keys: String::new(),
    };
    Fleet::start(options, ports).unwrap()
}

fn notices(env: &Env) -> notice::Context {
    let policy = OutgoingPolicy {
        allow_local: true,
        connect_timeout: Duration::from_secs(2),
        timeout: Duration::from_secs(2),
    };
    notice::Context {
        sealer: Sealer::new(&[7; 32]),
        hosts: Arc::new(Rest),
        peer: notify::Peer {
            http: OutgoingClient::new(policy).unwrap(),
            env: env.clone(),
        },
        health: Arc::new(LogHealth),
        site: Site::default(),
    }
}
