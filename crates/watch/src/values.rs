//! What differs between two forms of a rule, in words for a table: which value, before, after.

use model::rule::Rule;
use serde::Serialize;
use serde_json::Value as Json;

/// One value that changed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Change {
    /// Which, as a path: `clear_count`, `levels.major.any`, `levels.major.for`.
    pub what: String,
    /// Before; empty when it was absent.
    pub before: String,
    /// After; empty when it is absent now.
    pub after: String,
}

/// Every value that differs.
#[must_use]
pub fn changes(before: &Rule, after: &Rule) -> Vec<Change> {
    let (before, after) = (flat(before), flat(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let text = |map: &serde_json::Map<String, Json>, name: &str| match map.get(name) {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    names
        .into_iter()
        .filter_map(|name| {
            let (before, after) = (text(&before, name), text(&after, name));
            (before != after).then(|| Change {
                what: name.clone(),
                before,
                after,
            })
        })
        .collect()
}

/// The rule as one list of named values: levels by severity, signals by name, the rest as it is.
fn flat(rule: &Rule) -> serde_json::Map<String, Json> {
    let mut out = serde_json::Map::new();
    let Ok(Json::Object(fields)) = serde_json::to_value(rule) else {
        return out;
    };
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("levels", Json::Array(levels)) => {
                for level in levels {
                    let severity = level.get("severity").and_then(Json::as_str);
                    let prefix = format!("levels.{}", severity.unwrap_or(""));
                    if let Json::Object(parts) = level {
                        let parts = parts.into_iter().filter(|(part, _)| part != "severity");
                        out.extend(parts.map(|(part, v)| (format!("{prefix}.{part}"), v)));
                    }
                }
            }
            ("signals", Json::Object(signals)) => {
                let named = signals.into_iter();
                out.extend(named.map(|(signal, v)| (format!("signals.{signal}"), v)));
            }
            (_, value) => {
                out.insert(name, value);
            }
        }
    }
    out
}
