//! Pairs come and go: discovery from series labels, binding, closing.

use std::sync::Arc;

use judge::{BOARD_GROUPS_MAX, HostIx, PairIx, PairSpec, pair_key};
use model::{CiId, Labels, RuleId, Severity, Target};

use super::book::{Place, Plan, Planned};
use super::{Inner, PairInfo, Update};

/// The last column takes every group beyond the board's width.
const OTHER: &str = "other";

impl Inner {
    pub(super) fn on_new_series(
        &mut self,
        (series, ci, labels): (u32, CiId, &Labels),
        now_ms: i64,
    ) {
        let Some(row) = self.hosts.get(&ci).map(|host| host.ix.0) else {
            return;
        };
        let at = series as usize;
        if self.series_rows.len() <= at {
            self.series_rows.resize(at + 1, u32::MAX);
        }
        if let Some(slot) = self.series_rows.get_mut(at) {
            *slot = row;
        }
        for (rule, signal) in self.book.candidates(labels.name()) {
            self.offer((rule, signal), (series, ci, labels), now_ms);
        }
    }

    /// Binds a series to one signal of a rule, if it fits and the rule is judged there.
    pub(super) fn offer(
        &mut self,
        (rule, signal): (RuleId, u8),
        (series, ci, labels): (u32, CiId, &Labels),
        now_ms: i64,
    ) {
        let Some(ready) = self.book.rules.get(&rule) else {
            return;
        };
        let selector = ready.selectors.get(usize::from(signal));
        let fits = selector
            .and_then(Option::as_ref)
            .is_some_and(|selector| selector.match_series(labels));
        let key = fits
            .then(|| target_key(&ready.rule.target.by, labels))
            .flatten();
        let Some(key) = key else {
            return;
        };
        let target = Target {
            ci,
            kind: ready.kind.clone(),
            key,
        };
        if let Some(pair) = self.pair_for(rule, target, now_ms) {
            self.engine.bind(series, pair, signal);
        }
    }

    /// The pair of a rule on a target, made if it is to be judged.
    pub(super) fn pair_for(&mut self, rule: RuleId, target: Target, now_ms: i64) -> Option<PairIx> {
        let key = pair_key(rule, &target);
        if let Some(&pair) = self.pairs.get(&key) {
            return Some(pair);
        }
        let host = self.hosts.get(&target.ci)?;
        let place = Place {
            ci: target.ci,
            groups: &host.groups,
            key: &target.key,
        };
        let Planned::Plan(plan) = self.book.plan(rule, (&host.info, &place), now_ms) else {
            return None;
        };
        let ix = host.ix;
        let column = self.column(&plan.rule.group);
        Some(self.add_pair((ix, column), target, plan))
    }

    fn add_pair(&mut self, (host, group): (HostIx, u8), target: Target, plan: Arc<Plan>) -> PairIx {
        let key = pair_key(plan.rule_id, &target);
        let pair = self.engine.add_pair(PairSpec {
            key,
            host,
            group,
            program: Arc::clone(&plan.program),
        });
        if let Some(open) = self.expected.remove(&key) {
            self.assume(pair, open.severity, open.at_ms);
        }
        let at = pair.0 as usize;
        if self.infos.len() <= at {
            self.infos.resize_with(at + 1, || None);
        }
        if let Some(slot) = self.infos.get_mut(at) {
            *slot = Some(PairInfo { key, target, plan });
        }
        self.pairs.insert(key, pair);
        pair
    }

    /// Takes the records' severity over, unless the pair was judged after it.
    pub(super) fn assume(&mut self, pair: PairIx, severity: Severity, at_ms: i64) {
        let judged_ms = self.engine.pair(pair).and_then(|view| view.state.last_ms());
        if judged_ms.is_none_or(|judged_ms| judged_ms <= at_ms) {
            self.engine.assume(pair, severity);
        }
    }

    /// Ends a pair; what it had open closes with a word of why.
    pub(super) fn close_pair(&mut self, pair: PairIx, why: &str, now_ms: i64) -> Option<Update> {
        let at_ms = self.engine.pair(pair).and_then(|view| view.state.last_ms());
        let severity = self.engine.remove_pair(pair)?;
        let info = self.infos.get_mut(pair.0 as usize)?.take()?;
        self.pairs.remove(&info.key);
        (severity > Severity::Normal).then(|| {
            // Later than everything that was judged, also when the wall clock was set back.
            let at_ms = at_ms.map_or(now_ms, |at_ms| now_ms.max(at_ms + 1));
            super::tell::closed(&info.plan, info.target, (severity, at_ms), why)
        })
    }

    /// The board column of a group, made if there is room.
    pub(super) fn column(&mut self, group: &str) -> u8 {
        let found = self.columns.iter().position(|column| column == group);
        let at = found.unwrap_or_else(|| {
            if self.columns.len() + 1 < BOARD_GROUPS_MAX {
                self.columns.push(group.to_owned());
            } else if self.columns.len() < BOARD_GROUPS_MAX {
                self.columns.push(OTHER.to_owned());
            }
            self.columns.len() - 1
        });
        u8::try_from(at).unwrap_or(0)
    }

    pub(super) fn info(&self, pair: PairIx) -> Option<&PairInfo> {
        self.infos.get(pair.0 as usize)?.as_ref()
    }

    /// All pairs, in the order of their numbers.
    pub(super) fn all_pairs(&self) -> Vec<PairIx> {
        (0..)
            .zip(&self.infos)
            .filter(|(_, info)| info.is_some())
            .map(|(number, _)| PairIx(number))
            .collect()
    }
}

/// The key of a target from the labels that tell targets apart; none when all of them are missing.
fn target_key(by: &[String], labels: &Labels) -> Option<String> {
    if by.is_empty() {
        return Some(String::new());
    }
    let values: Vec<&str> = by
        .iter()
        .map(|name| labels.get(name).unwrap_or(""))
        .collect();
    values
        .iter()
        .any(|value| !value.is_empty())
        .then(|| values.join(":"))
}
