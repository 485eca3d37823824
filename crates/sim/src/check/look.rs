//! A look at everything that is open: told or held, judged rightly, drawn rightly, frozen rightly.

use std::collections::{BTreeMap, BTreeSet};

use judge::{CELL_STATE, Status};
use model::{CiId, RuleId, Severity, Target};
use problem::model::Problem;
use watch::{Driver, PairStatus, RULE_BROKEN};

use super::Checks;
use crate::config::{Invariant, Sabotage};
use crate::facts::Facts;
use crate::people::name;
use crate::reference::Model;
use crate::server::Installation;

/// A problem may wait so long for its first notice: the settler's full period and two looks.
const TOLD_WITHIN_MS: i64 = 90_000;
/// With the flap guard on, ten minutes more.
const FLAPPING_WITHIN_MS: i64 = TOLD_WITHIN_MS + 11 * 60_000;
/// After so long without a word a host is silent: three intervals, half a one of grace, a step.
const QUIET_INTERVALS: i64 = 4;
const QUIET_SLACK_MS: i64 = 15_000;
/// `Unknown` and `Unregistered` on the board.
const UNKNOWN: u8 = 6;
const UNREGISTERED: u8 = 7;

impl Checks {
    /// Looks at everything that is open.
    pub(crate) async fn look(
        &mut self,
        installation: &Installation,
        facts: &mut Facts,
        reference: &Model,
    ) {
        let Some(driver) = installation.driver() else {
            return;
        };
        let open = installation.open_problems().await;
        let now_ms = installation.now_ms();
        self.one_each(&open);
        self.told_or_held(&open, facts, now_ms);
        self.fresh_only(&open, facts, installation.silent_rule);
        self.pairs(driver, installation, &open, (facts, reference));
        if installation.sabotage != Some(Sabotage::StaleBoard) || self.stale.is_none() {
            self.stale = Some(driver.board());
        }
        self.board(driver, installation);
        for info in installation.directory.in_service() {
            let heard_ms = facts.heard_ms.get(&info.ci).copied().unwrap_or(0);
            let quiet_ms = now_ms - heard_ms.max(facts.up_since_ms);
            let interval_ms = i64::from(info.interval_ms);
            let mine: Vec<&Problem> = open.iter().filter(|one| one.target.ci == info.ci).collect();
            if quiet_ms > QUIET_INTERVALS * interval_ms + QUIET_SLACK_MS {
                self.silent(&mine, (info.ci, installation.silent_rule), facts);
            }
            self.awake(&mine, (info.ci, interval_ms), facts);
        }
    }

    fn one_each(&mut self, open: &[Problem]) {
        let mut seen = BTreeSet::new();
        for one in open {
            if !seen.insert((one.rule, &one.target)) {
                let what = format!("{} is the second open one of its pair", name(one));
                self.broken(Invariant::OneOpen, what);
            }
        }
    }

    fn told_or_held(&mut self, open: &[Problem], facts: &Facts, now_ms: i64) {
        let mut waiting = BTreeSet::new();
        for one in open {
            let covered = facts.is_covered(one.rule, &one.target, now_ms);
            let due = one.severity >= one.notify_from && !covered && !one.is_snoozed(now_ms);
            let told = self
                .told_of(one.id)
                .is_some_and(|told| told >= one.severity);
            if !due || told {
                continue;
            }
            waiting.insert(one.id);
            let since_ms = *self.untold_ms.entry(one.id).or_insert(now_ms);
            let since_ms = since_ms.max(facts.up_since_ms);
            let within_ms = if one.flapping {
                FLAPPING_WITHIN_MS
            } else {
                TOLD_WITHIN_MS
            };
            if now_ms - since_ms > within_ms {
                let held = self.dispatches.range((one.id, 0)..=(one.id, i64::MAX));
                let held: Vec<_> = held.filter_map(|(_, one)| one.hold.clone()).collect();
                let what = format!(
                    "{} is untold for {} s; it was held by {held:?}, owed {}, flapping {}",
                    name(one),
                    (now_ms - since_ms) / 1_000,
                    one.owed,
                    one.flapping
                );
                let was_covered = !held.is_empty();
                let invariant = if was_covered {
                    Invariant::Covered
                } else {
                    Invariant::Told
                };
                self.broken(invariant, what);
            }
        }
        self.untold_ms.retain(|id, _| waiting.contains(id));
    }

    /// Late data never pages: every problem on samples opened with one that was judged live.
    fn fresh_only(&mut self, open: &[Problem], facts: &Facts, silent: RuleId) {
        for one in open
            .iter()
            .filter(|one| one.rule != silent && one.rule != RULE_BROKEN)
        {
            let judged = facts.judged_ms.get(&one.target.ci);
            if !judged.is_some_and(|judged| judged.contains(&one.opened_ms)) {
                let what = format!("{} opened at {}, no live sample", name(one), one.opened_ms);
                self.broken(Invariant::Silence, what);
            }
        }
    }

    /// Judge, reference model and records agree on every pair.
    fn pairs(
        &mut self,
        driver: &Driver,
        installation: &Installation,
        open: &[Problem],
        (facts, reference): (&mut Facts, &Model),
    ) {
        let mut recorded: BTreeMap<(RuleId, Target), &Problem> = open
            .iter()
            .map(|one| ((one.rule, one.target.clone()), one))
            .collect();
        for info in installation.directory.in_service() {
            for pair in driver.state_of(info.ci) {
                let problem = recorded.remove(&(pair.rule, pair.target.clone()));
                self.pair(&pair, problem, facts);
                let expected = reference.severity(pair.rule, &pair.target);
                if let Some(expected) = expected.filter(|expected| *expected != pair.severity) {
                    let what = format!(
                        "{} on {} {} is {}, the reference model says {expected} ({:?})",
                        pair.rule_key, info.name, pair.target.key, pair.severity, pair.status
                    );
                    self.broken(Invariant::Judged, what);
                }
            }
        }
        for (_, orphan) in recorded
            .into_iter()
            .filter(|((rule, _), _)| *rule != RULE_BROKEN)
        {
            let what = format!("{} is open and nothing judges it", name(orphan));
            self.broken(Invariant::Board, what);
        }
    }

    fn pair(&mut self, pair: &PairStatus, problem: Option<&Problem>, facts: &mut Facts) {
        let by_hand = (pair.rule, pair.target.clone());
        let recorded = problem.map_or(Severity::Normal, |problem| problem.severity);
        if problem.is_some() || pair.severity == Severity::Normal {
            facts.closed_by_hand.remove(&by_hand);
        }
        if recorded != pair.severity && !facts.closed_by_hand.contains(&by_hand) {
            let what = format!(
                "{} on {:?} is judged {} at {:?} and recorded as {recorded} ({:?})",
                pair.rule_key,
                pair.target,
                pair.severity,
                pair.last_ms,
                problem.map(|problem| problem.last_at_ms)
            );
            self.broken(Invariant::Board, what);
        }
    }

    /// Each cell shows the worst of its pairs, or that nothing is known.
    fn board(&mut self, driver: &Driver, installation: &Installation) {
        let Some(board) = self.stale.take() else {
            return;
        };
        let now = driver.board();
        let shown: BTreeMap<CiId, &Vec<u8>> =
            board.hosts.iter().map(|(ci, cells)| (*ci, cells)).collect();
        for info in installation.directory.in_service() {
            let states = driver.state_of(info.ci);
            for (at, column) in now.columns.iter().enumerate() {
                let mine = states.iter().filter(|pair| pair.group == *column);
                let expected = worst(mine);
                let cell = shown.get(&info.ci).and_then(|cells| cells.get(at));
                let cell = cell.map_or(UNREGISTERED, |cell| cell & CELL_STATE);
                if cell != expected {
                    let what = format!(
                        "{} shows {cell} for {column}, its pairs come to {expected}",
                        info.name
                    );
                    self.broken(Invariant::Board, what);
                }
            }
        }
        self.stale = Some(board);
    }

    /// A silent host is exactly one problem; what was open there is frozen.
    fn silent(&mut self, mine: &[&Problem], (ci, rule): (CiId, RuleId), facts: &Facts) {
        let about = mine.iter().filter(|one| one.rule == rule).count();
        let by_hand = facts.closed_by_hand.contains(&(rule, Target::host(ci)));
        if about != 1 && !by_hand {
            self.broken(
                Invariant::Silence,
                format!("{ci} is silent in {about} problems"),
            );
        }
        let thawed = mine
            .iter()
            .filter(|one| one.rule != rule && one.last_seen_ms.is_none());
        for one in thawed {
            let what = format!("{} is not frozen and its host is silent", name(one));
            self.broken(Invariant::Silence, what);
        }
    }

    /// What was frozen is judged again when its host talks.
    fn awake(&mut self, mine: &[&Problem], (ci, interval_ms): (CiId, i64), facts: &Facts) {
        let newest_ms = facts
            .judged_ms
            .get(&ci)
            .and_then(|judged| judged.last())
            .copied();
        for one in mine {
            let (Some(seen_ms), Some(newest_ms)) = (one.last_seen_ms, newest_ms) else {
                continue;
            };
            if newest_ms > seen_ms + 3 * interval_ms {
                let what = format!(
                    "{} is still frozen (last seen {seen_ms}), its host was judged at {newest_ms}",
                    name(one)
                );
                self.broken(Invariant::Silence, what);
            }
        }
    }
}

fn worst<'a>(pairs: impl Iterator<Item = &'a PairStatus>) -> u8 {
    let (mut bad, mut unknown, mut any) = (0, false, false);
    for pair in pairs {
        any = true;
        match pair.status {
            Status::Judged => bad = bad.max(pair.severity.code()),
            Status::Waiting | Status::NoData | Status::CannotJudge => unknown = true,
        }
    }
    match (bad, unknown, any) {
        (1.., _, _) => bad,
        (0, true, _) => UNKNOWN,
        (0, false, true) => 0,
        (0, false, false) => UNREGISTERED,
    }
}
