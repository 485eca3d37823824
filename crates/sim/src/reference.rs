//! The reference model: what every pair of a simple rule should come to, judged the plain way.
//!
//! It shares no code with `judge`. A rule without `for` on one signal is five lines on paper: a
//! level is reached after `count` bad samples in a row, and left after `clear_count` samples in a row
//! beyond its recovery threshold; the severity is the highest reached level.

use std::collections::{BTreeMap, HashMap};

use judge::Sample;
use model::{CiId, Labels, RuleId, Severity, Target, TargetKind};

use crate::rules::RuleSpec;

/// One level of one pair.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    reached: bool,
    bad_in_a_row: u32,
    clear_in_a_row: u32,
    /// Its threshold was edited while it was reached: the next sample decides alone.
    afresh: bool,
}

#[derive(Clone, Debug, Default)]
struct Pair {
    last_ms: Option<i64>,
    levels: BTreeMap<Severity, Level>,
}

/// Every pair of every simple rule.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pairs: HashMap<(RuleId, Target), Pair>,
}

impl Pair {
    fn severity(&self) -> Severity {
        let reached = self.levels.iter().filter(|(_, level)| level.reached);
        reached
            .map(|(severity, _)| *severity)
            .max()
            .unwrap_or_default()
    }

    fn step(&mut self, spec: &RuleSpec, at_ms: i64, value: f64) {
        if self.last_ms.is_some_and(|last_ms| at_ms <= last_ms) {
            return;
        }
        self.last_ms = Some(at_ms);
        if value.is_nan() {
            return;
        }
        for &(severity, threshold) in &spec.levels {
            let level = self.levels.entry(severity).or_default();
            let bad = spec.is_bad(value, threshold);
            if !level.reached {
                level.bad_in_a_row = if bad { level.bad_in_a_row + 1 } else { 0 };
                if level.bad_in_a_row >= spec.count {
                    *level = Level {
                        reached: true,
                        ..Level::default()
                    };
                }
                continue;
            }
            let (stays, needed) = match level.afresh {
                true => (bad, 1),
                false => (
                    spec.is_bad(value, spec.recovery(threshold)),
                    spec.clear_count,
                ),
            };
            level.afresh = false;
            level.clear_in_a_row = if stays { 0 } else { level.clear_in_a_row + 1 };
            if level.clear_in_a_row >= needed {
                *level = Level::default();
            }
        }
        self.settle_below(spec, value);
    }

    /// An open problem falls through the lower levels; it does not close and open again.
    fn settle_below(&mut self, spec: &RuleSpec, value: f64) {
        let top = self.severity();
        for &(severity, threshold) in &spec.levels {
            let level = self.levels.entry(severity).or_default();
            if severity < top && !level.reached && spec.is_bad(value, threshold) {
                *level = Level {
                    reached: true,
                    ..Level::default()
                };
            }
        }
    }
}

impl Model {
    /// A batch was judged.
    pub(crate) fn take(
        &mut self,
        rules: &[(RuleId, RuleSpec)],
        samples: &[Sample],
        series: impl Fn(u32) -> Option<(CiId, Labels)>,
    ) {
        for sample in samples {
            let Some((ci, labels)) = series(sample.series) else {
                continue;
            };
            for (id, spec) in rules {
                if labels.name() != spec.metric || !spec.is_simple() || !spec.enabled {
                    continue;
                }
                let key = spec.by.and_then(|by| labels.get(by)).unwrap_or_default();
                let kind = TargetKind::new(spec.kind);
                let target = Target {
                    ci,
                    kind,
                    key: key.to_owned(),
                };
                let pair = self.pairs.entry((*id, target)).or_default();
                pair.step(spec, sample.at_ms, sample.value);
            }
        }
    }

    /// A rule was edited.
    pub(crate) fn edited(&mut self, id: RuleId, old: &RuleSpec, new: &RuleSpec) {
        if !new.enabled {
            self.pairs.retain(|(rule, _), _| *rule != id);
            return;
        }
        for ((rule, _), pair) in &mut self.pairs {
            if *rule != id {
                continue;
            }
            for ((severity, before), (_, after)) in old.levels.iter().zip(&new.levels) {
                if before != after
                    && let Some(level) = pair.levels.get_mut(severity)
                {
                    *level = Level {
                        reached: level.reached,
                        afresh: level.reached,
                        ..Level::default()
                    };
                }
            }
        }
    }

    /// A host is no longer watched.
    pub(crate) fn retired(&mut self, ci: CiId) {
        self.pairs.retain(|(_, target), _| target.ci != ci);
    }

    /// What a pair should have come to; nothing when no sample of it was ever judged.
    pub(crate) fn severity(&self, rule: RuleId, target: &Target) -> Option<Severity> {
        self.pairs.get(&(rule, target.clone())).map(Pair::severity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::specs;

    #[test]
    fn levels_are_reached_by_count_and_left_by_recovery_and_clear_count() {
        let spec = specs()
            .into_iter()
            .find(|spec| spec.key == "memory-used")
            .unwrap();
        let mut pair = Pair::default();
        let mut said = Vec::new();
        for (at_ms, value) in
            (1..).zip([0.9, 0.9, 0.96, 0.96, 0.96, 0.88, 0.88, 0.7, f64::NAN, 0.7])
        {
            pair.step(&spec, at_ms, value);
            said.push(pair.severity().name());
        }
        let warning = ["normal", "normal", "warning", "warning", "major"];
        assert_eq!(said[..5], warning);
        assert_eq!(
            said[5..],
            ["major", "warning", "warning", "warning", "normal"]
        );
    }
}
