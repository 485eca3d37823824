//! Killing the server, and starting it again on what its disks hold.

use db::Db;
use model::flow::Transition;
use model::{Severity, Text};
use notice::courier::Lane;
use problem::jobs::Settler;
use problem::model::Problem;
use watch::{Driver, OpenProblem, Update};

use super::setup::{OWN, options};
use super::{Installation, Running, apply};
use crate::config::Sabotage;

/// Open problems read at once.
const PAGE_ROWS: usize = model::limits::PAGE_ROWS_MAX;

impl Installation {
    /// The process is gone: nothing in memory is left.
    pub(crate) async fn kill(&mut self) {
        self.plan = None;
        self.sink.interrupt(None);
        self.running = None;
        self.db.close().await;
        self.db = Db::open(options(&self.url, &self.env))
            .await
            .expect("the records store again");
    }

    /// Starts the server as `server` does: snapshot, rules, hosts, open problems, then the log.
    pub(crate) async fn start(&mut self) {
        let now_ms = self.now_ms();
        let driver = Driver::new(self.catalogue.clone(), Some(OWN));
        let forget = self.sabotage == Some(Sabotage::ForgetState);
        let from = match self.log.snapshot.as_ref().filter(|_| !forget) {
            Some((position, bytes)) => {
                driver.restore(judge::Snapshot::decode(bytes).expect("a whole snapshot"));
                *position
            }
            None if forget => self.log.end(),
            None => 0,
        };
        let config = self.watch().config().await.expect("the rules");
        // What these leave is left again by `reconcile`, which knows the open problems.
        drop(driver.set_config(&config, now_ms));
        for info in self.directory.in_service() {
            drop(driver.set_host(info, now_ms));
        }
        self.directory.learn(&config.rules);
        let open = self.open_problems().await;
        let mut updates = Vec::new();
        if self.sabotage == Some(Sabotage::ResolveAtRestart) {
            updates.extend(open.first().map(|problem| resolved(problem, now_ms)));
        }
        if !forget {
            let open = open.iter().map(as_open).collect();
            updates.extend(driver.reconcile(open, now_ms));
        }
        for number in 0..self.catalogue.count() {
            if let Some((ci, labels)) = self.catalogue.get(number) {
                driver.on_new_series(number, ci, &labels, now_ms);
            }
        }
        for logged in self.log.after(from).iter().filter(|logged| logged.live) {
            let latest_ms = logged.samples.iter().map(|sample| sample.at_ms).max();
            updates.extend(driver.replay(&logged.samples, latest_ms.unwrap_or(0)));
        }
        let ports = self.ports();
        apply(&self.db, &ports, &driver, updates).await;
        let lane = |id: &model::ChannelId| Lane::new(self.db.clone(), self.notices.clone(), *id);
        self.running = Some(Running {
            driver,
            settler: Settler::new(ports),
            lanes: self.channels.iter().map(lane).collect(),
            updates: Vec::new(),
            kept_ms: now_ms,
        });
    }

    /// Every open problem of the records.
    pub(crate) async fn open_problems(&self) -> Vec<Problem> {
        let filter = problem::Filter {
            open: Some(true),
            ..problem::Filter::default()
        };
        let (mut open, mut cursor) = (Vec::new(), None);
        loop {
            let mut reader = self.db.reader();
            let list = (&filter, problem::Sort::Opened);
            let page = problem::service::list(
                &mut reader,
                list,
                cursor.as_ref(),
                PAGE_ROWS,
                self.now_ms(),
            );
            let page = page.await.expect("the open problems");
            open.extend(page.rows);
            match page.next {
                Some(next) => cursor = Some(next),
                None => return open,
            }
        }
    }
}

fn as_open(problem: &Problem) -> OpenProblem {
    OpenProblem {
        rule: problem.rule,
        target: problem.target.clone(),
        severity: problem.severity,
        at_ms: problem.last_at_ms,
    }
}

/// The planted fault: a restart that closes what is open.
fn resolved(problem: &Problem, now_ms: i64) -> Update {
    Update::Transition(Transition {
        rule: problem.rule,
        rule_key: problem.rule_key.clone(),
        title: Text::default(),
        group: problem.group.clone(),
        target: problem.target.clone(),
        from: problem.severity,
        to: Severity::Normal,
        at_ms: now_ms.max(problem.last_at_ms + 1),
        flapping: false,
        observed: Vec::new(),
        because: "planted".to_owned(),
        notify_from: problem.notify_from,
        notify_on_fall: false,
    })
}
