//! Whether a rule makes sense: its names, limits, signals and the order of its levels.

use super::{CompareOp, Level, Rule};
use crate::{Severity, limits};

/// What is wrong with a rule; the text names the rule's part and says what to do.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// The key breaks the grammar.
    #[error("key `{0}` must be 1 to 64 of a-z, 0-9 and `-`")]
    Key(String),
    /// No title.
    #[error("title is empty in {0}: give it in both languages")]
    Title(&'static str),
    /// No level, or more than five.
    #[error("{0} levels: give 1 to {limit}, one per severity", limit = limits::LEVELS_PER_RULE_MAX)]
    Levels(usize),
    /// A level for `normal`, or the same severity twice.
    #[error("level `{0}` is given twice or is not one of the five severities")]
    LevelSeverity(Severity),
    /// A level without conditions, or with too many.
    #[error("level `{severity}` has {count} conditions: give 1 to {limit}",
        limit = limits::CONDITIONS_PER_LEVEL_MAX)]
    Conditions {
        /// The level.
        severity: Severity,
        /// How many it has.
        count: usize,
    },
    /// A count of zero.
    #[error("level `{0}` has `count: 0`: a condition must hold at least once")]
    Count(Severity),
    /// Too many signals, or none.
    #[error("{0} signals: give 1 to {limit}", limit = limits::SIGNALS_PER_RULE_MAX)]
    Signals(usize),
    /// A signal with both or neither of its two sources.
    #[error("signal `{0}` needs exactly one of `series` and `builtin`")]
    SignalSource(String),
    /// A condition names a signal that the rule does not have.
    #[error("condition `{condition}` uses `{signal}`, which is not among the rule's signals")]
    UnknownSignal {
        /// The condition as written.
        condition: String,
        /// The missing signal.
        signal: String,
    },
    /// A recovery threshold on the wrong side.
    #[error("condition `{0}`: its `clear` value lies on the bad side of the threshold")]
    ClearSide(String),
    /// A higher level that is easier to reach than a lower one.
    #[error(
        "level `{higher}` is reached before level `{lower}`: `{condition_high}` against \
         `{condition_low}`; thresholds must rise with severity"
    )]
    Order {
        /// The lower level.
        lower: Severity,
        /// The higher level.
        higher: Severity,
        /// The lower level's condition.
        condition_low: String,
        /// The higher level's condition.
        condition_high: String,
    },
    /// A clear count of zero.
    #[error("`clear_count` must be at least 1")]
    ClearCount,
}

/// Checks one rule.
///
/// # Errors
/// Everything that is wrong with it, in reading order.
pub fn check(rule: &Rule) -> Result<(), Vec<RuleError>> {
    let mut errors = Vec::new();
    let key_ok = (1..=64).contains(&rule.key.len())
        && rule
            .key
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !key_ok {
        errors.push(RuleError::Key(rule.key.clone()));
    }
    for (lang, text) in [("ko", &rule.title.ko), ("en", &rule.title.en)] {
        if text.trim().is_empty() {
            errors.push(RuleError::Title(lang));
        }
    }
    if !(1..=limits::SIGNALS_PER_RULE_MAX).contains(&rule.signals.len()) {
        errors.push(RuleError::Signals(rule.signals.len()));
    }
    for (name, signal) in &rule.signals {
        if signal.series.is_some() == signal.builtin.is_some() {
            errors.push(RuleError::SignalSource(name.clone()));
        }
    }
    if !(1..=limits::LEVELS_PER_RULE_MAX).contains(&rule.levels.len()) {
        errors.push(RuleError::Levels(rule.levels.len()));
    }
    if rule.clear_count == 0 {
        errors.push(RuleError::ClearCount);
    }
    check_levels(rule, &mut errors);
    check_order(rule, &mut errors);
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

fn check_levels(rule: &Rule, errors: &mut Vec<RuleError>) {
    let mut seen = Vec::new();
    for level in &rule.levels {
        if level.severity == Severity::Normal || seen.contains(&level.severity) {
            errors.push(RuleError::LevelSeverity(level.severity));
        }
        seen.push(level.severity);
        let count: usize = level
            .any
            .iter()
            .map(|alternative| alternative.all.len())
            .sum();
        let hollow = level
            .any
            .iter()
            .any(|alternative| alternative.all.is_empty());
        if hollow || !(1..=limits::CONDITIONS_PER_LEVEL_MAX).contains(&count) {
            errors.push(RuleError::Conditions {
                severity: level.severity,
                count,
            });
        }
        if level.count == 0 {
            errors.push(RuleError::Count(level.severity));
        }
        for condition in level.any.iter().flat_map(|alternative| &alternative.all) {
            if !rule.signals.contains_key(&condition.signal) {
                errors.push(RuleError::UnknownSignal {
                    condition: condition.to_string(),
                    signal: condition.signal.clone(),
                });
            }
            let wrong_side = condition.clear.is_some_and(|clear| match condition.op {
                CompareOp::Gt | CompareOp::Ge => clear > condition.threshold,
                CompareOp::Lt | CompareOp::Le => clear < condition.threshold,
                CompareOp::Eq | CompareOp::Ne => false,
            });
            if wrong_side {
                errors.push(RuleError::ClearSide(condition.to_string()));
            }
        }
    }
}

/// Compares neighbours that consist of single conditions with the same signal, operator, duration
/// and count; richer levels may be ordered in ways that only their author knows.
fn check_order(rule: &Rule, errors: &mut Vec<RuleError>) {
    let mut levels: Vec<&Level> = rule.levels.iter().collect();
    levels.sort_by_key(|level| level.severity);
    for (low, high) in levels.iter().zip(levels.iter().skip(1)) {
        let same_pace = low.duration == high.duration && low.count == high.count;
        let (Some(a), Some(b)) = (single(low), single(high)) else {
            continue;
        };
        if !same_pace || a.signal != b.signal || a.op != b.op {
            continue;
        }
        let wrong = match a.op {
            CompareOp::Gt | CompareOp::Ge => b.threshold <= a.threshold,
            CompareOp::Lt | CompareOp::Le => b.threshold >= a.threshold,
            CompareOp::Eq | CompareOp::Ne => false,
        };
        if wrong {
            errors.push(RuleError::Order {
                lower: low.severity,
                higher: high.severity,
                condition_low: a.to_string(),
                condition_high: b.to_string(),
            });
        }
    }
}

fn single(level: &Level) -> Option<&super::Condition> {
    match level.any.as_slice() {
        [alternative] => match alternative.all.as_slice() {
            [condition] => Some(condition),
            _ => None,
        },
        _ => None,
    }
}
