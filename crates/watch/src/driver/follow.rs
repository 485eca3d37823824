//! Following edits: rules, overrides, groups and hosts change while problems are open.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use judge::{HostSpec, PairIx, PairKey, host_key, pair_key};
use model::{CiId, RuleId, Severity, Target};

use super::book::{Book, Place, Planned};
use super::{HostEntry, Inner, OpenProblem, Update};
use crate::records::{Config, HostInfo};

impl Inner {
    pub(super) fn set_config(&mut self, config: &Config, now_ms: i64) -> Vec<Update> {
        let new = Book::new(config);
        let old = std::mem::replace(&mut self.book, new);
        // A rule that was edited into something that cannot be run is judged as it was before.
        for (id, rule) in &old.rules {
            if self.book.wrong.contains_key(id) {
                let kept = Config {
                    rules: vec![(*id, rule.rule.clone())],
                    ..Config::default()
                };
                self.book.take_over(*id, Book::new(&kept));
            }
        }
        self.place_hosts();
        let reshaped: BTreeSet<RuleId> = self
            .book
            .rules
            .iter()
            .filter(|(id, rule)| {
                let before = old.rules.get(id);
                before.is_some_and(|before| !rule.same_shape(&before.rule))
            })
            .map(|(id, _)| *id)
            .collect();
        let mut updates = self.follow_pairs(&reshaped, now_ms);
        let ids: Vec<RuleId> = self.book.rules.keys().copied().collect();
        let groups_moved = !old.same_groups(&self.book);
        for id in ids {
            let same = old.rules.get(&id).map(|rule| &rule.rule)
                == self.book.rules.get(&id).map(|rule| &rule.rule)
                && old.overrides.get(&id) == self.book.overrides.get(&id);
            if !same || groups_moved {
                updates.extend(self.find_targets(id, now_ms));
            }
        }
        updates.extend(self.check_health(now_ms));
        updates
    }

    pub(super) fn set_host(&mut self, info: HostInfo, now_ms: i64) -> Vec<Update> {
        let ci = info.ci;
        let groups = self.book.groups_of(&info);
        let mut updates = Vec::new();
        match self.hosts.get_mut(&ci) {
            Some(entry) if entry.info == info => return updates,
            Some(entry) => {
                if entry.info.interval_ms != info.interval_ms {
                    self.engine.set_interval(entry.ix, info.interval_ms);
                }
                (entry.info, entry.groups) = (info, groups);
                let ix = entry.ix;
                for pair in self.engine.pairs_of(ix) {
                    updates.extend(self.follow_pair(pair, now_ms));
                }
            }
            None => {
                let ix = self.engine.add_host(HostSpec {
                    key: host_key(ci),
                    interval_ms: info.interval_ms,
                });
                let row = ix.0 as usize;
                if self.rows.len() <= row {
                    self.rows.resize(row + 1, None);
                }
                if let Some(slot) = self.rows.get_mut(row) {
                    *slot = Some(ci);
                }
                self.hosts.insert(ci, HostEntry { info, ix, groups });
            }
        }
        let rules: Vec<RuleId> = self.book.rules.keys().copied().collect();
        for rule in rules {
            self.watch_silence(rule, ci, now_ms);
        }
        self.find_series_of(ci, now_ms);
        updates
    }

    pub(super) fn remove_host(&mut self, ci: CiId, now_ms: i64) -> Vec<Update> {
        let Some(entry) = self.hosts.remove(&ci) else {
            return Vec::new();
        };
        let pairs = self.engine.pairs_of(entry.ix);
        let close = |pair| self.close_pair(pair, "host taken out of service", now_ms);
        let updates = pairs.into_iter().filter_map(close).collect();
        self.engine.remove_host(entry.ix);
        if let Some(slot) = self.rows.get_mut(entry.ix.0 as usize) {
            *slot = None;
        }
        for row in self
            .series_rows
            .iter_mut()
            .filter(|row| **row == entry.ix.0)
        {
            *row = u32::MAX;
        }
        updates
    }

    /// Overrides that end take effect by themselves, without an edit.
    pub(super) fn expire(&mut self, now_ms: i64) -> Vec<Update> {
        let ended = self.book.next_end_ms(self.expired_ms);
        if ended.is_none_or(|ended_ms| ended_ms > now_ms) {
            return Vec::new();
        }
        self.expired_ms = now_ms;
        self.book.forget_plans();
        let mut updates = self.follow_pairs(&BTreeSet::new(), now_ms);
        let ids: Vec<RuleId> = self.book.overrides.keys().copied().collect();
        for id in ids {
            updates.extend(self.find_targets(id, now_ms));
        }
        updates
    }

    pub(super) fn reconcile(&mut self, open: Vec<OpenProblem>, now_ms: i64) -> Vec<Update> {
        let mut updates = Vec::new();
        self.forget_ended_silence(&open);
        for problem in open {
            if problem.rule == super::RULE_BROKEN {
                self.take_over_broken(&problem);
                continue;
            }
            let key = pair_key(problem.rule, &problem.target);
            if let Some(&pair) = self.pairs.get(&key) {
                self.assume(pair, problem.severity, problem.at_ms);
                continue;
            }
            match self.why_not(&problem, now_ms) {
                Some(why) => updates.push(super::tell::orphaned(&problem, why, now_ms)),
                None => {
                    self.expected.insert(key, problem);
                }
            }
        }
        updates
    }

    /// Silence is not in the log, so the records decide: what a snapshot still has open and they do
    /// not is over. Otherwise the next silence of that host would be no rise and never be told.
    fn forget_ended_silence(&mut self, open: &[OpenProblem]) {
        let open: HashSet<PairKey> = open
            .iter()
            .map(|problem| pair_key(problem.rule, &problem.target))
            .collect();
        let ended: Vec<PairIx> = (0..)
            .zip(&self.infos)
            .filter_map(|(number, info)| Some((PairIx(number), info.as_ref()?)))
            .filter(|(_, info)| info.plan.program.has_builtin() && !open.contains(&info.key))
            .map(|(pair, _)| pair)
            .collect();
        for pair in ended {
            self.engine.assume(pair, Severity::Normal);
        }
    }

    /// Why a problem's pair can never come up again, if so.
    fn why_not(&mut self, problem: &OpenProblem, now_ms: i64) -> Option<&'static str> {
        let OpenProblem { rule, target, .. } = problem;
        let Some(host) = self.hosts.get(&target.ci) else {
            return Some("host taken out of service");
        };
        let ready = self.book.rules.get(rule);
        if ready.is_some_and(|ready| ready.kind != target.kind) {
            return Some("rule watches other things now");
        }
        let place = Place {
            ci: target.ci,
            groups: &host.groups,
            key: &target.key,
        };
        match self.book.plan(*rule, (&host.info, &place), now_ms) {
            Planned::Plan(_) => None,
            Planned::Not(why) => Some(why),
        }
    }

    fn place_hosts(&mut self) {
        for entry in self.hosts.values_mut() {
            entry.groups = self.book.groups_of(&entry.info);
        }
    }

    fn follow_pairs(&mut self, reshaped: &BTreeSet<RuleId>, now_ms: i64) -> Vec<Update> {
        let mut updates = Vec::new();
        for pair in self.all_pairs() {
            let Some(info) = self.info(pair) else {
                continue;
            };
            let rule = info.plan.rule_id;
            if reshaped.contains(&rule) {
                let ready = self.book.rules.get(&rule);
                let same_target = ready.is_some_and(|r| r.rule.target == info.plan.rule.target);
                if !same_target {
                    updates.extend(self.close_pair(pair, "rule watches other things now", now_ms));
                    continue;
                }
                self.engine.unbind_pair(pair);
            }
            updates.extend(self.follow_pair(pair, now_ms));
        }
        updates
    }

    /// Brings one pair up to date with the book.
    fn follow_pair(&mut self, pair: PairIx, now_ms: i64) -> Option<Update> {
        let info = self.infos.get(pair.0 as usize)?.as_ref()?;
        let host = self.hosts.get(&info.target.ci)?;
        let place = Place {
            ci: info.target.ci,
            groups: &host.groups,
            key: &info.target.key,
        };
        let old = Arc::clone(&info.plan);
        match self.book.plan(old.rule_id, (&host.info, &place), now_ms) {
            Planned::Not(why) => self.close_pair(pair, why, now_ms),
            Planned::Plan(plan) => {
                if plan.program != old.program {
                    self.engine.set_program(pair, Arc::clone(&plan.program));
                }
                if plan.rule.group != old.rule.group {
                    let column = self.column(&plan.rule.group);
                    self.engine.set_group(pair, column);
                }
                if let Some(Some(info)) = self.infos.get_mut(pair.0 as usize) {
                    info.plan = plan;
                }
                None
            }
        }
    }

    /// Offers every series that a rule's signals select; already bound ones are bound anew. What is
    /// not selected any more ends.
    fn find_targets(&mut self, rule: RuleId, now_ms: i64) -> Vec<Update> {
        // At a start the rules come before the hosts, and each host then brings its series itself.
        if self.hosts.is_empty() {
            return Vec::new();
        }
        let Some(ready) = self.book.rules.get(&rule) else {
            return Vec::new();
        };
        let has_builtin = ready.has_builtin;
        let signals = ready.rule.signals.values();
        let selectors: Vec<_> = (0_u8..)
            .zip(signals)
            .filter_map(|(signal, source)| Some((signal, source.series.clone()?)))
            .collect();
        let mut mine = self.all_pairs();
        mine.retain(|&pair| {
            self.info(pair)
                .is_some_and(|info| info.plan.rule_id == rule)
        });
        for &pair in &mine {
            self.engine.unbind_pair(pair);
        }
        let catalog = Arc::clone(&self.catalog);
        for (signal, selector) in selectors {
            catalog.by_selector(&selector, &mut |series, ci, labels| {
                self.offer((rule, signal), (series, ci, labels), now_ms);
            });
        }
        let hosts: Vec<CiId> = self.hosts.keys().copied().collect();
        for ci in hosts {
            self.watch_silence(rule, ci, now_ms);
        }
        mine.retain(|&pair| !has_builtin && self.engine.bound_count(pair) == 0);
        let end = |pair| self.close_pair(pair, "rule selects other series now", now_ms);
        mine.into_iter().filter_map(end).collect()
    }

    /// Unbinds and offers anew all series of one host.
    fn find_series_of(&mut self, ci: CiId, now_ms: i64) {
        let Some(ix) = self.hosts.get(&ci).map(|host| host.ix) else {
            return;
        };
        for pair in self.engine.pairs_of(ix) {
            self.engine.unbind_pair(pair);
        }
        let catalog = Arc::clone(&self.catalog);
        catalog.by_host(ci, &mut |series, labels| {
            self.on_new_series((series, ci, labels), now_ms);
        });
    }

    /// A rule on silence has its pair without any series.
    fn watch_silence(&mut self, rule: RuleId, ci: CiId, now_ms: i64) {
        let ready = self.book.rules.get(&rule);
        if let Some(ready) = ready.filter(|ready| ready.has_builtin) {
            let target = Target {
                ci,
                kind: ready.kind.clone(),
                key: String::new(),
            };
            let _ = self.pair_for(rule, target, now_ms);
        }
    }

    fn take_over_broken(&mut self, problem: &OpenProblem) {
        if problem.severity == Severity::Normal {
            return;
        }
        let ids: Vec<RuleId> = self.book.rules.keys().copied().collect();
        let ids = ids.into_iter().chain(self.book.wrong.keys().copied());
        let named = |id: &RuleId| id.to_string() == problem.target.key;
        match ids.into_iter().find(named) {
            Some(id) => {
                self.broken.entry(id).or_default();
            }
            // Its rule is gone: told as whole at the next look.
            None => {
                if let Ok(id) = problem.target.key.parse() {
                    self.broken.insert(id, String::new());
                }
            }
        }
    }
}
