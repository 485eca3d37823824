//! The one task that keeps the picture current and tells open boards what changed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use cmdb::Host;
use console::BoardEvent;
use jobs::Shutdown;
use model::CiId;
use watch::BoardDelta;

use super::picture::Sources;
use super::{Live, Picture, coverage};
use crate::Desk;

/// How long changes gather before they are told, in milliseconds.
const COALESCE_MS: u64 = 250;
/// Open problems are looked at again after this long even without a hint, in milliseconds.
const PROBLEMS_PERIOD_MS: i64 = 10_000;
/// Discovered things are counted again after this long, in milliseconds: the dearest look.
const COVERAGE_PERIOD_MS: i64 = 60_000;
/// Looking at open problems may take at most one part in so many of the time.
const SHARE: i64 = 10;

/// Keeps what pages and boards show from memory current until the server stops.
pub async fn keep_live(desk: Desk, mut shutdown: Shutdown) {
    let live = desk.live.clone();
    live.open();
    let mut keeper = Keeper::new(desk);
    let mut problems = keeper.desk.db.listen(problem::CHANGED);
    let mut discovered = keeper.desk.db.listen(cmdb::CHANGED);
    let mut every = tokio::time::interval(Duration::from_millis(COALESCE_MS));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.wait() => break,
            () = problems.wait() => keeper.problems_changed = true,
            () = discovered.wait() => keeper.coverage_due_ms = keeper.coverage_due_ms.min(
                keeper.now_ms() + COVERAGE_PERIOD_MS / 10,
            ),
            _ = every.tick() => keeper.turn().await,
        }
    }
    live.close();
}

struct Keeper {
    desk: Desk,
    sources: Sources,
    hosts: Arc<HashMap<CiId, Arc<Host>>>,
    judge_generation: Option<u64>,
    problems_changed: bool,
    problems_due_ms: i64,
    problems_not_before_ms: i64,
    coverage_due_ms: i64,
}

impl Keeper {
    fn new(desk: Desk) -> Self {
        Self {
            desk,
            sources: Sources::default(),
            hosts: Arc::default(),
            judge_generation: None,
            problems_changed: true,
            problems_due_ms: i64::MIN,
            problems_not_before_ms: i64::MIN,
            coverage_due_ms: i64::MIN,
        }
    }

    fn now_ms(&self) -> i64 {
        self.desk.env.clock.now_ms()
    }

    fn live(&self) -> &Live {
        &self.desk.live
    }

    /// Looks at everything that may have changed and tells what did.
    async fn turn(&mut self) {
        let mut touched: HashSet<CiId> = HashSet::new();
        let told = self.take_problems(&mut touched).await;
        self.take_coverage().await;
        self.take_cells(&mut touched);
        let before = self.live().picture();
        let hosts = self.desk.hosts.all();
        if before.generation == 0 || !Arc::ptr_eq(&hosts, &self.hosts) && moved(&hosts, &before) {
            self.take_rows(&hosts, before.generation);
        } else if let Some((after, event)) = self.sources.redraw(&before, touched.into_iter()) {
            self.live().set(Arc::new(after));
            self.live().tell(&event);
        }
        self.hosts = hosts;
        self.tell_counts(&before.counts);
        if told {
            self.live().tell(&BoardEvent::Problems);
        }
    }

    /// Takes the open problems; whether it was worth telling boards of it.
    async fn take_problems(&mut self, touched: &mut HashSet<CiId>) -> bool {
        let now_ms = self.now_ms();
        let hinted = self.problems_changed && now_ms >= self.problems_not_before_ms;
        if !hinted && now_ms < self.problems_due_ms {
            return false;
        }
        let open = problem::service::open_cells(&mut self.desk.db.reader()).await;
        let open = match open {
            Ok(open) => open,
            Err(error) => {
                tracing::warn!(%error, "the board cannot read the open problems");
                self.problems_not_before_ms = now_ms + PROBLEMS_PERIOD_MS;
                return false;
            }
        };
        let before = std::mem::take(&mut self.sources.marks);
        self.sources.set_problems(&open);
        let after = &self.sources.marks;
        let either = before.keys().chain(after.keys());
        touched.extend(either.filter(|ci| before.get(ci) != after.get(ci)).copied());
        let took_ms = self.now_ms() - now_ms;
        self.problems_changed = false;
        self.problems_due_ms = now_ms + PROBLEMS_PERIOD_MS;
        self.problems_not_before_ms = now_ms + took_ms * SHARE;
        hinted
    }

    async fn take_coverage(&mut self) {
        let now_ms = self.now_ms();
        if now_ms < self.coverage_due_ms {
            return;
        }
        match coverage::of_all(&self.desk).await {
            Ok(counted) => self.sources.coverage = counted,
            Err(error) => tracing::warn!(%error, "the board cannot count what was discovered"),
        }
        self.coverage_due_ms = now_ms + COVERAGE_PERIOD_MS;
    }

    /// Takes the judge's cells that changed since the last look.
    fn take_cells(&mut self, touched: &mut HashSet<CiId>) {
        let delta = match self.judge_generation {
            None => BoardDelta::Whole(self.desk.driver.board()),
            Some(generation) => self.desk.driver.board_since(generation),
        };
        match delta {
            BoardDelta::Whole(board) => {
                self.judge_generation = Some(board.generation);
                self.sources.set_columns(&board.columns);
                self.sources.judged = board.hosts.into_iter().collect();
                touched.extend(self.sources.judged.keys());
            }
            BoardDelta::Cells { generation, cells } => {
                self.judge_generation = Some(generation);
                for (host, column, cell) in cells {
                    let width = self.sources.columns.len();
                    let row = self.sources.judged.entry(host);
                    let row = row.or_insert_with(|| vec![judge::CELL_STATE; width]);
                    if usize::from(column) >= row.len() {
                        // A rule brought a new column: its name stands in the whole board only.
                        self.judge_generation = None;
                        continue;
                    }
                    if let Some(known) = row.get_mut(usize::from(column)) {
                        *known = cell;
                    }
                    touched.insert(host);
                }
            }
        }
    }

    /// Draws every row anew: hosts came, went or were renamed, so that boards start anew.
    fn take_rows(&self, hosts: &HashMap<CiId, Arc<Host>>, known: u64) {
        // Another start of the server never repeats a generation that a browser may still hold.
        let first = u64::try_from(self.now_ms()).unwrap_or(1).max(1);
        let generation = if known == 0 { first } else { known + 1 };
        let picture = self.sources.draw(hosts, generation);
        self.live().set(Arc::new(picture));
        self.live().tell(&BoardEvent::Hosts);
    }

    fn tell_counts(&self, before: &console::views::BoardCounts) {
        let picture = self.live().picture();
        let counts = self.sources.count(&picture.rows);
        if counts != picture.counts {
            let mut after = (*picture).clone();
            after.counts = counts;
            self.live().set(Arc::new(after));
        }
        if counts != *before {
            self.live().tell(&BoardEvent::Counts(counts));
        }
    }
}

/// Whether hosts came, went or were renamed.
fn moved(hosts: &HashMap<CiId, Arc<Host>>, picture: &Picture) -> bool {
    let mut known = 0;
    let strange = hosts.values().any(|host| {
        if host.retired_ms.is_some() {
            return false;
        }
        known += 1;
        let place = picture.places.get(&host.id);
        let row = place.and_then(|place| picture.rows.get(*place as usize));
        row.is_none_or(|row| row.name != host.name)
    });
    strange || known != picture.rows.len()
}
