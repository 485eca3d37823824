//! What is wrong with a rule, field by field, and the errors of this slice's API.

use model::Severity;
use model::rule::{Rule, RuleError};
use web::{ApiError, FieldError};

use crate::WatchError;

/// The fields of a rule that an error is about, as paths of the rule's JSON.
pub(super) fn rule_fields(rule: &Rule, error: &WatchError) -> Vec<FieldError> {
    let of = |field: String, message: String| FieldError { field, message };
    match error {
        WatchError::Rule { errors, .. } => errors
            .iter()
            .map(|error| of(field_of(rule, error), error.to_string()))
            .collect(),
        WatchError::Compile { error, .. } => vec![of("levels".into(), error.to_string())],
        WatchError::Selector(error) => {
            let wrong =
                |selector: &model::Selector| crate::matching::Matchers::new(selector).is_err();
            let signals = rule.signals.iter();
            let named = signals
                .filter(|(_, signal)| signal.series.as_ref().is_some_and(wrong))
                .map(|(name, _)| format!("signals.{name}.series"))
                .next();
            let field = named.unwrap_or_else(|| "scope.labels".into());
            vec![of(field, error.to_string())]
        }
        WatchError::KeyChanged(..) => vec![of("key".into(), error.to_string())],
        _ => Vec::new(),
    }
}

fn field_of(rule: &Rule, error: &RuleError) -> String {
    let level = |severity: &Severity| {
        let at = rule
            .levels
            .iter()
            .rposition(|level| level.severity == *severity);
        at.map_or_else(|| "levels".to_owned(), |at| format!("levels[{at}]"))
    };
    let with = |wanted: &str| {
        let has = |level: &model::rule::Level| {
            let mut conditions = level.any.iter().flat_map(|alternative| &alternative.all);
            conditions.any(|condition| condition.to_string() == wanted)
        };
        let at = rule.levels.iter().position(has);
        at.map_or_else(|| "levels".to_owned(), |at| format!("levels[{at}].any"))
    };
    match error {
        RuleError::Key(_) => "key".into(),
        RuleError::Title(lang) => format!("title.{lang}"),
        RuleError::Levels(_) => "levels".into(),
        RuleError::LevelSeverity(severity) => format!("{}.severity", level(severity)),
        RuleError::Conditions { severity, .. } => format!("{}.any", level(severity)),
        RuleError::Count(severity) => format!("{}.count", level(severity)),
        RuleError::Signals(_) => "signals".into(),
        RuleError::SignalSource(name) => format!("signals.{name}"),
        RuleError::UnknownSignal { condition, .. } | RuleError::ClearSide(condition) => {
            with(condition)
        }
        RuleError::Order { higher, .. } => format!("{}.any", level(higher)),
        RuleError::ClearCount => "clear_count".into(),
    }
}

/// The answer to a rule that is refused: its fields are named as they stand in the request.
pub(super) fn rule_refusal(rule: &Rule, error: WatchError) -> ApiError {
    let mut fields = rule_fields(rule, &error);
    if fields.is_empty() {
        return error.into();
    }
    for field in &mut fields {
        field.field.insert_str(0, "rule.");
    }
    ApiError::invalid(fields)
}

/// The answer to any other refused request.
pub(super) fn refusal(error: WatchError) -> ApiError {
    match error {
        WatchError::Field {
            field: "until",
            what,
        } => ApiError::invalid_field("until_ms", what),
        WatchError::NotFound(what @ "this group") => {
            ApiError::invalid_field("for", format!("{what} does not exist"))
        }
        other => other.into(),
    }
}
