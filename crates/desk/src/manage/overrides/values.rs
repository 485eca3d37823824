//! What an override changes: as fields of a form for one rule, and in words.

use judge::Values;
use model::Severity;
use model::rule::{Condition, Rule, Span};
use ui::{Field, FieldErrors, FieldKind, FormValues, PageContext};

use crate::manage::fields::{example, hint, keyed, select, severities};

/// The fields that change a rule's levels: those that it has, with what is in force as the example.
pub(super) fn level_fields(page: &PageContext, rule: &Rule) -> Vec<Field> {
    let mut all = Vec::new();
    for level in &rule.levels {
        let severity = level.severity;
        let conditions: Vec<String> = level
            .any
            .iter()
            .flat_map(|any| any.all.iter().map(ToString::to_string))
            .collect();
        let shown = conditions.join(", ");
        let field = Field {
            label: format!("severity.{severity}").into(),
            ..keyed(format!("level_{severity}"), "", FieldKind::Text)
        };
        let said = page.tf("override.now", &[("conditions", &shown)]);
        all.push(hint(example(field, shown), said));
        let off = Field {
            label: page
                .tf("override.level_off", &[("level", &page.word(&severity))])
                .into(),
            ..keyed(format!("off_{severity}"), "", FieldKind::Bool)
        };
        all.push(off);
    }
    all
}

/// The fields that change everything else.
pub(super) fn other_fields() -> Vec<Field> {
    vec![
        Field::new("for", "rule.for", FieldKind::Duration).hint("override.for_hint"),
        Field::new("notify_from", "rule.notify_from", select(severities()))
            .hint("override.notify_hint"),
        Field::new(
            "clear_count",
            "rule.clear_count",
            FieldKind::Integer { min: 1, max: 1_000 },
        ),
    ]
}

/// The values that a form means.
pub(super) fn read(
    page: &PageContext,
    (values, rule): (&FormValues, &Rule),
    errors: &mut FieldErrors,
) -> Values {
    if values.has("mute", "1") {
        return Values {
            enabled: Some(false),
            ..Values::default()
        };
    }
    let duration = stdx::parse_duration_ms(values.get("for"))
        .ok()
        .map(|ms| Span { ms });
    let mut levels = Vec::new();
    for level in &rule.levels {
        let severity = level.severity;
        let key = format!("level_{severity}");
        let mut conditions = Vec::new();
        for text in values
            .get(&key)
            .split(',')
            .map(str::trim)
            .filter(|t| !t.is_empty())
        {
            match text.parse::<Condition>() {
                Ok(condition) => conditions.push(condition),
                Err(_) => errors.add(key.clone(), page.t("override.bad_condition")),
            }
        }
        let off = values.has(&format!("off_{severity}"), "1");
        if off || duration.is_some() || !conditions.is_empty() {
            levels.push(judge::LevelValues {
                severity,
                off,
                conditions,
                duration: duration.filter(|_| !off),
                count: None,
            });
        }
    }
    let found = Values {
        enabled: None,
        clear_count: values.get("clear_count").parse().ok(),
        notify_from: values.get("notify_from").parse::<Severity>().ok(),
        notify_on_fall: None,
        flap_guard: None,
        levels,
    };
    if found == Values::default() && errors.is_empty() {
        errors.add("mute", page.t("override.nothing"));
    }
    found
}

/// The form's answers for known values.
pub(super) fn fill(known: &Values, values: &mut FormValues) {
    if known.enabled == Some(false) {
        values.set("mute", "1");
    }
    if let Some(count) = known.clear_count {
        values.set("clear_count", count.to_string());
    }
    if let Some(severity) = known.notify_from {
        values.set("notify_from", severity.name());
    }
    for level in &known.levels {
        let conditions: Vec<String> = level.conditions.iter().map(ToString::to_string).collect();
        values.set(format!("level_{}", level.severity), conditions.join(", "));
        if level.off {
            values.set(format!("off_{}", level.severity), "1");
        }
        if let Some(duration) = level.duration {
            values.set("for", crate::manage::moment::span(duration.ms));
        }
    }
}

/// What changes, in one line.
pub(super) fn summary(page: &PageContext, values: &Values) -> String {
    if values.enabled == Some(false) {
        return page.t("override.muted").to_owned();
    }
    let mut parts = Vec::new();
    for level in &values.levels {
        let word = page.word(&level.severity);
        if level.off {
            parts.push(page.tf("override.level_off", &[("level", &word)]));
            continue;
        }
        let mut what: Vec<String> = level.conditions.iter().map(ToString::to_string).collect();
        if let Some(duration) = level.duration {
            what.push(page.span(i64::try_from(duration.ms).unwrap_or(i64::MAX)));
        }
        parts.push(format!("{word}: {}", what.join(", ")));
    }
    if let Some(severity) = values.notify_from {
        parts.push(format!(
            "{}: {}",
            page.t("rule.notify_from"),
            page.word(&severity)
        ));
    }
    if let Some(count) = values.clear_count {
        parts.push(format!("{}: {count}", page.t("rule.clear_count")));
    }
    parts.join(" · ")
}
