//! A rule compiled for judging: flat conditions, levels as bit masks over them, numbers only.

use model::Severity;
use model::rule::{Builtin, CompareOp, Rule};

/// Longest `for` of a level, in milliseconds: what 32 bits hold, 49 days.
pub(crate) const DURATION_MS_MAX: u64 = u32::MAX as u64;
/// Largest `count` and `clear_count`: what 16 bits hold.
pub(crate) const COUNT_MAX: u32 = u16::MAX as u32;
/// Conditions of all levels of a rule: the bits of a mask; five levels of 16 are 80.
const CONDITIONS_MAX: usize = 128;

/// A rule as the engine runs it; shared by all pairs with the same values in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    pub(crate) conditions: Box<[CompiledCondition]>,
    /// Ascending by severity.
    pub(crate) levels: Box<[CompiledLevel]>,
    pub(crate) builtins: Box<[Option<Builtin>]>,
    pub(crate) clear_count: u16,
    pub(crate) flap_guard: bool,
    pub(crate) fingerprint: u32,
    /// One bit per level that exists, at severity code − 1.
    pub(crate) level_bits: u8,
}

/// `signal op threshold` with its recovery threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CompiledCondition {
    pub(crate) signal: u8,
    pub(crate) op: CompareOp,
    pub(crate) threshold: f64,
    pub(crate) recovery: f64,
}

/// One level: alternatives, each a mask of conditions that must all hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CompiledLevel {
    /// Severity code − 1: where the level's state lies in a pair.
    pub(crate) slot: u8,
    pub(crate) count: u16,
    pub(crate) duration_ms: u32,
    pub(crate) alternatives: Box<[u128]>,
    /// Changes exactly when the level's conditions do.
    pub(crate) fingerprint: u32,
}

/// Why a rule that passes `model::rule::check` still cannot be run.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CompileError {
    /// A duration that the state cannot count.
    #[error("level `{severity}`: `for` is {ms} ms; the limit is {limit} ms (49 days)", limit = DURATION_MS_MAX)]
    Duration {
        /// The level.
        severity: Severity,
        /// What was asked.
        ms: u64,
    },
    /// A count that the state cannot count.
    #[error("a count of {0} is over the limit of {limit}", limit = COUNT_MAX)]
    Count(u32),
    /// A condition names no signal of the rule.
    #[error("condition `{0}` uses a signal that the rule does not have")]
    Signal(String),
    /// More conditions than the masks hold.
    #[error("{0} conditions in one rule; the limit is {limit}", limit = CONDITIONS_MAX)]
    Conditions(usize),
    /// Nothing to judge by.
    #[error("the rule has no level")]
    NoLevel,
}

impl Program {
    /// How many signals the rule has; a pair's values come in the order of the signals' names.
    #[must_use]
    pub fn signals(&self) -> usize {
        self.builtins.len()
    }

    /// Whether any signal is one that the server itself knows.
    #[must_use]
    pub fn has_builtin(&self) -> bool {
        self.builtins.iter().any(Option::is_some)
    }

    /// Whether the engine evaluates a pair the moment its sample arrives.
    pub(crate) fn is_immediate(&self) -> bool {
        self.builtins.len() == 1 && !self.has_builtin()
    }

    pub(crate) fn level(&self, slot: u8) -> Option<&CompiledLevel> {
        self.levels.iter().find(|level| level.slot == slot)
    }
}

/// Compiles a rule with its values in force (see [`crate::apply`]).
///
/// # Errors
/// When a number exceeds what a pair's state can count, or a condition names an unknown signal.
pub fn compile(rule: &Rule) -> Result<Program, CompileError> {
    let names: Vec<&str> = rule.signals.keys().map(String::as_str).collect();
    let builtins = rule.signals.values().map(|signal| signal.builtin);
    let mut conditions = Vec::new();
    let mut levels = Vec::new();
    let mut ordered: Vec<_> = rule.levels.iter().collect();
    ordered.sort_by_key(|level| level.severity);
    for level in ordered {
        if level.duration.ms > DURATION_MS_MAX {
            return Err(CompileError::Duration {
                severity: level.severity,
                ms: level.duration.ms,
            });
        }
        let first = conditions.len();
        let mut alternatives = Vec::with_capacity(level.any.len());
        for alternative in &level.any {
            let mut mask = 0_u128;
            for condition in &alternative.all {
                let compiled = compile_condition(rule, &names, condition)?;
                mask |= 1_u128
                    .checked_shl(u32::try_from(conditions.len()).unwrap_or(128))
                    .unwrap_or(0);
                conditions.push(compiled);
            }
            alternatives.push(mask);
        }
        levels.push(CompiledLevel {
            slot: level.severity.code().saturating_sub(1),
            count: small_count(level.count)?,
            duration_ms: u32::try_from(level.duration.ms).unwrap_or(u32::MAX),
            fingerprint: fingerprint(
                conditions.get(first..).unwrap_or_default(),
                &alternatives,
                first,
            ),
            alternatives: alternatives.into(),
        });
    }
    if levels.is_empty() {
        return Err(CompileError::NoLevel);
    }
    if conditions.len() > CONDITIONS_MAX {
        return Err(CompileError::Conditions(conditions.len()));
    }
    let level_bits = levels
        .iter()
        .fold(0, |bits, level| bits | (1_u8 << level.slot));
    let mut whole = crc32fast::Hasher::new();
    for level in &levels {
        whole.update(&[level.slot]);
        whole.update(&level.fingerprint.to_le_bytes());
    }
    for name in &names {
        whole.update(name.as_bytes());
        whole.update(&[0]);
    }
    Ok(Program {
        conditions: conditions.into(),
        levels: levels.into(),
        builtins: builtins.collect(),
        clear_count: small_count(rule.clear_count)?,
        flap_guard: rule.flap_guard,
        fingerprint: whole.finalize(),
        level_bits,
    })
}

fn compile_condition(
    rule: &Rule,
    names: &[&str],
    condition: &model::rule::Condition,
) -> Result<CompiledCondition, CompileError> {
    let unknown = || CompileError::Signal(condition.to_string());
    let at = names
        .iter()
        .position(|name| *name == condition.signal)
        .ok_or_else(unknown)?;
    let hysteresis = rule
        .signals
        .get(&condition.signal)
        .map(|signal| signal.clear_by)
        .unwrap_or_default();
    let derived = hysteresis.recovery(condition.op, condition.threshold);
    let recovery = match condition.op {
        // "Exactly equal" has no far side: such a level is left when it no longer holds.
        CompareOp::Eq | CompareOp::Ne => condition.threshold,
        _ => condition.clear.unwrap_or(derived),
    };
    Ok(CompiledCondition {
        signal: u8::try_from(at).map_err(|_| unknown())?,
        op: condition.op,
        threshold: condition.threshold,
        recovery,
    })
}

fn small_count(count: u32) -> Result<u16, CompileError> {
    u16::try_from(count.max(1)).map_err(|_| CompileError::Count(count))
}

/// A checksum of what a level compares, independent of where its conditions lie in the rule.
fn fingerprint(conditions: &[CompiledCondition], alternatives: &[u128], first: usize) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for condition in conditions {
        hasher.update(&[condition.signal]);
        hasher.update(condition.op.symbol().as_bytes());
        hasher.update(&condition.threshold.to_bits().to_le_bytes());
        hasher.update(&condition.recovery.to_bits().to_le_bytes());
    }
    for mask in alternatives {
        hasher.update(&(mask >> first.min(127)).to_le_bytes());
    }
    hasher.finalize()
}
