//! The rules of a simulated installation, as plain numbers that the reference model reads too.

use model::Severity;
use model::rule::Rule;
use serde_json::{Value as Json, json};

/// One level: a severity and its threshold.
pub(crate) type LevelSpec = (Severity, f64);

/// A rule in plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RuleSpec {
    pub(crate) key: &'static str,
    /// The board column.
    pub(crate) group: &'static str,
    /// Kind of target, and the label that tells targets apart.
    pub(crate) kind: &'static str,
    pub(crate) by: Option<&'static str>,
    pub(crate) metric: &'static str,
    /// `>` when high values are bad, `<` when low ones are.
    pub(crate) high_is_bad: bool,
    /// Ascending by severity.
    pub(crate) levels: Vec<LevelSpec>,
    /// How far back over the threshold a value must come.
    pub(crate) clear_by: f64,
    pub(crate) count: u32,
    pub(crate) clear_count: u32,
    /// How long it must hold, seconds; the reference model leaves rules with it out.
    pub(crate) for_s: u32,
    pub(crate) notify_from: Severity,
    pub(crate) notify_on_fall: bool,
    pub(crate) enabled: bool,
}

/// The key of the rule on silence.
pub(crate) const SILENT: &str = "agent-silent";
/// The key of the rule with two signals.
pub(crate) const FULL: &str = "disk-nearly-full";

impl RuleSpec {
    fn new(key: &'static str, group: &'static str, metric: &'static str) -> Self {
        Self {
            key,
            group,
            kind: "host",
            by: None,
            metric,
            high_is_bad: true,
            levels: Vec::new(),
            clear_by: 0.05,
            count: 1,
            clear_count: 1,
            for_s: 0,
            notify_from: Severity::Major,
            notify_on_fall: false,
            enabled: true,
        }
    }

    /// Whether the reference model can judge it.
    pub(crate) const fn is_simple(&self) -> bool {
        self.for_s == 0
    }

    /// Whether a value is bad against a threshold.
    pub(crate) fn is_bad(&self, value: f64, threshold: f64) -> bool {
        if self.high_is_bad {
            value > threshold
        } else {
            value < threshold
        }
    }

    /// The recovery threshold.
    pub(crate) fn recovery(&self, threshold: f64) -> f64 {
        if self.high_is_bad {
            threshold - self.clear_by
        } else {
            threshold + self.clear_by
        }
    }

    /// The rule as people would write it.
    pub(crate) fn rule(&self) -> Rule {
        let op = if self.high_is_bad { ">" } else { "<" };
        let level = |&(severity, threshold): &LevelSpec| {
            json!({
                "severity": severity.name(),
                "any": [{ "all": [format!("v {op} {threshold}")] }],
                "for": format!("{}s", self.for_s),
                "count": self.count,
            })
        };
        let signal = json!({ "series": self.metric, "unit": "ratio", "clear_by": self.clear_by });
        self.document(
            json!({ "v": signal }),
            self.levels.iter().map(level).collect(),
        )
    }

    fn document(&self, signals: Json, levels: Vec<Json>) -> Rule {
        let document = json!({
            "key": self.key,
            "title": { "ko": self.key, "en": self.key },
            "enabled": self.enabled,
            "group": self.group,
            "target": { "kind": self.kind, "by": self.by.into_iter().collect::<Vec<_>>() },
            "signals": signals,
            "levels": levels,
            "clear_count": self.clear_count,
            "notify_from": self.notify_from.name(),
            "notify_on_fall": self.notify_on_fall,
        });
        serde_json::from_value(document).expect("a rule")
    }
}

/// The rules on one signal each.
pub(crate) fn specs() -> Vec<RuleSpec> {
    use Severity::{Critical, Info, Major, Minor, Warning};
    vec![
        RuleSpec {
            levels: vec![
                (Info, 0.7),
                (Warning, 0.8),
                (Minor, 0.9),
                (Major, 0.95),
                (Critical, 0.98),
            ],
            for_s: 60,
            clear_by: 0.1,
            ..RuleSpec::new("cpu-used", "cpu", "cpu_used_ratio")
        },
        RuleSpec {
            levels: vec![(Warning, 0.85), (Major, 0.95)],
            count: 3,
            clear_count: 2,
            notify_on_fall: true,
            notify_from: Warning,
            ..RuleSpec::new("memory-used", "memory", "mem_used_ratio")
        },
        RuleSpec {
            kind: "filesystem",
            by: Some("mountpoint"),
            levels: vec![
                (Warning, 0.8),
                (Minor, 0.9),
                (Major, 0.95),
                (Critical, 0.98),
            ],
            clear_by: 0.03,
            ..RuleSpec::new("disk-used", "disk", "disk_used_ratio")
        },
        RuleSpec {
            kind: "interface",
            by: Some("device"),
            high_is_bad: false,
            levels: vec![(Major, 0.5)],
            clear_by: 0.1,
            ..RuleSpec::new("nic-down", "network", "nic_up")
        },
        RuleSpec {
            kind: "process",
            by: Some("name"),
            high_is_bad: false,
            levels: vec![(Critical, 0.5)],
            clear_by: 0.1,
            clear_count: 2,
            ..RuleSpec::new("process-gone", "process", "proc_up")
        },
    ]
}

/// The rules that the reference model leaves out: two signals, and silence.
pub(crate) fn other_rules() -> Vec<Rule> {
    let full = RuleSpec {
        kind: "filesystem",
        by: Some("mountpoint"),
        ..RuleSpec::new(FULL, "disk", "")
    };
    let silent = RuleSpec {
        notify_from: Severity::Minor,
        ..RuleSpec::new(SILENT, "agent", "")
    };
    vec![
        full.document(
            json!({
                "used": { "series": "disk_used_ratio", "unit": "ratio" },
                "free": { "series": "disk_free_bytes", "unit": "bytes" },
            }),
            vec![json!({
                "severity": "major",
                "any": [{ "all": ["used > 90%", "free < 5GiB"] }],
                "count": 2,
            })],
        ),
        silent.document(
            json!({
                "missed": { "builtin": "missed_intervals" },
                "silent": { "builtin": "silent_seconds" },
            }),
            vec![
                json!({ "severity": "minor", "any": [{ "all": ["missed >= 3"] }] }),
                json!({ "severity": "major", "any": [{ "all": ["silent >= 300"] }] }),
            ],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_the_simulation_makes_sense() {
        let all = specs()
            .iter()
            .map(RuleSpec::rule)
            .chain(other_rules())
            .collect::<Vec<_>>();
        assert_eq!(all.len(), 7);
        for rule in all {
            assert_eq!(model::rule::check(&rule), Ok(()), "{}", rule.key);
        }
    }
}
