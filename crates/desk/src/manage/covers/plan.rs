//! The form of a maintenance: once or again and again, for what; and the times it means.

use model::Selector;
use problem::model::{Days, Maintenance, Scope, When};
use ui::{Choice, Field, FieldErrors, FieldKind, FormValues, ListQuery, PageContext};

use crate::Desk;
use crate::manage::{fields, hosts, moment};

/// How often a maintenance takes place.
const MODES: [&str; 5] = ["once", "daily", "weekly", "monthly", "monthly_nth"];
/// A year: a recurrence without a given end ends then.
const YEAR_MS: i64 = 366 * 86_400_000;

/// The sections' fields.
pub(super) struct Fields {
    pub(super) about: Vec<Field>,
    pub(super) when: Vec<Field>,
    pub(super) scope: Vec<Field>,
}

impl Fields {
    pub(super) fn all(&self) -> Vec<Field> {
        let parts = [&self.about, &self.when, &self.scope];
        parts.into_iter().flatten().cloned().collect()
    }
}

pub(super) fn form_fields(groups: Vec<Choice>, rules: Vec<Choice>) -> Fields {
    let mode = |mode: &&str| Choice::owned((*mode).to_owned(), format!("maintenance.mode_{mode}"));
    let nth = |nth: u8| Choice::owned(nth.to_string(), format!("maintenance.nth_{nth}"));
    let mut scope = vec![
        Field::new("hosts", "rule.scope_hosts", FieldKind::List).hint("maintenance.hosts_hint"),
    ];
    if !groups.is_empty() {
        scope.push(Field::new(
            "groups",
            "rule.scope_groups",
            fields::checks(groups),
        ));
    }
    scope.extend([
        Field::new("labels", "rule.scope_labels", FieldKind::Text).example("{env=\"prod\"}"),
        Field::new("everything", "maintenance.everything", FieldKind::Bool)
            .hint("maintenance.everything_hint"),
        Field::new("rule", "maintenance.only_rule", fields::select(rules)),
    ]);
    Fields {
        about: vec![
            Field::new("name", "maintenance.name", FieldKind::Text).required(),
            Field::new("reason", "manage.reason", FieldKind::Text)
                .required()
                .hint("maintenance.reason_hint"),
            Field::new("owner", "maintenance.owner", FieldKind::Text).required(),
        ],
        when: vec![
            Field::new(
                "mode",
                "maintenance.mode",
                fields::select(MODES.iter().map(mode).collect()),
            )
            .required(),
            Field::new("from", "maintenance.from", FieldKind::DateTime)
                .required()
                .hint("maintenance.from_hint"),
            Field::new("for", "maintenance.for", FieldKind::Duration)
                .required()
                .example("2h"),
            Field::new("until", "maintenance.until", FieldKind::DateTime)
                .hint("maintenance.until_hint"),
            Field::new(
                "days",
                "maintenance.days",
                fields::checks(fields::weekdays()),
            )
            .hint("maintenance.days_hint"),
            Field::new(
                "day",
                "maintenance.day",
                FieldKind::Integer { min: 1, max: 31 },
            )
            .hint("maintenance.day_hint"),
            Field::new(
                "nth",
                "maintenance.nth",
                fields::select((1..=5).map(nth).collect()),
            )
            .hint("maintenance.nth_hint"),
        ],
        scope,
    }
}

/// What a new one's form begins with: the next full hour, for two hours.
pub(super) fn blank(desk: &Desk, page: &PageContext, query: &ListQuery, who: &str) -> FormValues {
    let mut values = FormValues::default();
    let hour = 3_600_000;
    let next_ms = page.now_ms - page.now_ms.rem_euclid(hour) + hour;
    values.set("mode", "once");
    values.set("from", moment::write(next_ms, &page.zone));
    values.set("for", "2h");
    values.set("owner", who);
    if let Ok(ci) = query.get("host").parse::<model::CiId>() {
        values.set("hosts", hosts::name(desk, ci));
    }
    if !query.get("group").is_empty() {
        values.add("groups", query.get("group"));
    }
    values
}

/// The times that a form means; the zone's name is the reader's.
pub(super) fn when(
    page: &PageContext,
    (values, zone): (&FormValues, &str),
    errors: &mut FieldErrors,
) -> Option<When> {
    let for_ms = i64::try_from(stdx::parse_duration_ms(values.get("for")).ok()?).ok()?;
    let from_ms = moment::read(values.get("from"), &page.zone)?;
    let (_, clock) = values.get("from").split_once('T')?;
    let weekdays: Vec<u8> = values
        .all("days")
        .iter()
        .filter_map(|d| d.parse().ok())
        .collect();
    let days = match values.get("mode") {
        "once" => {
            return Some(When::Once {
                from_ms,
                to_ms: from_ms + for_ms,
            });
        }
        "daily" => Days::Daily,
        "weekly" => Days::Weekly(weekdays),
        "monthly" => Days::Monthly(values.get("day").parse().unwrap_or(0)),
        _ => {
            let weekday = weekdays.first().copied().unwrap_or(0);
            Days::MonthlyNth(values.get("nth").parse().unwrap_or(0), weekday)
        }
    };
    let until = values.get("until");
    let until_ms = match until.is_empty() {
        true => from_ms + YEAR_MS,
        false => moment::read(until, &page.zone)?,
    };
    let when = When::Repeat {
        days,
        at_min: moment::minutes(clock)?,
        for_min: u32::try_from(for_ms / 60_000).ok()?,
        zone: zone.to_owned(),
        from_ms,
        until_ms,
    };
    if let Err(problem::decide::WhenError(field, reason)) = problem::decide::check_when(&when) {
        let field = match (field, values.get("mode")) {
            ("days", "monthly") => "day",
            ("days", "monthly_nth") => "nth",
            ("for_min", _) => "for",
            ("until_ms", _) => "until",
            ("at_min", _) => "from",
            (other, _) => other,
        };
        errors.add(field, page.t(reason));
    }
    Some(when)
}

/// What a form covers.
pub(super) fn scope(
    desk: &Desk,
    page: &PageContext,
    values: &FormValues,
    errors: &mut FieldErrors,
) -> Scope {
    let mut found = Scope {
        everything: values.has("everything", "1"),
        groups: values.all("groups").to_vec(),
        rules: values.get("rule").parse().into_iter().collect(),
        ..Scope::default()
    };
    for name in values.lines("hosts") {
        match hosts::by_name(desk, &name) {
            Some(ci) => found.hosts.push(ci),
            None => errors.add("hosts", page.tf("manage.no_host", &[("name", &name)])),
        }
    }
    let labels = values.get("labels");
    if !labels.is_empty() {
        match Selector::parse(labels) {
            Ok(selector) => found.labels = Some(selector),
            Err(error) => {
                errors.add("labels", page.tf("rule.bad_selector", &[("why", &error)]));
            }
        }
    }
    found
}

/// The answers for a known maintenance.
pub(super) fn fill(desk: &Desk, page: &PageContext, one: &Maintenance) -> FormValues {
    let mut values = FormValues::default();
    values.set("name", one.name.as_str());
    values.set("reason", one.reason.as_str());
    values.set("owner", one.owner.as_str());
    let names = one.scope.hosts.iter().map(|ci| hosts::name(desk, *ci));
    values.set("hosts", names.collect::<Vec<_>>().join("\n"));
    one.scope
        .groups
        .iter()
        .for_each(|group| values.add("groups", group.as_str()));
    let labels = one.scope.labels.as_ref().map(ToString::to_string);
    values.set("labels", labels.unwrap_or_default());
    values.set("everything", if one.scope.everything { "1" } else { "" });
    let rule = one.scope.rules.first().map(ToString::to_string);
    values.set("rule", rule.unwrap_or_default());
    match &one.when {
        When::Once { from_ms, to_ms } => {
            values.set("mode", "once");
            values.set("from", moment::write(*from_ms, &page.zone));
            values.set("for", moment::span((to_ms - from_ms).unsigned_abs()));
        }
        When::Repeat {
            days,
            at_min,
            for_min,
            from_ms,
            until_ms,
            ..
        } => {
            let day = moment::write(*from_ms, &page.zone);
            let day = day.split('T').next().unwrap_or("").to_owned();
            values.set("from", format!("{day}T{}", moment::clock(*at_min)));
            values.set("for", moment::span(u64::from(*for_min) * 60_000));
            values.set("until", moment::write(*until_ms, &page.zone));
            fill_days(days, &mut values);
        }
    }
    values
}

fn fill_days(days: &Days, values: &mut FormValues) {
    match days {
        Days::Daily => values.set("mode", "daily"),
        Days::Weekly(days) => {
            values.set("mode", "weekly");
            days.iter()
                .for_each(|day| values.add("days", day.to_string()));
        }
        Days::Monthly(day) => {
            values.set("mode", "monthly");
            values.set("day", day.to_string());
        }
        Days::MonthlyNth(nth, day) => {
            values.set("mode", "monthly_nth");
            values.set("nth", nth.to_string());
            values.add("days", day.to_string());
        }
    }
}
