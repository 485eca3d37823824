//! Watching over the API: a real records store, a real driver, hosts and series in memory.

mod documents;
mod rules;
mod state;
mod whom;

use std::sync::{Arc, Mutex};

use judge::Sample;
use model::{CiId, Labels, Selector};
use serde_json::{Value, json};
use stdx::Env;
use testkit::Store;
use web::testing::{Asked, Asker};

use super::{Api, Inventory};
use crate::matching::Matchers;
use crate::{Arrival, Catalog, Driver, History, HostInfo, SeriesPoints, Watch};

const NOW_MS: i64 = 1_700_000_000_000;
const HOUR_MS: i64 = 3_600_000;
const WEB: CiId = CiId::from_bits(1);
const DB: CiId = CiId::from_bits(2);

fn host(ci: CiId, name: &str, env: &str) -> HostInfo {
    HostInfo {
        ci,
        name: name.into(),
        os: "linux".into(),
        labels: [("env".to_owned(), env.to_owned())].into(),
        interval_ms: 10_000,
    }
}

fn fleet() -> Vec<HostInfo> {
    vec![host(WEB, "web01", "prod"), host(DB, "db01", "dev")]
}

/// The hosts, their series, and the history of those.
#[derive(Debug, Default)]
struct World(Mutex<Vec<(CiId, Labels)>>);

impl Inventory for World {
    fn hosts(&self) -> Vec<HostInfo> {
        fleet()
    }
}

impl Catalog for World {
    fn by_selector(&self, selector: &Selector, each: &mut dyn FnMut(u32, CiId, &Labels)) {
        let matchers = Matchers::new(selector).unwrap();
        for (number, (ci, labels)) in (0..).zip(self.0.lock().unwrap().iter()) {
            if matchers.match_series(labels) {
                each(number, *ci, labels);
            }
        }
    }

    fn by_host(&self, host: CiId, each: &mut dyn FnMut(u32, &Labels)) {
        for (number, (ci, labels)) in (0..).zip(self.0.lock().unwrap().iter()) {
            if *ci == host {
                each(number, labels);
            }
        }
    }
}

impl History for World {
    /// web01's `/var` is full in the first of every six hours.
    fn range(
        &self,
        host: CiId,
        _: &Selector,
        (from_ms, to_ms): (i64, i64),
    ) -> Result<Vec<SeriesPoints>, String> {
        if host != WEB {
            return Ok(Vec::new());
        }
        let labels = Labels::metric("used_ratio", &[("mountpoint", "/var")]).unwrap();
        let times = (from_ms..to_ms).step_by(60_000);
        let value = |at_ms: i64| if at_ms / HOUR_MS % 6 == 0 { 0.99 } else { 0.1 };
        Ok(vec![(
            labels,
            times.map(|at_ms| (at_ms, value(at_ms))).collect(),
        )])
    }
}

struct Ground {
    asked: Asked,
    watch: Watch,
    driver: Arc<Driver>,
    world: Arc<World>,
    _store: Store,
}

impl Ground {
    async fn new() -> Self {
        let (env, _) = Env::simulated(NOW_MS, 5);
        let store = testkit::sqlite_store(&env).await;
        let (watch, world) = (Watch::new(store.db.clone()), Arc::new(World::default()));
        let driver = Arc::new(Driver::new(world.clone(), None));
        for host in fleet() {
            driver.set_host(host, NOW_MS);
        }
        let api = Api {
            watch: watch.clone(),
            driver: driver.clone(),
            inventory: world.clone(),
            history: world.clone(),
        };
        Self {
            asked: Asked::new(super::routes(api), env),
            watch,
            driver,
            world,
            _store: store,
        }
    }

    /// Asks as an administrator.
    fn admin(&self) -> Asker<'_> {
        self.asked.administrator()
    }

    /// What a viewer sees.
    async fn get(&self, path: &str) -> Value {
        self.asked.viewer().get(path).await.expect(200)
    }

    /// A rule, made over the API; its answer.
    async fn rule(&self, key: &str) -> Value {
        let body = json!({"rule": rule(key)});
        self.admin().post("/api/v1/rules", body).await.expect(201)
    }

    /// Takes what is kept into the driver, and samples of two file systems of web01.
    async fn judge(&self) {
        let config = self.watch.config().await.unwrap();
        self.driver.set_config(&config, NOW_MS);
        for (series, mountpoint) in [(0, "/"), (1, "/var")] {
            let labels = Labels::metric("used_ratio", &[("mountpoint", mountpoint)]).unwrap();
            self.world.0.lock().unwrap().push((WEB, labels.clone()));
            self.driver.on_new_series(series, WEB, &labels, NOW_MS);
        }
        let sample = |series, value| Sample {
            series,
            at_ms: NOW_MS,
            value,
        };
        self.driver.ingest(Arrival {
            host: WEB,
            mono_ms: 0,
            now_ms: NOW_MS,
            samples: &[sample(0, 0.5), sample(1, 0.97)],
        });
    }
}

fn rule(key: &str) -> Value {
    json!({
        "key": key, "title": {"ko": "디스크 사용률", "en": "Disk used"}, "group": "disk",
        "target": {"kind": "filesystem", "by": ["mountpoint"]},
        "signals": {"used": {"series": "used_ratio", "unit": "ratio"}},
        "levels": [{"severity": "warning", "any": [{"all": ["used > 80%"]}]},
                   {"severity": "major", "any": [{"all": ["used > 95%"]}]}],
    })
}

fn texts<'a>(page: &'a Value, path: &str) -> Vec<&'a str> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item.pointer(path).and_then(Value::as_str).unwrap_or("-"))
        .collect()
}
