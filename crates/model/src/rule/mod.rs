//! A rule (감시 설정): what is watched on which targets, with up to five levels.
//!
//! The rule document is one format for YAML files, the API, the console and the records store, so
//! these types are serialised as they are; unknown keys are errors everywhere.

mod check;
mod condition;

pub use check::{RuleError, check};
pub use condition::{CompareOp, Condition, ConditionError};

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Selector, Severity, Text};

/// The version of rule documents that this program reads and writes.
pub const DOCUMENT_VERSION: u32 = 1;

/// A file of rules: `version: 1` and a list.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuleDocument {
    /// Must be [`DOCUMENT_VERSION`].
    pub version: u32,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its permanent name in documents and URLs, `[a-z0-9-]+`, e.g. `disk-used`.
    pub key: String,
    /// Its title on screens and in notices.
    pub title: Text,
    /// What the rule means and what to do about it.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub help: Text,
    /// Switched off rules keep their history and judge nothing.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The board column it belongs to: `cpu`, `memory`, `disk`, `network`, `process`, `check`, `agent`.
    pub group: String,
    /// What kind of thing it watches.
    pub target: TargetSpec,
    /// Which hosts it watches; all of them when empty.
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    pub scope: Scope,
    /// The numbers it looks at, by the short names that conditions use.
    pub signals: BTreeMap<String, Signal>,
    /// Up to five levels, one per severity.
    pub levels: Vec<Level>,
    /// How many evaluations in a row must be clear before the problem falls or closes.
    #[serde(default = "one")]
    pub clear_count: u32,
    /// The lowest severity that is told; the default is `major`.
    #[serde(default = "major")]
    pub notify_from: Severity,
    /// Whether a fall to a lower severity is told too.
    #[serde(default)]
    pub notify_on_fall: bool,
    /// Whether the flap guard holds later notices; on by default.
    #[serde(default = "yes")]
    pub flap_guard: bool,
}

/// What kind of target a rule has, and which labels of its signals tell targets of one host apart.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TargetSpec {
    /// The kind: `host`, `filesystem`, `disk`, `interface`, `process`, `unit`, `file`, `check`, ….
    pub kind: String,
    /// Labels whose values form the target's key, in order; empty for the host itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

/// Which hosts a rule (or an override) is for; every given part must hold.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Any of these operating system families, e.g. `linux`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub os: Vec<String>,
    /// Any of these groups, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Any of these hosts, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// All of these matchers on the host's labels, e.g. `{env="prod"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Selector>,
}

/// Where the values of one signal come from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Series of this selector; exactly one of `series` and `builtin` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Selector>,
    /// A value that the server itself knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builtin: Option<Builtin>,
    /// The unit for screens: `ratio`, `bytes`, `seconds`, `bytes_per_second`, `count`, ….
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// The hysteresis: how far a value must come back over a threshold; default 10 % of it.
    #[serde(default, skip_serializing_if = "Hysteresis::is_default")]
    pub clear_by: Hysteresis,
}

/// Values that the server knows without a series.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Builtin {
    /// Intervals since the host was last heard, a plain number.
    MissedIntervals,
    /// Seconds since the host was last heard.
    SilentSeconds,
}

/// How far back over its threshold a value must come before a level is left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hysteresis {
    /// This fraction of the threshold itself, e.g. `0.1`; written `10% of threshold`.
    Fraction(f64),
    /// This much in the signal's base unit, e.g. `0.03` for 3 points of a ratio; written `3%`.
    Absolute(f64),
}

impl Default for Hysteresis {
    fn default() -> Self {
        Self::Fraction(0.1)
    }
}

impl Hysteresis {
    /// The recovery threshold that belongs to a threshold with this operator.
    #[must_use]
    pub fn recovery(self, op: CompareOp, threshold: f64) -> f64 {
        let distance = match self {
            Self::Fraction(fraction) => threshold.abs() * fraction,
            Self::Absolute(distance) => distance.abs(),
        };
        match op {
            CompareOp::Gt | CompareOp::Ge => threshold - distance,
            CompareOp::Lt | CompareOp::Le => threshold + distance,
            CompareOp::Eq | CompareOp::Ne => threshold,
        }
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Serialize for Hysteresis {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fraction(f) => to.collect_str(&format_args!("{}% of threshold", f * 100.0)),
            Self::Absolute(v) => to.collect_str(v),
        }
    }
}

impl<'de> Deserialize<'de> for Hysteresis {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = NumberOrText::deserialize(from)?.into_text();
        let (number, fraction) = match text.strip_suffix("of threshold") {
            Some(number) => (number, true),
            None => (text.as_str(), false),
        };
        let value = stdx::parse_quantity(number)
            .map_err(serde::de::Error::custom)?
            .value;
        Ok(if fraction {
            Self::Fraction(value)
        } else {
            Self::Absolute(value)
        })
    }
}

/// YAML and JSON writers may leave out the quotes around a plain number.
#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(f64),
    Text(String),
}

impl NumberOrText {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// One level: a severity, when it counts, and for how long and how often in a row.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// The severity, `info` to `critical`.
    pub severity: Severity,
    /// Alternatives; the level's condition holds when any of them holds.
    pub any: Vec<Alternative>,
    /// How long the condition must have held (지속시간), e.g. `5m`; none by default.
    #[serde(default, rename = "for", skip_serializing_if = "Span::is_zero")]
    pub duration: Span,
    /// For how many evaluations in a row it must have held (발생횟수); 1 by default.
    #[serde(default = "one")]
    pub count: u32,
}

/// Conditions that must all hold at once.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// The conditions, e.g. `["used > 80%", "free < 20GiB"]`.
    pub all: Vec<Condition>,
}

/// A length of time, written `5m`, `90s` or `1h30m`.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Span {
    /// Its length in milliseconds.
    pub ms: u64,
}

impl Span {
    fn is_zero(&self) -> bool {
        self.ms == 0
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.ms {
            ms if ms % 3_600_000 == 0 && ms > 0 => {
                to.collect_str(&format_args!("{}h", ms / 3_600_000))
            }
            ms if ms % 60_000 == 0 && ms > 0 => to.collect_str(&format_args!("{}m", ms / 60_000)),
            ms if ms % 1_000 == 0 => to.collect_str(&format_args!("{}s", ms / 1_000)),
            ms => to.collect_str(&format_args!("{ms}ms")),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let ms = stdx::parse_duration_ms(&text).map_err(serde::de::Error::custom)?;
        Ok(Self { ms })
    }
}

impl Scope {
    /// Whether the scope leaves nothing out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

impl Text {
    fn is_empty(&self) -> bool {
        self.ko.is_empty() && self.en.is_empty()
    }
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

const fn major() -> Severity {
    Severity::Major
}

#[cfg(test)]
mod tests;
