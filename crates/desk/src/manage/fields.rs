//! Fields of forms whose keys or choices are only known at run time.

use std::borrow::Cow;

use model::Severity;
use ui::{Choice, Field, FieldKind, PageContext};

use crate::Desk;

/// Columns of the board.
pub(crate) const BOARD_GROUPS: [Choice; 7] = [
    Choice::new("cpu", "group.cpu"),
    Choice::new("memory", "group.memory"),
    Choice::new("disk", "group.disk"),
    Choice::new("network", "group.network"),
    Choice::new("process", "group.process"),
    Choice::new("check", "group.check"),
    Choice::new("agent", "group.agent"),
];

/// A field with a key made at run time.
pub(crate) fn keyed(key: String, label: &'static str, kind: FieldKind) -> Field {
    Field {
        key: Cow::Owned(key),
        ..Field::new("", label, kind)
    }
}

/// The same field with an example made at run time.
pub(crate) fn example(field: Field, example: impl Into<String>) -> Field {
    Field {
        example: Cow::Owned(example.into()),
        ..field
    }
}

/// The same field with a hint in the reader's language, made at run time.
pub(crate) fn hint(field: Field, hint: impl Into<String>) -> Field {
    Field {
        hint: Cow::Owned(hint.into()),
        ..field
    }
}

/// One of these.
pub(crate) fn select(choices: Vec<Choice>) -> FieldKind {
    FieldKind::Select(Cow::Owned(choices))
}

/// Any of these.
pub(crate) fn checks(choices: Vec<Choice>) -> FieldKind {
    FieldKind::Checks(Cow::Owned(choices))
}

/// A few lines of text.
pub(crate) const fn lines(rows: u8) -> FieldKind {
    FieldKind::Textarea { rows, code: false }
}

/// A few lines of code.
pub(crate) const fn code(rows: u8) -> FieldKind {
    FieldKind::Textarea { rows, code: true }
}

/// The five severities, the least first.
pub(crate) fn severities() -> Vec<Choice> {
    let choice = |severity: Severity| {
        Choice::owned(severity.name().to_owned(), format!("severity.{severity}"))
    };
    Severity::LEVELS.into_iter().map(choice).collect()
}

/// The days of the week, 1 Monday … 7 Sunday.
pub(crate) fn weekdays() -> Vec<Choice> {
    let choice = |day: u8| Choice::owned(day.to_string(), format!("manage.weekday_{day}"));
    (1..=7).map(choice).collect()
}

/// Groups by name, as their names.
///
/// # Errors
/// When the store fails.
pub(crate) async fn group_names(desk: &Desk) -> Result<Vec<Choice>, web::ApiError> {
    let groups = desk.watch.groups(false).await?;
    let choice = |group: watch::Group| Choice::owned(group.name.clone(), group.name);
    Ok(groups.into_iter().map(choice).collect())
}

/// Groups by name, as their ids.
///
/// # Errors
/// When the store fails.
pub(crate) async fn group_ids(desk: &Desk) -> Result<Vec<Choice>, web::ApiError> {
    let groups = desk.watch.groups(false).await?;
    let choice = |group: watch::Group| Choice::owned(group.id.to_string(), group.name);
    Ok(groups.into_iter().map(choice).collect())
}

/// Rules by title, as their ids.
///
/// # Errors
/// When the store fails.
pub(crate) async fn rule_ids(
    desk: &Desk,
    page: &PageContext,
) -> Result<Vec<Choice>, web::ApiError> {
    let filter = watch::RuleFilter {
        limit: model::limits::PAGE_ROWS_MAX,
        ..watch::RuleFilter::default()
    };
    let choice = |record: watch::RuleRecord| {
        let title = record.rule.title.get(page.lang).to_owned();
        Choice::owned(record.id.to_string(), title)
    };
    let mut all: Vec<Choice> = desk
        .watch
        .rules(&filter)
        .await?
        .into_iter()
        .map(choice)
        .collect();
    all.sort_by(|a, b| a.label.cmp(&b.label));
    Ok(all)
}
