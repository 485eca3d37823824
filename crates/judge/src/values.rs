//! Overrides of a rule's values: what a group or a host changes, and the rule that results.

use model::Severity;
use model::rule::{Condition, Rule, RuleError, Span, check};
use serde::{Deserialize, Serialize};

/// What an override changes; everything that is absent stays as it is below.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// `false` mutes: the rule judges nothing there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How many clear evaluations in a row a fall needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear_count: Option<u32>,
    /// The lowest severity that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_from: Option<Severity>,
    /// Whether a fall is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_on_fall: Option<bool>,
    /// Whether the flap guard holds later notices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flap_guard: Option<bool>,
    /// Changes of single levels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<LevelValues>,
}

/// What an override changes in one level.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LevelValues {
    /// Which level.
    pub severity: Severity,
    /// The level does not exist there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub off: bool,
    /// Conditions that take the place of those with the same signal and operator, e.g. `used > 97%`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// How long it must have held.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub duration: Option<Span>,
    /// For how many evaluations in a row it must have held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// Why an override does not fit its rule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ValuesError {
    /// The rule has no such level.
    #[error("rule `{rule}` has no level `{severity}` to change")]
    NoLevel {
        /// The rule's key.
        rule: String,
        /// The level.
        severity: Severity,
    },
    /// The level has no condition with that signal and operator.
    #[error(
        "level `{severity}` of rule `{rule}` has no condition on `{signal}` with that operator: \
         `{condition}` can take nobody's place"
    )]
    NoCondition {
        /// The rule's key.
        rule: String,
        /// The level.
        severity: Severity,
        /// The signal.
        signal: String,
        /// The condition as written.
        condition: String,
    },
    /// The result contradicts itself.
    #[error("with these values the rule is wrong: {}", list(.0))]
    Rule(Vec<RuleError>),
}

fn list(errors: &[RuleError]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// The rule with `values` in force, least specific first.
///
/// # Errors
/// When a value names a level or condition that the rule lacks, or the result breaks
/// `model::rule::check`.
pub fn apply(rule: &Rule, values: &[&Values]) -> Result<Rule, ValuesError> {
    let mut merged = rule.clone();
    for one in values {
        change(&mut merged, one)?;
    }
    // A rule whose every level is off judges nothing; that is muting, not a mistake.
    if merged.levels.is_empty() && !rule.levels.is_empty() {
        merged.enabled = false;
        return Ok(merged);
    }
    check(&merged).map_err(ValuesError::Rule)?;
    Ok(merged)
}

fn change(rule: &mut Rule, values: &Values) -> Result<(), ValuesError> {
    rule.enabled = values.enabled.unwrap_or(rule.enabled);
    rule.clear_count = values.clear_count.unwrap_or(rule.clear_count);
    rule.notify_from = values.notify_from.unwrap_or(rule.notify_from);
    rule.notify_on_fall = values.notify_on_fall.unwrap_or(rule.notify_on_fall);
    rule.flap_guard = values.flap_guard.unwrap_or(rule.flap_guard);
    for level in &values.levels {
        change_level(rule, level)?;
    }
    Ok(())
}

fn change_level(rule: &mut Rule, values: &LevelValues) -> Result<(), ValuesError> {
    let severity = values.severity;
    let key = rule.key.clone();
    let found = rule.levels.iter().position(|l| l.severity == severity);
    let Some(level) = found.and_then(|at| rule.levels.get_mut(at)) else {
        // Two overrides may both switch a level off.
        if values.off {
            return Ok(());
        }
        return Err(ValuesError::NoLevel {
            rule: key,
            severity,
        });
    };
    for new in &values.conditions {
        let mut placed = false;
        let old = level.any.iter_mut().flat_map(|a| a.all.iter_mut());
        for old in old.filter(|old| old.signal == new.signal && old.op == new.op) {
            *old = new.clone();
            placed = true;
        }
        if !placed {
            return Err(ValuesError::NoCondition {
                rule: key,
                severity,
                signal: new.signal.clone(),
                condition: new.to_string(),
            });
        }
    }
    level.duration = values.duration.unwrap_or(level.duration);
    level.count = values.count.unwrap_or(level.count);
    if values.off {
        rule.levels.retain(|l| l.severity != severity);
    }
    Ok(())
}
