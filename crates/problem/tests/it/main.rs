//! Problems on both record stores: replay, storms, covers, commands, lists.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where its ground gives way"
)]

mod applying;
mod people;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use db::{Db, Query as _, params};
use model::flow::{
    Command, Dispatch, DispatchEvent, Hold, Message as _, Observed, Outcome, RunOrder, RunResult,
    Transition, decode,
};
use model::{CiId, RuleId, ScriptId, Selector, Severity, Target, TargetKind, Text};
use problem::jobs::Settler;
use problem::model::{EntryKind, Mark, Scope, When};
use problem::service::{self, MaintenanceEdit, SilenceEdit};
use problem::{
    Binding, Filter, HostFacts, Hosts, NoRepairs, Ports, ProblemError, RepairPlan, RuleState,
    Rules, Sort,
};
use stdx::{Env, VirtualClock};
use testkit::on_both_stores;

const START_MS: i64 = 1_795_111_927_000;
const MIN_MS: i64 = 60_000;

use Severity::{Critical, Major, Normal, Warning};

#[derive(Debug, Default)]
struct World {
    retired: Mutex<Vec<CiId>>,
    rules: Mutex<HashMap<RuleId, RuleState>>,
}

impl Hosts for World {
    fn host(&self, ci: CiId) -> Option<Arc<HostFacts>> {
        Some(Arc::new(HostFacts {
            name: format!("web{:02}", ci.bits()),
            labels: vec![("env".into(), "prod".into())],
            groups: vec!["웹서버".into()],
            retired: self.retired.lock().unwrap().contains(&ci),
        }))
    }
}

impl Rules for World {
    fn rule(&self, rule: RuleId) -> RuleState {
        self.rules
            .lock()
            .unwrap()
            .get(&rule)
            .copied()
            .unwrap_or(RuleState::Live)
    }
}

#[derive(Debug)]
struct Restart;

impl RepairPlan for Restart {
    fn script_for(&self, rule: RuleId, _: Severity, _: &Target) -> Option<Binding> {
        let binding = Binding {
            script: ScriptId::from_bits(9),
            holds_notice: true,
        };
        (rule == RuleId::from_bits(9)).then_some(binding)
    }
}

struct Ground<'a> {
    db: &'a Db,
    world: Arc<World>,
    ports: Ports,
    clock: Arc<VirtualClock>,
}

impl Ground<'_> {
    async fn apply(&self, transitions: Vec<Transition>) -> service::Applied {
        service::apply(self.db, &self.ports, transitions)
            .await
            .unwrap()
    }

    /// Applies one transition so many minutes after the start, at that time.
    async fn at(&self, minute: i64, host: u128, to: Severity) -> service::Applied {
        self.clock.jump_to_ms(START_MS + minute * MIN_MS);
        self.apply(vec![transition(host, to, START_MS + minute * MIN_MS)])
            .await
    }

    async fn dispatches(&self) -> Vec<Dispatch> {
        let sql = "SELECT payload FROM core_outbox WHERE topic = $1 ORDER BY id";
        let rows = self
            .db
            .reader()
            .fetch_all(sql, params![Dispatch::KIND])
            .await
            .unwrap();
        rows.iter()
            .map(|row| decode(row.str("payload").unwrap()).unwrap())
            .collect()
    }

    async fn story(&self) -> Vec<(DispatchEvent, Option<Hold>)> {
        let dispatches = self.dispatches().await;
        dispatches
            .into_iter()
            .map(|one| (one.event, one.hold))
            .collect()
    }

    async fn open(&self) -> Vec<problem::model::Problem> {
        let filter = Filter {
            open: Some(true),
            ..Filter::default()
        };
        let now_ms = self.db.env().clock.now_ms();
        let at = (&filter, Sort::Oldest);
        service::list(&mut self.db.reader(), at, None, 500, now_ms)
            .await
            .unwrap()
            .rows
    }
}

fn transition(host: u128, to: Severity, at_ms: i64) -> Transition {
    Transition {
        rule: RuleId::from_bits(1),
        rule_key: "disk-used".into(),
        title: Text {
            ko: "디스크 사용률".into(),
            en: "Disk used".into(),
        },
        group: "disk".into(),
        target: Target {
            ci: CiId::from_bits(host),
            kind: TargetKind::new("filesystem"),
            key: "/var".into(),
        },
        from: Normal,
        to,
        at_ms,
        flapping: false,
        observed: vec![Observed {
            signal: "used".into(),
            value: 0.96,
            unit: "ratio".into(),
        }],
        because: "used > 95%".into(),
        notify_from: Major,
        notify_on_fall: false,
    }
}

async fn on_both(test: impl AsyncFn(&Ground<'_>)) {
    let (env, clock) = Env::simulated(START_MS, 1);
    on_both_stores(&env, async |store| {
        clock.jump_to_ms(START_MS);
        let world = Arc::new(World::default());
        let ports = Ports {
            hosts: world.clone(),
            rules: world.clone(),
            repairs: Arc::new(NoRepairs),
        };
        test(&Ground {
            db: &store.db,
            world,
            ports,
            clock: clock.clone(),
        })
        .await;
    })
    .await;
}
