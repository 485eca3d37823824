//! Transitions become problems: idempotent, in order, thousands a second.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use db::{Db, Tx};
use model::flow::Transition;
use model::{CiId, ProblemId, RunId};

use crate::decide::{Change, Context, Cover, CoverSet, Step, step};
use crate::error::Result;
use crate::model::{Problem, pair};
use crate::ports::{HostFacts, Ports};
use crate::service::{covers, save_replacing};
use crate::store;

/// Transitions of one transaction; a greater batch takes several, so that others get their turn.
const TRANSITIONS_PER_TX: usize = 2_500;

/// What applying did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Applied {
    /// Problems that opened.
    pub opened: Vec<ProblemId>,
    /// Problems that changed or closed.
    pub updated: Vec<ProblemId>,
    /// Transitions that were not newer than what is known: a replay.
    pub ignored: usize,
}

/// Applies transitions in their order; when it returns, they are durable. Applying them again does
/// nothing.
///
/// # Errors
/// When the store fails; then a prefix of them may be applied, and all may be given again.
pub async fn apply(db: &Db, ports: &Ports, transitions: Vec<Transition>) -> Result<Applied> {
    let transitions: Arc<[Transition]> = transitions.into();
    let mut applied = Applied::default();
    let mut from = 0;
    while from < transitions.len() {
        let to = transitions.len().min(from + TRANSITIONS_PER_TX);
        let (batch, ports) = (transitions.clone(), ports.clone());
        let part = db
            .write(move |tx| {
                Box::pin(async move {
                    apply_in(tx, &ports, batch.get(from..to).unwrap_or_default()).await
                })
            })
            .await?;
        applied.opened.extend(part.opened);
        applied.updated.extend(part.updated);
        applied.ignored += part.ignored;
        from = to;
    }
    Ok(applied)
}

/// The same within a transaction of the caller's.
///
/// # Errors
/// When the store fails; the transaction is then to be given up.
pub async fn apply_in(tx: &mut Tx, ports: &Ports, transitions: &[Transition]) -> Result<Applied> {
    let mut pairs: Vec<String> = transitions
        .iter()
        .map(|t| pair(t.rule, &t.target))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut batch = Batch {
        latest: store::problem::latest(tx, &pairs).await?,
        covers: covers(tx, tx.now_ms()).await?,
        number: store::problem::last_number(tx).await?,
        hosts: HashMap::new(),
        changes: Vec::new(),
        replaced: HashSet::new(),
        applied: Applied::default(),
    };
    for transition in transitions {
        batch.one(tx, ports, transition);
    }
    let Batch {
        changes,
        replaced,
        applied,
        ..
    } = batch;
    save_replacing(tx, changes, &replaced).await?;
    Ok(applied)
}

/// What a batch knows while it goes through its transitions.
struct Batch {
    latest: HashMap<String, Problem>,
    covers: CoverSet,
    number: i64,
    hosts: HashMap<CiId, Arc<HostFacts>>,
    changes: Vec<Change>,
    replaced: HashSet<ProblemId>,
    applied: Applied,
}

impl Batch {
    fn one(&mut self, tx: &Tx, ports: &Ports, transition: &Transition) {
        let pair = pair(transition.rule, &transition.target);
        let context = self.context(tx, ports, transition);
        let latest = self.latest.get(&pair);
        let change = match step(latest, transition, &context) {
            Step::Nothing => {
                self.applied.ignored += 1;
                return;
            }
            Step::Open(change) => {
                self.number += 1;
                self.replaced.extend(latest.map(|problem| problem.id));
                self.applied.opened.push(change.id());
                change
            }
            Step::Update(change) => {
                self.applied.updated.push(change.id());
                change
            }
        };
        // Entries are numbered when they are saved; what follows in this batch must count on.
        let mut problem = change.problem.clone();
        problem.entries += i64::try_from(change.entries.len()).unwrap_or(i64::MAX);
        self.latest.insert(pair, problem);
        self.changes.push(*change);
    }

    fn context(&mut self, tx: &Tx, ports: &Ports, transition: &Transition) -> Context {
        let ci = transition.target.ci;
        let host = self.hosts.entry(ci).or_insert_with(|| {
            // A host that nobody knows yet is told by its id rather than not at all.
            let unknown = || HostFacts {
                name: ci.to_string(),
                ..HostFacts::default()
            };
            ports.hosts.host(ci).unwrap_or_else(|| Arc::new(unknown()))
        });
        let cover = Cover {
            rule: transition.rule,
            rule_key: &transition.rule_key,
            group: &transition.group,
            target: &transition.target,
            severity: transition.to,
            host,
        };
        let script = ports
            .repairs
            .script_for(transition.rule, transition.to, &transition.target);
        Context {
            now_ms: tx.now_ms(),
            id: ProblemId::from_bits(tx.new_bits()),
            run: RunId::from_bits(tx.new_bits()),
            number: self.number + 1,
            host: host.name.clone(),
            maintenance: self.covers.maintenance(&cover),
            silence: self.covers.silence(&cover),
            binding: script,
        }
    }
}
