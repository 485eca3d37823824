//! Reconcilers without input: what time and other records change, found by looking; idempotent.

use std::collections::HashMap;
use std::sync::Arc;

use db::{Db, Tx, params};
use model::{CiId, ProblemId, RunId};

use crate::decide::{Change, Context, Cover, CoverSet, Settled, settle};
use crate::error::Result;
use crate::model::Problem;
use crate::ports::{HostFacts, Ports};
use crate::service::{covers, save};
use crate::store;

/// Problems settled in one transaction.
const PROBLEMS_PER_TX: usize = 1_000;

/// How long problems that seem settled are left alone, in milliseconds: retired rules and hosts and
/// changed labels are found within it.
const FULL_PERIOD_MS: i64 = 30_000;

/// Which open problems a round looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Round {
    /// All of them.
    Full,
    /// Those that wait for something to end.
    Waiting,
}

/// The reconciler: brings open problems up to date with maintenances, silences, snoozes, flap holds,
/// repairs, retired rules and retired hosts. It remembers only what saves it work.
#[derive(Debug)]
pub struct Settler {
    ports: Ports,
    full_ms: Option<i64>,
    covers: Vec<String>,
}

impl Settler {
    /// A reconciler that will look at everything first.
    #[must_use]
    pub const fn new(ports: Ports) -> Self {
        Self {
            ports,
            full_ms: None,
            covers: Vec::new(),
        }
    }

    /// One round; how many problems changed. To be run every second and when [`crate::COVERS`] is
    /// hinted.
    ///
    /// # Errors
    /// When the store fails; the next round goes on where this one stopped.
    pub async fn run(&mut self, db: &Db) -> Result<usize> {
        let now_ms = db.env().clock.now_ms();
        let in_force = covers(&mut db.reader(), now_ms).await?;
        let names: Vec<String> = in_force.names().into_iter().map(str::to_owned).collect();
        let recent = self
            .full_ms
            .is_some_and(|at_ms| (0..FULL_PERIOD_MS).contains(&(now_ms - at_ms)));
        let round = if recent && names == self.covers {
            Round::Waiting
        } else {
            Round::Full
        };
        let changed = settle_round(db, &self.ports, round).await?;
        if round == Round::Full {
            self.full_ms = Some(now_ms);
            self.covers = names;
        }
        Ok(changed)
    }
}

/// Brings every open problem up to date, whatever is remembered.
///
/// # Errors
/// When the store fails.
pub async fn settle_all(db: &Db, ports: &Ports) -> Result<usize> {
    settle_round(db, ports, Round::Full).await
}

async fn settle_round(db: &Db, ports: &Ports, round: Round) -> Result<usize> {
    let which = match round {
        Round::Full => "closed_ms IS NULL AND id > $1 AND $2 = $2 ORDER BY id LIMIT $3",
        Round::Waiting => {
            "closed_ms IS NULL AND id > $1 AND (owed > 0 OR snoozed_until_ms <= $2)
             ORDER BY id LIMIT $3"
        }
    };
    let mut after = String::new();
    let mut changed = 0;
    loop {
        // Reading is cheap and decides; only problems that change are taken into a transaction.
        let mut reader = db.reader();
        let now_ms = db.env().clock.now_ms();
        let values = params![after.as_str(), now_ms, PROBLEMS_PER_TX];
        let page = store::problem::with(&mut reader, which, values).await?;
        let Some(last) = page.last() else {
            return Ok(changed);
        };
        after = last.id.to_string();
        let covers = covers(&mut reader, now_ms).await?;
        let mut hosts = HashMap::new();
        let due: Vec<ProblemId> = page
            .iter()
            .filter(|problem| {
                let settled = surroundings(problem, &covers, ports, &mut hosts, now_ms);
                settle(problem, &settled).is_some()
            })
            .map(|problem| problem.id)
            .collect();
        if !due.is_empty() {
            changed += settle_these(db, ports, due).await?;
        }
    }
}

async fn settle_these(db: &Db, ports: &Ports, ids: Vec<ProblemId>) -> Result<usize> {
    let (ids, ports): (Arc<[ProblemId]>, _) = (ids.into(), ports.clone());
    db.write(move |tx| Box::pin(async move { settle_in(tx, &ports, &ids).await }))
        .await
}

async fn settle_in(tx: &mut Tx, ports: &Ports, ids: &[ProblemId]) -> Result<usize> {
    let now_ms = tx.now_ms();
    let covers = covers(tx, now_ms).await?;
    let problems = store::problem::by_ids(tx, ids).await?;
    let mut hosts = HashMap::new();
    let mut changes: Vec<Change> = Vec::new();
    for problem in problems.values().filter(|problem| problem.is_open()) {
        let mut settled = surroundings(problem, &covers, ports, &mut hosts, now_ms);
        settled.context.run = RunId::from_bits(tx.new_bits());
        changes.extend(settle(problem, &settled));
    }
    changes.sort_by_key(|change| change.problem.number);
    let count = changes.len();
    save(tx, changes).await?;
    Ok(count)
}

fn surroundings(
    problem: &Problem,
    covers: &CoverSet,
    ports: &Ports,
    hosts: &mut HashMap<CiId, Arc<HostFacts>>,
    now_ms: i64,
) -> Settled {
    let ci = problem.target.ci;
    let host = hosts.entry(ci).or_insert_with(|| {
        let unknown = || HostFacts {
            name: problem.host.clone(),
            ..HostFacts::default()
        };
        ports.hosts.host(ci).unwrap_or_else(|| Arc::new(unknown()))
    });
    let cover = Cover {
        rule: problem.rule,
        rule_key: &problem.rule_key,
        group: &problem.group,
        target: &problem.target,
        severity: problem.severity,
        host,
    };
    Settled {
        context: Context {
            now_ms,
            id: problem.id,
            run: RunId::from_bits(0),
            number: problem.number,
            host: host.name.clone(),
            maintenance: covers.maintenance(&cover),
            silence: covers.silence(&cover),
            binding: ports
                .repairs
                .script_for(problem.rule, problem.severity, &problem.target),
        },
        rule: ports.rules.rule(problem.rule),
        host_retired: host.retired,
    }
}
