//! Vitals: the server looks after itself and says what of it does not work.
//!
//! *Takes* a look at every part each few seconds. *Leaves* the checks of `/readyz`, the health page and
//! `/metrics`, and a problem on the server's own host for what stays broken. *Never* waits for a part
//! that hangs: a look that does not end is itself a finding.

mod look;
mod story;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use db::Db;
use jobs::Shutdown;
use model::CiId;
use stdx::Env;
use tokio::task::JoinSet;
use tsdb::Tsdb;

use crate::ingest::Intake;
use crate::routes::{Check, Health};
pub(crate) use story::SELF_CHECK;
use story::Story;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long one look may take before it is a finding.
const LOOK_WITHIN: Duration = Duration::from_secs(10);
/// How old a finding may be before the looking itself has stopped, in nanoseconds.
const STALE_NS: u64 = 45_000_000_000;

/// What is looked at.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) db: Db,
    pub(crate) tsdb: Arc<Tsdb>,
    pub(crate) notices: notice::Context,
    pub(crate) intake: Intake,
    pub(crate) env: Env,
    pub(crate) data_dir: PathBuf,
    /// Whether the records lie on the disk of the data folder.
    pub(crate) embedded: bool,
    /// The server's own host, on which problems about ourselves stand.
    pub(crate) own_host: Option<CiId>,
}

/// What a look at one part found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Finding {
    /// What is wrong and what to do; empty when nothing is.
    wrong: String,
    /// Numbers for `/metrics`: name, help, value.
    numbers: Vec<(&'static str, &'static str, f64)>,
}

/// The last findings, by the name of the check.
#[derive(Clone, Default)]
pub(crate) struct Findings(Arc<Mutex<BTreeMap<&'static str, (Finding, u64)>>>);

impl Findings {
    fn note(&self, name: &'static str, finding: Finding, now_ns: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(name, (finding, now_ns));
    }

    fn of(&self, name: &'static str) -> Option<(Finding, u64)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(name).cloned()
    }

    /// The numbers of every finding.
    pub(crate) fn numbers(&self) -> Vec<(&'static str, &'static str, f64)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values()
            .flat_map(|(finding, _)| finding.numbers.clone())
            .collect()
    }
}

/// Adds a check for every part; they answer from the last look.
pub(crate) fn register(health: &Health, findings: &Findings, env: &Env) {
    for name in look::PARTS {
        let (findings, env) = (findings.clone(), env.clone());
        health.add(move || {
            let detail = match findings.of(name) {
                // Nobody has looked yet: the server is just starting.
                None => String::new(),
                Some((_, at_ns)) if env.clock.mono_ns().saturating_sub(at_ns) > STALE_NS => {
                    "has not answered for 45 seconds".to_owned()
                }
                Some((finding, _)) => finding.wrong,
            };
            Check {
                name,
                ok: detail.is_empty(),
                detail,
            }
        });
    }
}

/// Starts looking, until the shutdown.
pub(crate) fn start(
    body: &Body,
    (health, findings): (&Health, &Findings),
    running: &mut JoinSet<()>,
    shutdown: &Shutdown,
) {
    for name in look::PARTS {
        let (body, findings) = (body.clone(), findings.clone());
        let mut stop = shutdown.clone();
        running.spawn(async move {
            tokio::select! {
                () = keep_looking(name, &body, &findings) => {}
                () = stop.wait() => {}
            }
        });
    }
    let (body, health, mut stop) = (body.clone(), health.clone(), shutdown.clone());
    running.spawn(async move {
        tokio::select! {
            () = keep_telling(&body, &health) => {}
            () = stop.wait() => {}
        }
    });
}

/// One part, again and again; parts that hang do not keep others from being looked at.
async fn keep_looking(name: &'static str, body: &Body, findings: &Findings) {
    loop {
        let finding = match tokio::time::timeout(LOOK_WITHIN, look::at(name, body)).await {
            Ok(finding) => finding,
            Err(_) => Finding {
                wrong: format!("does not answer within {} s", LOOK_WITHIN.as_secs()),
                numbers: Vec::new(),
            },
        };
        if !finding.wrong.is_empty() {
            tracing::warn!(check = name, "{}", finding.wrong);
        }
        findings.note(name, finding, body.env.clock.mono_ns());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Opens and closes problems about ourselves.
async fn keep_telling(body: &Body, health: &Health) {
    let Some(own_host) = body.own_host else {
        return;
    };
    let mut story = Story::new(own_host);
    let mut known = false;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if !known {
            // What an earlier run opened is taken over, so that a restart opens nothing again.
            match story::open_ones(&body.db, body.env.clock.now_ms()).await {
                Ok(open) => {
                    story.take_over(open);
                    known = true;
                }
                Err(error) => {
                    tracing::warn!(%error, "problems about ourselves cannot be read yet");
                    continue;
                }
            }
        }
        let updates = story.tell(&health.checks(), body.env.clock.now_ms());
        if !updates.is_empty() {
            body.intake.edit(move |_, _| updates).await;
        }
    }
}
