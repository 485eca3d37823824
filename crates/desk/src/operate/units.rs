//! Measured values in the words of the reader: units of rules and metrics, thresholds, keys.

use i18n::{Lang, Unit};
use model::flow::Observed;
use model::rule::{CompareOp, Condition, Level, Rule};

/// The unit for screens of a unit's name in rules and metrics.
pub(crate) fn unit(name: &str) -> Unit {
    match name {
        "ratio" => Unit::Ratio,
        "bytes" => Unit::Bytes,
        "bytes_per_second" => Unit::BytesPerSecond,
        "per_second" => Unit::PerSecond,
        "seconds" => Unit::Seconds,
        _ => Unit::Plain,
    }
}

/// A seen value; empty when it says no more than the title, as a flag of 0 or 1 does.
pub(crate) fn seen(lang: Lang, observed: &Observed) -> String {
    match observed.unit.as_str() {
        "bool" => String::new(),
        name => i18n::value(lang, observed.value, unit(name)),
    }
}

/// The one seen value that a headline has room for: a share if there is one, as titles name shares,
/// else the first that says something.
pub(crate) fn first(lang: Lang, observed: &[Observed]) -> String {
    let share = observed.iter().find(|one| one.unit == "ratio");
    let mut texts = share.into_iter().chain(observed).map(|one| seen(lang, one));
    texts.find(|text| !text.is_empty()).unwrap_or_default()
}

/// Every seen value that a level looks at, in the order of its conditions.
pub(crate) fn all(lang: Lang, level: &Level, observed: &[Observed]) -> String {
    let mut told: Vec<String> = Vec::new();
    for condition in level.any.iter().flat_map(|alternative| &alternative.all) {
        let mut found = observed.iter();
        let found = found.find(|one| one.signal == condition.signal);
        let text = found.map_or_else(String::new, |one| seen(lang, one));
        if !text.is_empty() && !told.contains(&text) {
            told.push(text);
        }
    }
    match told.is_empty() {
        true => first(lang, observed),
        false => told.join(" · "),
    }
}

/// The conditions of a level as a table shows them: `> 90%`, joined where there are several.
pub(crate) fn level(lang: Lang, rule: &Rule, level: &Level) -> String {
    let one = |condition: &Condition| {
        let name = rule.signals.get(&condition.signal);
        let name = name.map_or("", |signal| signal.unit.as_str());
        if name == "bool" {
            return String::new();
        }
        let value = i18n::value(lang, condition.threshold, unit(name));
        // A table may break between conditions, not within one.
        format!("{} {value}", symbol(condition.op)).replace(' ', "\u{a0}")
    };
    let alternatives = level.any.iter().map(|alternative| {
        let all = alternative
            .all
            .iter()
            .map(one)
            .filter(|text| !text.is_empty());
        all.collect::<Vec<_>>().join(" · ")
    });
    let shown: Vec<String> = alternatives.filter(|text| !text.is_empty()).collect();
    if shown.is_empty() {
        "●".to_owned()
    } else {
        shown.join(" / ")
    }
}

/// The operator as people write it.
const fn symbol(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Gt => ">",
        CompareOp::Ge => "≥",
        CompareOp::Lt => "<",
        CompareOp::Le => "≤",
        CompareOp::Eq => "=",
        CompareOp::Ne => "≠",
    }
}
