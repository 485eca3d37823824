//! The friendly form of a rule: one metric, one comparison, five thresholds; and the rule it means.

use std::collections::BTreeMap;

use model::rule::{
    Alternative, Condition, Hysteresis, Level, Rule, Scope, Signal, Span, TargetSpec,
};
use model::{Selector, Severity, Text};
use ui::{Choice, Field, FieldErrors, FieldKind, FormValues, PageContext};

use super::detail::written;
use crate::manage::fields::{BOARD_GROUPS, checks, example, keyed, lines, select, severities};

/// The comparisons of the form.
const OPS: [&str; 6] = [">", ">=", "<", "<=", "==", "!="];
/// Kinds of targets with the labels that tell them apart.
const KINDS: [(&str, &str); 8] = [
    ("host", ""),
    ("filesystem", "mountpoint"),
    ("disk", "device"),
    ("interface", "device"),
    ("process", "watched"),
    ("unit", "watched"),
    ("file", "watched"),
    ("check", "check"),
];
const UNITS: [&str; 6] = [
    "ratio",
    "bytes",
    "seconds",
    "bytes_per_second",
    "count",
    "bool",
];
/// The name of the signal in rules that the form made.
const SIGNAL: &str = "value";

/// The sections' fields.
pub(super) struct Fields {
    pub(super) about: Vec<Field>,
    pub(super) what: Vec<Field>,
    pub(super) levels: Vec<Field>,
    pub(super) telling: Vec<Field>,
    pub(super) scope: Vec<Field>,
    pub(super) end: Vec<Field>,
}

impl Fields {
    pub(super) fn all(&self) -> Vec<Field> {
        let parts = [
            &self.about,
            &self.what,
            &self.levels,
            &self.telling,
            &self.scope,
            &self.end,
        ];
        parts.into_iter().flatten().cloned().collect()
    }
}

/// The units by their names in the reader's language.
fn units() -> FieldKind {
    let unit = |name: &&str| Choice::owned((*name).to_owned(), format!("rule.unit_{name}"));
    select(UNITS.iter().map(unit).collect())
}

fn plain(values: &[&'static str]) -> FieldKind {
    select(
        values
            .iter()
            .map(|value| Choice::new(value, value))
            .collect(),
    )
}

/// The form's fields; a known rule keeps its key.
pub(super) fn fields(is_new: bool, groups: Vec<Choice>) -> Fields {
    let mut about = Vec::new();
    if is_new {
        let key = Field::new("key", "rule.key", FieldKind::Text).required();
        about.push(key.hint("rule.key_hint").example("queue-length"));
    }
    about.extend([
        Field::new("title_ko", "rule.title_ko", FieldKind::Text).required(),
        Field::new("title_en", "rule.title_en", FieldKind::Text).required(),
        Field::new("help_ko", "rule.help_ko", lines(2)).hint("rule.help_hint"),
        Field::new("help_en", "rule.help_en", lines(2)),
        Field::new("group", "rule.group", select(BOARD_GROUPS.to_vec())).required(),
        Field::new("enabled", "rule.enabled_now", FieldKind::Bool),
    ]);
    Fields {
        about,
        what: what(),
        levels: level_fields(),
        telling: telling(),
        scope: scope(groups),
        end: vec![
            Field::new("why", "manage.why", FieldKind::Text).hint("manage.why_hint"),
            Field::new("try", "rule.try", FieldKind::Bool).hint("rule.try_hint"),
        ],
    }
}

fn what() -> Vec<Field> {
    let kind = |(kind, _): &(&'static str, &str)| {
        Choice::owned((*kind).to_owned(), format!("rule.kind_{kind}"))
    };
    vec![
        Field::new("series", "rule.series", FieldKind::Text)
            .required()
            .hint("rule.series_hint")
            .example("bongsu_filesystem_used_ratio{mountpoint=\"/data\"}"),
        Field::new("unit", "rule.unit", units()).required(),
        Field::new(
            "kind",
            "rule.kind",
            select(KINDS.iter().map(kind).collect()),
        )
        .required(),
        Field::new("by", "rule.by", FieldKind::Text).hint("rule.by_hint"),
    ]
}

fn level_fields() -> Vec<Field> {
    let mut all = vec![Field::new("op", "rule.op", plain(&OPS)).required()];
    let examples = ["70%", "80%", "90%", "95%", "98%"];
    for (severity, shown) in Severity::LEVELS.into_iter().zip(examples) {
        let field = Field {
            label: format!("severity.{severity}").into(),
            ..keyed(format!("level_{severity}"), "", FieldKind::Text)
        };
        all.push(example(field, shown));
    }
    all.extend([
        Field::new("for", "rule.for", FieldKind::Duration)
            .hint("rule.for_hint")
            .example("5m"),
        Field::new(
            "count",
            "rule.count",
            FieldKind::Integer { min: 1, max: 1_000 },
        )
        .hint("rule.count_hint"),
        Field::new("clear_by", "rule.clear_by", FieldKind::Text)
            .hint("rule.clear_by_hint")
            .example("10% of threshold"),
        Field::new(
            "clear_count",
            "rule.clear_count",
            FieldKind::Integer { min: 1, max: 1_000 },
        )
        .hint("rule.clear_count_hint"),
    ]);
    all
}

fn telling() -> Vec<Field> {
    vec![
        Field::new("notify_from", "rule.notify_from", select(severities()))
            .required()
            .hint("rule.notify_from_hint"),
        Field::new("notify_on_fall", "rule.notify_on_fall", FieldKind::Bool),
        Field::new("flap_guard", "rule.flap_guard", FieldKind::Bool).hint("rule.flap_guard_hint"),
    ]
}

fn scope(groups: Vec<Choice>) -> Vec<Field> {
    let mut all = Vec::new();
    if !groups.is_empty() {
        all.push(Field::new("groups", "rule.scope_groups", checks(groups)));
    }
    all.extend([
        Field::new("hosts", "rule.scope_hosts", FieldKind::List).hint("rule.scope_hosts_hint"),
        Field::new("os", "rule.scope_os", FieldKind::Text).example("linux"),
        Field::new("labels", "rule.scope_labels", FieldKind::Text).example("{env=\"prod\"}"),
    ]);
    all
}

/// What a new rule's form begins with.
pub(super) fn blank() -> FormValues {
    let mut values = FormValues::default();
    for (key, value) in [
        ("group", "check"),
        ("enabled", "1"),
        ("unit", "ratio"),
        ("kind", "host"),
        ("op", ">"),
        ("for", "5m"),
        ("count", "1"),
        ("clear_count", "1"),
        ("notify_from", "major"),
        ("flap_guard", "1"),
    ] {
        values.set(key, value);
    }
    values
}

/// The one signal, comparison, length and count of a rule that the form can show.
struct Simple<'a> {
    signal: &'a Signal,
    op: &'static str,
    thresholds: Vec<(Severity, String)>,
    for_ms: u64,
    count: u32,
}

fn simple(rule: &Rule) -> Option<Simple<'_>> {
    let (name, signal) = rule
        .signals
        .iter()
        .next()
        .filter(|_| rule.signals.len() == 1)?;
    signal.series.as_ref()?;
    let first = rule.levels.first()?;
    let (for_ms, count) = (first.duration.ms, first.count);
    let mut op = None;
    let mut thresholds = Vec::new();
    for level in &rule.levels {
        let [Alternative { all }] = level.any.as_slice() else {
            return None;
        };
        let [condition] = all.as_slice() else {
            return None;
        };
        let symbol = condition.op.symbol();
        let same = *op.get_or_insert(symbol) == symbol;
        if !same || (level.duration.ms, level.count) != (for_ms, count) {
            return None;
        }
        let text = condition.to_string();
        let (_, threshold) = text.split_once(symbol)?;
        thresholds.push((level.severity, threshold.trim().to_owned()));
    }
    debug_assert!(!name.is_empty());
    Some(Simple {
        signal,
        op: op?,
        thresholds,
        for_ms,
        count,
    })
}

/// A rule as the form shows it; nothing for one that only a document can hold.
pub(super) fn shown(rule: &Rule) -> Option<FormValues> {
    let found = simple(rule)?;
    let mut values = FormValues::default();
    let switch = |on: bool| if on { "1" } else { "" };
    let clear_by = match found.signal.clear_by {
        Hysteresis::Fraction(share) if (share - 0.1).abs() < 1e-9 => String::new(),
        Hysteresis::Fraction(share) => format!("{}% of threshold", share * 100.0),
        Hysteresis::Absolute(by) => by.to_string(),
    };
    let series = found.signal.series.as_ref().map(ToString::to_string);
    for (key, value) in [
        ("key", rule.key.clone()),
        ("title_ko", rule.title.ko.clone()),
        ("title_en", rule.title.en.clone()),
        ("help_ko", rule.help.ko.clone()),
        ("help_en", rule.help.en.clone()),
        ("group", rule.group.clone()),
        ("enabled", switch(rule.enabled).to_owned()),
        ("series", series.unwrap_or_default()),
        ("unit", found.signal.unit.clone()),
        ("kind", rule.target.kind.clone()),
        ("by", rule.target.by.join(", ")),
        ("op", found.op.to_owned()),
        ("for", written(found.for_ms)),
        ("count", found.count.to_string()),
        ("clear_by", clear_by),
        ("clear_count", rule.clear_count.to_string()),
        ("notify_from", rule.notify_from.name().to_owned()),
        ("notify_on_fall", switch(rule.notify_on_fall).to_owned()),
        ("flap_guard", switch(rule.flap_guard).to_owned()),
        ("hosts", rule.scope.hosts.join("\n")),
        ("os", rule.scope.os.join(", ")),
        (
            "labels",
            rule.scope
                .labels
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
    ] {
        values.set(key, value);
    }
    for (severity, threshold) in found.thresholds {
        values.set(format!("level_{severity}"), threshold);
    }
    for group in &rule.scope.groups {
        values.add("groups", group.clone());
    }
    Some(values)
}

/// The rule that a form means; of a known rule it keeps what the form does not ask.
pub(super) fn read(
    page: &PageContext,
    values: &FormValues,
    base: Option<&Rule>,
    errors: &mut FieldErrors,
) -> Rule {
    let text = |key: &str| values.get(key).to_owned();
    let list = |key: &str| -> Vec<String> {
        let parts = values.get(key).split(',').map(str::trim);
        parts
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let signal = base.and_then(|rule| rule.signals.keys().next());
    let signal = signal.map_or(SIGNAL, String::as_str).to_owned();
    let kind = text("kind");
    let mut by = list("by");
    if by.is_empty() && base.is_none() {
        let usual = KINDS.iter().find(|(known, _)| *known == kind);
        by = usual
            .iter()
            .filter(|(_, by)| !by.is_empty())
            .map(|(_, by)| (*by).into())
            .collect();
    }
    let labels = selector(page, values, "labels", errors);
    let series = selector(page, values, "series", errors);
    Rule {
        key: base.map_or_else(|| text("key"), |rule| rule.key.clone()),
        title: Text {
            ko: text("title_ko"),
            en: text("title_en"),
        },
        help: Text {
            ko: text("help_ko"),
            en: text("help_en"),
        },
        enabled: values.has("enabled", "1"),
        group: text("group"),
        target: TargetSpec { kind, by },
        scope: Scope {
            os: list("os"),
            groups: values.all("groups").to_vec(),
            hosts: values.lines("hosts"),
            labels,
        },
        levels: levels(page, (values, &signal), errors),
        signals: BTreeMap::from([(
            signal,
            Signal {
                series,
                builtin: None,
                unit: text("unit"),
                clear_by: hysteresis(page, values, errors),
            },
        )]),
        clear_count: values.get("clear_count").parse().unwrap_or(1),
        notify_from: values.get("notify_from").parse().unwrap_or(Severity::Major),
        notify_on_fall: values.has("notify_on_fall", "1"),
        flap_guard: values.has("flap_guard", "1"),
    }
}

fn selector(
    page: &PageContext,
    values: &FormValues,
    key: &str,
    errors: &mut FieldErrors,
) -> Option<Selector> {
    let text = values.get(key);
    if text.is_empty() {
        return None;
    }
    match Selector::parse(text) {
        Ok(selector) => Some(selector),
        Err(error) => {
            errors.add(key, page.tf("rule.bad_selector", &[("why", &error)]));
            None
        }
    }
}

fn hysteresis(page: &PageContext, values: &FormValues, errors: &mut FieldErrors) -> Hysteresis {
    let text = values.get("clear_by");
    if text.is_empty() {
        return Hysteresis::default();
    }
    let json = serde_json::Value::from(text);
    serde_json::from_value(json).unwrap_or_else(|_| {
        errors.add("clear_by", page.t("rule.bad_clear_by"));
        Hysteresis::default()
    })
}

fn levels(
    page: &PageContext,
    (values, signal): (&FormValues, &str),
    errors: &mut FieldErrors,
) -> Vec<Level> {
    let for_ms = stdx::parse_duration_ms(values.get("for")).unwrap_or(0);
    let count = values.get("count").parse().unwrap_or(1);
    let mut found = Vec::new();
    for severity in Severity::LEVELS {
        let key = format!("level_{severity}");
        let threshold = values.get(&key);
        if threshold.is_empty() {
            continue;
        }
        let written = format!("{signal} {} {threshold}", values.get("op"));
        match written.parse::<Condition>() {
            Ok(condition) => found.push(Level {
                severity,
                any: vec![Alternative {
                    all: vec![condition],
                }],
                duration: Span { ms: for_ms },
                count,
            }),
            Err(_) => errors.add(key, page.t("form.bad_quantity")),
        }
    }
    if found.is_empty() {
        errors.add("level_major", page.t("refused.rule_levels"));
    }
    found
}
