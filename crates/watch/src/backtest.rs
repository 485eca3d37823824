//! What a rule would have done over stored history, before it is switched on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use judge::{Engine, Event, HostSpec, PairIx, PairKey, PairSpec, Sample, compile};
use model::rule::Rule;
use model::{CiId, Labels, Selector, Severity};
use serde::Serialize;

use crate::matching::{CompiledScope, Matchers};
use crate::records::HostInfo;

/// Changes kept of one run; all are counted, the first ones are shown.
pub const CHANGES_SHOWN_MAX: usize = 1_000;

/// One series of history: its labels and its points, times in UTC milliseconds, rising.
pub type SeriesPoints = (Labels, Vec<(i64, f64)>);

/// Stored history, as the metrics store gives it.
pub trait History {
    /// The series of one host that a selector fits, with their points from `from_ms` up to, not
    /// including, `to_ms`.
    ///
    /// # Errors
    /// A sentence of what the store said.
    fn range(
        &self,
        host: CiId,
        selector: &Selector,
        window: (i64, i64),
    ) -> Result<Vec<SeriesPoints>, String>;
}

/// A change of severity that would have been.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WouldBe {
    /// The host.
    pub host: CiId,
    /// The target's key.
    pub key: String,
    /// Before.
    pub from: Severity,
    /// After.
    pub to: Severity,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// The condition that decided.
    pub because: String,
}

/// What the rule would have done: "14 times, 3 at night, on 5 hosts".
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Backtest {
    /// Targets that had history.
    pub targets: usize,
    /// Hosts that had history.
    pub hosts: usize,
    /// Values judged.
    pub samples: u64,
    /// Problems that would have opened.
    pub opened: usize,
    /// Of them, those that opened at night.
    pub opened_at_night: usize,
    /// On how many hosts.
    pub hosts_hit: usize,
    /// Problems that would have been told: that reached the rule's `notify_from`.
    pub told: usize,
    /// Problems still open at the end.
    pub still_open: usize,
    /// Time with a problem, over all targets, in milliseconds.
    pub open_ms: i64,
    /// Changes to each severity, by code.
    pub by_severity: [usize; 6],
    /// Pairs that would have flapped.
    pub flapping: usize,
    /// The changes, by time, at most [`CHANGES_SHOWN_MAX`].
    pub changes: Vec<WouldBe>,
}

/// Judges a rule over the history of the hosts in its scope; `at_night` says of a time whether
/// people sleep. Silence cannot be judged from stored values, so rules on it have no history.
///
/// # Errors
/// When the rule cannot be run or the history cannot be read.
pub fn backtest(
    rule: &Rule,
    hosts: &[(HostInfo, BTreeSet<String>)],
    history: &dyn History,
    (window, at_night): ((i64, i64), &dyn Fn(i64) -> bool),
) -> Result<Backtest, String> {
    let program = Arc::new(compile(rule).map_err(|error| error.to_string())?);
    let scope = CompiledScope::new(&rule.scope).map_err(|error| error.to_string())?;
    let mut result = Backtest::default();
    let mut hit = BTreeSet::new();
    for (host, groups) in hosts {
        if !scope.contains(host, groups) {
            continue;
        }
        let mut run = HostRun::new(host);
        run.load(rule, &program, (history, window))?;
        if run.keys.is_empty() {
            continue;
        }
        result.hosts += 1;
        result.targets += run.keys.len();
        result.samples += run.samples.len() as u64;
        let found = run.judge(rule, &mut result);
        if found.iter().any(|change| change.from == Severity::Normal) {
            hit.insert(host.ci);
        }
        tally(&found, rule.notify_from, (window.1, at_night), &mut result);
        result.changes.extend(found);
    }
    result.hosts_hit = hit.len();
    result
        .changes
        .sort_by(|a, b| (a.at_ms, a.host, &a.key).cmp(&(b.at_ms, b.host, &b.key)));
    result.changes.truncate(CHANGES_SHOWN_MAX);
    Ok(result)
}

/// One host's history on its way through an engine of its own.
struct HostRun<'a> {
    host: &'a HostInfo,
    engine: Engine,
    keys: BTreeMap<String, PairIx>,
    samples: Vec<Sample>,
}

impl<'a> HostRun<'a> {
    fn new(host: &'a HostInfo) -> Self {
        let mut engine = Engine::new();
        engine.add_host(HostSpec {
            key: 1,
            interval_ms: host.interval_ms,
        });
        Self {
            host,
            engine,
            keys: BTreeMap::new(),
            samples: Vec::new(),
        }
    }

    fn load(
        &mut self,
        rule: &Rule,
        program: &Arc<judge::Program>,
        (history, window): (&dyn History, (i64, i64)),
    ) -> Result<(), String> {
        let mut number = 0;
        for (signal, source) in (0_u8..).zip(rule.signals.values()) {
            let Some(selector) = &source.series else {
                continue;
            };
            // The store may select by index alone; the selector's own words decide.
            let matchers = Matchers::new(selector).map_err(|error| error.to_string())?;
            for (labels, points) in history.range(self.host.ci, selector, window)? {
                if points.is_empty() || !matchers.match_series(&labels) {
                    continue;
                }
                let by = rule.target.by.iter();
                let values: Vec<&str> = by.map(|name| labels.get(name).unwrap_or("")).collect();
                let next = PairKey(self.keys.len() as u64);
                let pair = *self.keys.entry(values.join(":")).or_insert_with(|| {
                    self.engine.add_pair(PairSpec {
                        key: next,
                        host: judge::HostIx(0),
                        group: 0,
                        program: Arc::clone(program),
                    })
                });
                self.engine.bind(number, pair, signal);
                let series = number;
                self.samples
                    .extend(points.into_iter().map(|(at_ms, value)| Sample {
                        series,
                        at_ms,
                        value,
                    }));
                number += 1;
            }
        }
        Ok(())
    }

    /// Judges time by time, as if each scrape arrived as one batch.
    fn judge(mut self, rule: &Rule, result: &mut Backtest) -> Vec<WouldBe> {
        self.samples.sort_by_key(|sample| sample.at_ms);
        let mut events = Vec::new();
        for batch in self.samples.chunk_by(|a, b| a.at_ms == b.at_ms) {
            self.engine
                .ingest(judge::HostIx(0), batch, i64::MAX, &mut events);
        }
        let names: BTreeMap<PairIx, &String> =
            self.keys.iter().map(|(key, pair)| (*pair, key)).collect();
        let mut flapped = BTreeSet::new();
        let mut found = Vec::new();
        for event in events {
            let Event::Fired(fired) = event else {
                continue;
            };
            if fired.flapping {
                flapped.insert(fired.pair);
            }
            found.push(WouldBe {
                host: self.host.ci,
                key: names
                    .get(&fired.pair)
                    .map(|key| (*key).clone())
                    .unwrap_or_default(),
                from: fired.from,
                to: fired.to,
                at_ms: fired.at_ms,
                because: crate::driver::because(rule, fired.because),
            });
        }
        result.flapping += flapped.len();
        found
    }
}

/// Counts what the changes of one host come to.
fn tally(
    found: &[WouldBe],
    notify_from: Severity,
    (end_ms, at_night): (i64, &dyn Fn(i64) -> bool),
    result: &mut Backtest,
) {
    // By target: since when it is open, and whether it was told.
    let mut open: BTreeMap<&str, (i64, bool)> = BTreeMap::new();
    for change in found {
        if let Some(count) = result.by_severity.get_mut(usize::from(change.to.code())) {
            *count += 1;
        }
        if change.from == Severity::Normal {
            result.opened += 1;
            result.opened_at_night += usize::from(at_night(change.at_ms));
            open.insert(&change.key, (change.at_ms, false));
        }
        if let Some((since_ms, told)) = open.get_mut(change.key.as_str()) {
            if change.to >= notify_from && !*told {
                *told = true;
                result.told += 1;
            }
            if change.to == Severity::Normal {
                result.open_ms += change.at_ms - *since_ms;
                open.remove(change.key.as_str());
            }
        }
    }
    result.still_open += open.len();
    result.open_ms += open
        .values()
        .map(|(since_ms, _)| end_ms - since_ms)
        .sum::<i64>();
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_MS: i64 = 1_700_000_000_000;
    const HOUR_MS: i64 = 3_600_000;

    /// Two file systems; `/var` is full for an hour each day at midnight, `/` never.
    struct Days;

    impl History for Days {
        fn range(
            &self,
            _: CiId,
            _: &Selector,
            (from_ms, to_ms): (i64, i64),
        ) -> Result<Vec<SeriesPoints>, String> {
            let series = |mountpoint: &str, full: bool| {
                let labels = Labels::metric("used_ratio", &[("mountpoint", mountpoint)]);
                let times = (from_ms..to_ms).step_by(60_000);
                let points = times.map(|at_ms| {
                    let hour = (at_ms - START_MS) / HOUR_MS % 24;
                    (at_ms, if full && hour == 0 { 0.97 } else { 0.5 })
                });
                Ok::<_, String>((labels.map_err(|e| e.to_string())?, points.collect()))
            };
            Ok(vec![series("/", false)?, series("/var", true)?])
        }
    }

    fn rule() -> Rule {
        let text = r#"{
            "key": "disk-used", "title": {"ko": "디스크", "en": "Disk"}, "group": "disk",
            "target": {"kind": "filesystem", "by": ["mountpoint"]},
            "scope": {"hosts": ["web01"]},
            "signals": {"used": {"series": "used_ratio", "unit": "ratio"}},
            "levels": [{"severity": "warning", "any": [{"all": ["used > 80%"]}]},
                       {"severity": "major", "any": [{"all": ["used > 95%"]}], "for": "30m"}]}"#;
        serde_json::from_str(text).unwrap()
    }

    fn host(bits: u128, name: &str) -> (HostInfo, BTreeSet<String>) {
        let info = HostInfo {
            ci: CiId::from_bits(bits),
            name: name.into(),
            os: "linux".into(),
            labels: BTreeMap::new(),
            interval_ms: 60_000,
        };
        (info, BTreeSet::new())
    }

    #[test]
    fn it_counts_what_would_have_opened_been_told_and_disturbed_sleep() {
        let hosts = [host(1, "web01"), host(2, "db01")];
        let night = |at_ms: i64| (at_ms - START_MS) / HOUR_MS % 24 < 6;
        let window = (START_MS, START_MS + 3 * 24 * HOUR_MS + HOUR_MS / 2);
        let found = backtest(&rule(), &hosts, &Days, (window, &night)).unwrap();
        assert_eq!((found.hosts, found.targets), (1, 2));
        assert_eq!(
            (found.opened, found.opened_at_night, found.hosts_hit),
            (4, 4, 1)
        );
        assert_eq!((found.told, found.still_open), (3, 1));
        assert_eq!(found.by_severity, [3, 0, 4, 0, 3, 0]);
        assert_eq!(found.open_ms, 3 * HOUR_MS + HOUR_MS / 2);
        assert_eq!(found.changes[0].key, "/var");
        assert_eq!(found.changes[1].because, "used > 95%");
    }
}
