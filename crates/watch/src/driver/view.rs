//! What others may see: the board, the pairs of a host, and why a value is what it is.

use std::collections::{BTreeMap, HashSet};

use judge::{BoardChange, Counters, Status};
use model::flow::Observed;
use model::rule::Rule;
use model::{CiId, OverrideId, RuleId, Severity, Target, Text};

use super::book::Place;
use super::{Driver, Inner};
use crate::records::Override;
use crate::values::{Change, changes};

/// The whole board at one generation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BoardCells {
    /// The number of the last change.
    pub generation: u64,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// Each host with one cell per column: `judge::CELL_STATE` and the marks above it.
    pub hosts: Vec<(CiId, Vec<u8>)>,
}

/// What changed on the board since a generation.
#[derive(Clone, Debug, PartialEq)]
pub enum BoardDelta {
    /// These cells: host, column, cell.
    Cells {
        /// The generation after them.
        generation: u64,
        /// The changes, oldest first.
        cells: Vec<(CiId, u8, u8)>,
    },
    /// Too much: take the whole board again.
    Whole(BoardCells),
}

/// One rule on one target as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct PairStatus {
    /// The rule.
    pub rule: RuleId,
    /// Its key.
    pub rule_key: String,
    /// Its title.
    pub title: Text,
    /// Its board column.
    pub group: String,
    /// What it watches.
    pub target: Target,
    /// The severity.
    pub severity: Severity,
    /// Whether that may be believed.
    pub status: Status,
    /// Whether it flaps.
    pub flapping: bool,
    /// The sample time of the last evaluation, UTC milliseconds.
    pub last_ms: Option<i64>,
    /// The last values.
    pub observed: Vec<Observed>,
    /// The overrides in force, least specific first.
    pub overrides: Vec<OverrideId>,
    /// How many series feed it.
    pub series: usize,
}

/// Where a value in force comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The rule itself.
    Rule,
    /// An override: its id, for whom (`group web`, `host web01`), by whom and why.
    Override(Box<Override>, String),
}

/// Why a rule judges a target as it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// How it stands.
    pub now: Option<PairStatus>,
    /// The rule with every value in force.
    pub rule: Rule,
    /// What differs from the rule as written, and where it is from.
    pub changes: Vec<(Change, Source)>,
    /// Why it is not judged here, if it is not.
    pub not_judged: Option<String>,
    /// Of each level: sample milliseconds held, evaluations in a row.
    pub progress: BTreeMap<Severity, (u32, u16)>,
}

/// How a rule is doing over all its targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleStatus {
    /// Hosts in its scope.
    pub hosts: usize,
    /// Targets judged.
    pub targets: usize,
    /// Targets by severity code.
    pub by_severity: [usize; 6],
    /// Targets without data.
    pub no_data: usize,
    /// Targets that cannot be judged.
    pub cannot_judge: usize,
    /// Signals that select no series at all: allowed, but worth saying.
    pub empty_signals: Vec<String>,
    /// Why the rule cannot be run, if so.
    pub wrong: Option<String>,
}

impl Driver {
    /// The whole board.
    #[must_use]
    pub fn board(&self) -> BoardCells {
        self.lock().board()
    }

    /// What changed on the board after a generation.
    #[must_use]
    pub fn board_since(&self, generation: u64) -> BoardDelta {
        let inner = self.lock();
        let view = inner.engine.board();
        let Some(changes) = view.changes_since(generation) else {
            return BoardDelta::Whole(inner.board());
        };
        let named = |change: &BoardChange| {
            let host = inner.rows.get(change.host as usize).copied().flatten()?;
            Some((host, change.group, change.cell))
        };
        BoardDelta::Cells {
            generation: view.generation(),
            cells: changes.iter().filter_map(named).collect(),
        }
    }

    /// The number of the board's last change; cheap.
    #[must_use]
    pub fn board_generation(&self) -> u64 {
        self.lock().engine.board().generation()
    }

    /// What has been judged since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.lock().engine.counters()
    }

    /// How many pairs are judged.
    #[must_use]
    pub fn pair_count(&self) -> usize {
        self.lock().pairs.len()
    }

    /// Whether a host is silent.
    #[must_use]
    pub fn is_silent(&self, host: CiId) -> bool {
        let inner = self.lock();
        let entry = inner.hosts.get(&host);
        entry.is_some_and(|entry| inner.engine.is_silent(entry.ix))
    }

    /// Every rule on every target of a host, the worst first.
    #[must_use]
    pub fn state_of(&self, host: CiId) -> Vec<PairStatus> {
        let inner = self.lock();
        let Some(entry) = inner.hosts.get(&host) else {
            return Vec::new();
        };
        let pairs = inner.engine.pairs_of(entry.ix);
        let mut list: Vec<PairStatus> = pairs
            .into_iter()
            .filter_map(|pair| inner.status(pair))
            .collect();
        list.sort_by(|a, b| {
            let key = |s: &PairStatus| (s.rule_key.clone(), s.target.key.clone());
            b.severity
                .cmp(&a.severity)
                .then_with(|| key(a).cmp(&key(b)))
        });
        list
    }

    /// Kind and key of everything that some rule judges on a host.
    #[must_use]
    pub fn judged_things(&self, host: CiId) -> HashSet<(String, String)> {
        let inner = self.lock();
        let Some(entry) = inner.hosts.get(&host) else {
            return HashSet::new();
        };
        let pairs = inner.engine.pairs_of(entry.ix).into_iter();
        let named = |pair| {
            let target = &inner.info(pair)?.target;
            Some((target.kind.as_str().to_owned(), target.key.clone()))
        };
        pairs.filter_map(named).collect()
    }

    /// Why a rule judges a target as it does: values in force and where each is from.
    #[must_use]
    pub fn why(&self, rule: RuleId, target: &Target, now_ms: i64) -> Option<Explained> {
        self.lock().why(rule, target, now_ms)
    }

    /// How a rule is doing.
    #[must_use]
    pub fn rule_status(&self, rule: RuleId) -> RuleStatus {
        self.lock().rule_status(rule)
    }

    /// How every rule is doing, in one look over all pairs.
    #[must_use]
    pub fn rule_statuses(&self) -> BTreeMap<RuleId, RuleStatus> {
        let inner = self.lock();
        let rules: Vec<RuleId> = inner.book.rules.keys().copied().collect();
        let mut all: BTreeMap<RuleId, RuleStatus> = rules
            .into_iter()
            .map(|id| (id, inner.rule_scope(id)))
            .collect();
        for (id, why) in &inner.book.wrong {
            all.entry(*id).or_default().wrong = Some(why.clone());
        }
        for pair in inner.all_pairs() {
            let rule = inner.info(pair).map(|info| info.plan.rule_id);
            if let Some(status) = rule.and_then(|id| all.get_mut(&id)) {
                inner.count(pair, status);
            }
        }
        all
    }

    /// The hosts of a group, by its selector, whether it is saved or not.
    ///
    /// # Errors
    /// When a regular expression of the selector is wrong.
    pub fn members(
        &self,
        selector: &crate::GroupSelector,
    ) -> Result<Vec<CiId>, crate::matching::MatchError> {
        let group = crate::matching::CompiledGroup::new(selector)?;
        let inner = self.lock();
        let hosts = inner
            .hosts
            .values()
            .filter(|host| group.contains(&host.info));
        let mut found: Vec<(String, CiId)> = hosts
            .map(|host| (host.info.name.clone(), host.info.ci))
            .collect();
        found.sort();
        Ok(found.into_iter().map(|(_, ci)| ci).collect())
    }
}

impl Inner {
    fn board(&self) -> BoardCells {
        let view = self.engine.board();
        let rows = (0_u32..).zip(&self.rows);
        let hosts = rows.filter_map(|(row, host)| {
            let cells = view.row(row)?.iter().take(self.columns.len());
            Some(((*host)?, cells.copied().collect()))
        });
        BoardCells {
            generation: view.generation(),
            columns: self.columns.clone(),
            hosts: hosts.collect(),
        }
    }

    fn status(&self, pair: judge::PairIx) -> Option<PairStatus> {
        let (info, view) = (self.info(pair)?, self.engine.pair(pair)?);
        let rule = &info.plan.rule;
        Some(PairStatus {
            rule: info.plan.rule_id,
            rule_key: rule.key.clone(),
            title: rule.title.clone(),
            group: rule.group.clone(),
            target: info.target.clone(),
            severity: view.state.severity(),
            status: view.state.status(),
            flapping: view.state.is_flapping(),
            last_ms: view.state.last_ms(),
            observed: super::tell::observed(rule, &view.values),
            overrides: info.plan.overrides.clone(),
            series: self.engine.bound_count(pair),
        })
    }

    fn why(&self, id: RuleId, target: &Target, now_ms: i64) -> Option<Explained> {
        let written = &self.book.rules.get(&id)?.rule;
        let host = self.hosts.get(&target.ci)?;
        let place = Place {
            ci: target.ci,
            groups: &host.groups,
            key: &target.key,
        };
        let mut rule = written.clone();
        let mut found: Vec<(Change, Source)> = Vec::new();
        for one in self.book.in_force(id, &place, now_ms) {
            let Ok(next) = judge::apply(&rule, &[&one.values]) else {
                continue;
            };
            let whom = match one.whom {
                crate::For::Group(group) => {
                    format!("group {}", self.book.group_name(group).unwrap_or(""))
                }
                crate::For::Host(_) => format!("host {}", host.info.name),
            };
            for change in changes(&rule, &next) {
                found.retain(|(known, _)| known.what != change.what);
                let from = Source::Override(Box::new(one.clone()), whom.clone());
                found.push((change, from));
            }
            rule = next;
        }
        let pair = self.pairs.get(&judge::pair_key(id, target)).copied();
        let view = pair.and_then(|pair| self.engine.pair(pair));
        let progress = view.map_or_else(BTreeMap::new, |view| {
            let levels = rule.levels.iter().map(|level| level.severity);
            levels
                .map(|level| (level, view.state.progress(level)))
                .collect()
        });
        let scoped = self
            .book
            .rules
            .get(&id)?
            .scope
            .contains(&host.info, &host.groups);
        let not_judged = match (rule.enabled, scoped) {
            (_, false) => Some("host is not in the rule's scope".to_owned()),
            (false, _) if written.enabled => Some("muted".to_owned()),
            (false, _) => Some("rule switched off".to_owned()),
            _ => None,
        };
        Some(Explained {
            now: pair.and_then(|pair| self.status(pair)),
            rule,
            changes: found,
            not_judged,
            progress,
        })
    }

    fn rule_status(&self, id: RuleId) -> RuleStatus {
        let mut status = self.rule_scope(id);
        for pair in self.all_pairs() {
            if self.info(pair).is_some_and(|info| info.plan.rule_id == id) {
                self.count(pair, &mut status);
            }
        }
        status
    }

    /// Counts one target of a rule.
    fn count(&self, pair: judge::PairIx, status: &mut RuleStatus) {
        let Some(view) = self.engine.pair(pair) else {
            return;
        };
        status.targets += 1;
        match view.state.status() {
            Status::NoData | Status::Waiting => status.no_data += 1,
            Status::CannotJudge => status.cannot_judge += 1,
            Status::Judged => {}
        }
        let code = usize::from(view.state.severity().code());
        if let Some(count) = status.by_severity.get_mut(code) {
            *count += 1;
        }
    }

    /// What is known of a rule without its targets: hosts in scope, empty signals, why it is wrong.
    fn rule_scope(&self, id: RuleId) -> RuleStatus {
        let mut status = RuleStatus {
            wrong: self.book.wrong.get(&id).cloned(),
            ..RuleStatus::default()
        };
        let Some(ready) = self.book.rules.get(&id) else {
            return status;
        };
        let hosts = self.hosts.values();
        let scoped = hosts.filter(|host| ready.scope.contains(&host.info, &host.groups));
        status.hosts = scoped.count();
        for (name, signal) in &ready.rule.signals {
            let Some(selector) = &signal.series else {
                continue;
            };
            let mut any = false;
            self.catalog
                .by_selector(selector, &mut |_, _, _| any = true);
            if !any {
                status.empty_signals.push(name.clone());
            }
        }
        status
    }
}
