//! Asks a host for its busiest processes when a problem opens on it, and keeps the answer there.

use std::collections::BTreeMap;

use db::Db;
use fleet::{Fleet, TopProcess};
use jobs::{Reconciler, Shutdown};
use model::{CiId, ProblemId};
use problem::ProblemError;
use serde_json::{Value as Json, json};
use tokio::task::JoinSet;

/// Problems older than this are not looked into: what runs now is no longer what ran then.
const FRESH_MS: i64 = 30_000;
/// Problems looked into at a time; in a storm the newest.
const PROBLEMS_MAX: usize = 64;
/// Processes of each list.
const PROCESSES: u32 = 5;

/// Looks into fresh problems until the shutdown.
pub(crate) fn start(db: &Db, fleet: &Fleet, running: &mut JoinSet<()>, shutdown: &Shutdown) {
    let look = Reconciler::new(db.clone(), "witness problems", 5_000).hinted_by(problem::CHANGED);
    let (db, fleet) = (db.clone(), fleet.clone());
    running.spawn(look.run(shutdown.clone(), move || {
        let (db, fleet) = (db.clone(), fleet.clone());
        async move { witness(&db, &fleet).await }
    }));
}

async fn witness(db: &Db, fleet: &Fleet) -> Result<(), ProblemError> {
    let since_ms = db.env().clock.now_ms() - FRESH_MS;
    let fresh = problem::service::unwitnessed(&mut db.reader(), since_ms, PROBLEMS_MAX).await?;
    let mut by_host: BTreeMap<CiId, Vec<ProblemId>> = BTreeMap::new();
    for problem in fresh {
        by_host
            .entry(problem.target.ci)
            .or_default()
            .push(problem.id);
    }
    let mut asked = JoinSet::new();
    for (host, problems) in by_host {
        let fleet = fleet.clone();
        asked.spawn(async move { (problems, fleet.top(host, PROCESSES).await) });
    }
    while let Some(answer) = asked.join_next().await {
        // A host that does not answer is asked again while the problem is fresh.
        if let Ok((problems, Ok(top))) = answer {
            let list = |list: &[TopProcess]| list.iter().map(told).collect::<Vec<Json>>();
            let seen = json!({ "by_cpu": list(&top.by_cpu), "by_memory": list(&top.by_memory) });
            problem::service::witness(db, problems, seen).await?;
        }
    }
    Ok(())
}

fn told(process: &TopProcess) -> Json {
    json!({
        "pid": process.pid,
        "user": process.user,
        "name": process.name,
        "command": process.command,
        "cpu_ratio": process.cpu_ratio,
        "memory_bytes": process.resident_bytes,
    })
}
