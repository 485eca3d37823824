//! The configuration made ready: compiled rules, groups, overrides, and the plans they result in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use judge::{Program, apply, compile};
use model::rule::Rule;
use model::{CiId, GroupId, OverrideId, RuleId, TargetKind};

use crate::matching::{CompiledGroup, CompiledScope, Matchers};
use crate::records::{Config, For, HostInfo, Override};

/// A rule with the overrides of some targets in force, compiled.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) rule_id: RuleId,
    pub(super) rule: Rule,
    pub(super) program: Arc<Program>,
    /// Which overrides are in it, least specific first.
    pub(super) overrides: Vec<OverrideId>,
}

/// What a rule comes to on one target.
#[derive(Clone, Debug)]
pub(super) enum Planned {
    /// It is judged so.
    Plan(Arc<Plan>),
    /// It is not judged, and why.
    Not(&'static str),
}

#[derive(Debug)]
pub(super) struct BookRule {
    pub(super) rule: Rule,
    pub(super) scope: CompiledScope,
    pub(super) selectors: Vec<Option<Matchers>>,
    pub(super) kind: TargetKind,
    pub(super) has_builtin: bool,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) rules: BTreeMap<RuleId, BookRule>,
    /// Rule and signal by metric name.
    by_metric: HashMap<String, Vec<(RuleId, u8)>>,
    /// Those whose selector does not name the metric exactly.
    any_metric: Vec<(RuleId, u8)>,
    groups: Vec<(GroupId, String, CompiledGroup)>,
    pub(super) overrides: BTreeMap<RuleId, Vec<Override>>,
    plans: HashMap<(RuleId, Vec<OverrideId>), Planned>,
    /// Rules that cannot be judged as written, and why.
    pub(super) wrong: BTreeMap<RuleId, String>,
}

impl Book {
    pub(super) fn new(config: &Config) -> Self {
        let mut book = Self::default();
        for (id, name, selector) in &config.groups {
            match CompiledGroup::new(selector) {
                Ok(group) => book.groups.push((*id, name.clone(), group)),
                // A group that cannot be read has no members; it was refused when it was saved.
                Err(error) => tracing::warn!(group = %name, %error, "group without members"),
            }
        }
        for (id, rule) in &config.rules {
            match BookRule::new(rule) {
                Ok(ready) => {
                    book.index(*id, &ready);
                    book.rules.insert(*id, ready);
                }
                Err(why) => {
                    book.wrong.insert(*id, why);
                }
            }
        }
        for one in &config.overrides {
            book.overrides
                .entry(one.rule)
                .or_default()
                .push(one.clone());
        }
        book
    }

    fn index(&mut self, id: RuleId, rule: &BookRule) {
        for (signal, selector) in (0_u8..).zip(&rule.selectors) {
            match selector.as_ref().map(|selector| &selector.metric) {
                Some(Some(metric)) => {
                    let list = self.by_metric.entry(metric.clone()).or_default();
                    list.push((id, signal));
                }
                Some(None) => self.any_metric.push((id, signal)),
                None => {}
            }
        }
    }

    /// Rules and signals that may want a series of this metric.
    pub(super) fn candidates(&self, metric: &str) -> Vec<(RuleId, u8)> {
        let named = self.by_metric.get(metric).map(Vec::as_slice);
        let named = named.unwrap_or_default().iter();
        named.chain(&self.any_metric).copied().collect()
    }

    /// The names of the groups a host belongs to.
    pub(super) fn groups_of(&self, host: &HostInfo) -> BTreeSet<String> {
        let mine = self
            .groups
            .iter()
            .filter(|(_, _, group)| group.contains(host));
        mine.map(|(_, name, _)| name.clone()).collect()
    }

    pub(super) fn group_name(&self, id: GroupId) -> Option<&str> {
        let found = self.groups.iter().find(|(group, _, _)| *group == id);
        found.map(|(_, name, _)| name.as_str())
    }

    /// The next time after `now_ms` at which an override ends.
    pub(super) fn next_end_ms(&self, now_ms: i64) -> Option<i64> {
        let ends = self
            .overrides
            .values()
            .flatten()
            .filter_map(|one| one.until_ms);
        ends.filter(|&until_ms| until_ms > now_ms).min()
    }

    /// The overrides in force on one target, least specific first: groups (by name) before hosts,
    /// and within each those for every target before those for this one.
    pub(super) fn in_force(&self, rule: RuleId, place: &Place<'_>, now_ms: i64) -> Vec<&Override> {
        let all = self
            .overrides
            .get(&rule)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut found: Vec<_> = all
            .iter()
            .filter(|one| one.ended_ms.is_none())
            .filter(|one| one.until_ms.is_none_or(|until_ms| until_ms > now_ms))
            .filter(|one| one.target_key.as_deref().is_none_or(|key| key == place.key))
            .filter_map(|one| {
                let rank = match one.whom {
                    For::Group(id) => {
                        let name = self.group_name(id)?;
                        place.groups.contains(name).then(|| (0, name.to_owned()))?
                    }
                    For::Host(ci) => (ci == place.ci).then(|| (1, String::new()))?,
                };
                let keyed = one.target_key.is_some();
                Some(((rank.0, keyed, rank.1, one.created_ms, one.id), one))
            })
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found.into_iter().map(|(_, one)| one).collect()
    }

    /// What a rule comes to on one target.
    pub(super) fn plan(
        &mut self,
        rule: RuleId,
        (host, place): (&HostInfo, &Place<'_>),
        now_ms: i64,
    ) -> Planned {
        let Some(ready) = self.rules.get(&rule) else {
            return Planned::Not("rule retired");
        };
        if !ready.scope.contains(host, place.groups) {
            return Planned::Not("host left the rule's scope");
        }
        let in_force = self.in_force(rule, place, now_ms);
        let ids: Vec<OverrideId> = in_force.iter().map(|one| one.id).collect();
        let cache_key = (rule, ids);
        if let Some(known) = self.plans.get(&cache_key) {
            return known.clone();
        }
        let (planned, wrong) = make_plan(rule, &ready.rule, &in_force);
        if let Some(why) = wrong {
            self.wrong.insert(rule, why);
        }
        self.plans.insert(cache_key, planned.clone());
        planned
    }

    /// Plans are made anew: an override ended.
    pub(super) fn forget_plans(&mut self) {
        self.plans.clear();
    }

    /// Keeps judging by the rule as it was, while it stays marked as wrong.
    pub(super) fn take_over(&mut self, id: RuleId, mut from: Self) {
        if let Some(rule) = from.rules.remove(&id) {
            self.index(id, &rule);
            self.rules.insert(id, rule);
        }
    }

    /// Whether both have the same groups.
    pub(super) fn same_groups(&self, other: &Self) -> bool {
        self.groups == other.groups
    }
}

/// Where a rule is applied.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) ci: CiId,
    pub(super) groups: &'a BTreeSet<String>,
    pub(super) key: &'a str,
}

impl BookRule {
    fn new(rule: &Rule) -> Result<Self, String> {
        model::rule::check(rule).map_err(|errors| {
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            texts.join("; ")
        })?;
        compile(rule).map_err(|error| error.to_string())?;
        let scope = CompiledScope::new(&rule.scope).map_err(|error| error.to_string())?;
        let mut selectors = Vec::with_capacity(rule.signals.len());
        for signal in rule.signals.values() {
            let ready = signal.series.as_ref().map(Matchers::new).transpose();
            selectors.push(ready.map_err(|error| error.to_string())?);
        }
        Ok(Self {
            scope,
            selectors,
            kind: TargetKind::new(rule.target.kind.as_str()),
            has_builtin: rule.signals.values().any(|signal| signal.builtin.is_some()),
            rule: rule.clone(),
        })
    }

    /// Whether pairs of the other rule are pairs of this one too, fed by the same series.
    pub(super) fn same_shape(&self, other: &Rule) -> bool {
        self.rule.target == other.target && self.rule.signals.keys().eq(other.signals.keys()) && {
            let sources = self.rule.signals.values().zip(other.signals.values());
            sources
                .into_iter()
                .all(|(a, b)| a.series == b.series && a.builtin == b.builtin)
        }
    }
}

/// The plan; when an override does not fit, the plan without any and what is wrong.
fn make_plan(id: RuleId, rule: &Rule, in_force: &[&Override]) -> (Planned, Option<String>) {
    let values: Vec<_> = in_force.iter().map(|one| &one.values).collect();
    let (merged, ids, mut wrong) = match apply(rule, &values) {
        Ok(merged) => {
            let ids = in_force.iter().map(|one| one.id).collect();
            (merged, ids, None)
        }
        Err(error) => (rule.clone(), Vec::new(), Some(format!("override: {error}"))),
    };
    if !merged.enabled {
        let why = if rule.enabled {
            "muted"
        } else {
            "rule switched off"
        };
        return (Planned::Not(why), wrong);
    }
    match compile(&merged) {
        Ok(program) => {
            let plan = Plan {
                rule_id: id,
                rule: merged,
                program: Arc::new(program),
                overrides: ids,
            };
            (Planned::Plan(Arc::new(plan)), wrong)
        }
        Err(error) => {
            wrong.get_or_insert_with(|| error.to_string());
            (Planned::Not("rule cannot be judged"), wrong)
        }
    }
}
