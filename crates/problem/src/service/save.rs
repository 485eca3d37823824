//! Writes what was decided: problems, timelines and messages, in one transaction.

use std::collections::{HashMap, HashSet};

use db::{Query, Tx};
use model::ProblemId;
use model::flow::RunOrder;

use crate::decide::{Change, CoverSet};
use crate::error::Result;
use crate::store;

/// Keeps changes in their order; a problem may appear more than once, its last state counts.
pub(crate) async fn save(tx: &mut Tx, changes: Vec<Change>) -> Result<()> {
    save_replacing(tx, changes, &HashSet::new()).await
}

/// The same, when some problems of the batch make room for newer ones of their pair.
pub(crate) async fn save_replacing(
    tx: &mut Tx,
    changes: Vec<Change>,
    replaced: &HashSet<ProblemId>,
) -> Result<()> {
    let mut problems: Vec<crate::model::Problem> = Vec::with_capacity(changes.len());
    let mut places = HashMap::<ProblemId, usize>::new();
    let (mut entries, mut dispatches, mut orders) = (Vec::new(), Vec::new(), Vec::new());
    let now_ms = tx.now_ms();
    for change in changes {
        let Change {
            mut problem,
            entries: new,
            dispatches: told,
            order,
        } = change;
        for entry in new {
            problem.entries += 1;
            entries.push((problem.id, problem.entries, entry));
        }
        dispatches.extend(told);
        orders.extend(order.map(|order| RunOrder {
            run: order.run,
            script: order.script,
            problem: Some(problem.id),
            host: problem.target.ci,
            target: Some(problem.target.clone()),
            by: None,
            dry_run: false,
            at_ms: now_ms,
        }));
        match places.get(&problem.id).and_then(|at| problems.get_mut(*at)) {
            Some(known) => *known = problem,
            None => {
                places.insert(problem.id, problems.len());
                problems.push(problem);
            }
        }
    }
    store::problem::no_longer_latest(tx, replaced).await?;
    store::problem::save(tx, &problems, replaced).await?;
    store::entry::append(tx, &entries).await?;
    store::outbox::dispatches(tx, &dispatches).await?;
    store::outbox::orders(tx, &orders).await?;
    if !problems.is_empty() {
        tx.hint(crate::CHANGED);
    }
    Ok(())
}

/// The maintenances and silences in force now.
pub(crate) async fn covers(from: &mut impl Query, now_ms: i64) -> Result<CoverSet> {
    let maintenances = store::cover::current_maintenances(from, now_ms).await?;
    let silences = store::cover::current_silences(from, now_ms).await?;
    Ok(CoverSet::new(&maintenances, &silences, now_ms))
}
