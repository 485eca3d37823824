//! The history of a record: who changed what when; and what somebody else changed meanwhile.

use std::collections::BTreeMap;

use model::Severity;
use serde_json::Value as Json;
use ui::{Html, PageContext, Timeline, TimelineEntry};
use web::ApiError;

use super::{refusal, sheet};
use crate::Desk;
use crate::operate::people::People;

/// Edits shown on a page.
const EDITS_MAX: usize = 50;
/// Characters shown of one value.
const VALUE_CHARS_MAX: usize = 160;
/// What every edit changes and says nothing of.
const SILENT: [&str; 7] = [
    "version",
    "updated_ms",
    "updated_by",
    "created_ms",
    "id",
    "approved_ms",
    "ended_ms",
];

/// Numbers of milliseconds above this are moments, below it lengths of time.
const FIRST_MOMENT_MS: i64 = 1_000_000_000_000;

/// A record as one list of named texts.
type Flat = BTreeMap<String, String>;

/// The panel with the edits of a record, the latest first.
///
/// # Errors
/// When the store fails.
pub(crate) async fn history(
    desk: &Desk,
    page: &PageContext,
    (kind, id): (&str, &str),
) -> Result<Html, ApiError> {
    let rows = db::revisions(&mut desk.db.reader(), kind, id, EDITS_MAX).await;
    let rows = rows.map_err(refusal::store)?;
    let title = page.t("manage.history");
    if rows.is_empty() {
        return Ok(sheet::panel(
            title,
            sheet::muted(page.t("manage.history_empty")),
        ));
    }
    let people = People::load(desk).await?;
    let entries = rows.iter().map(|row| entry(page, (row, &people))).collect();
    Ok(sheet::panel(title, Timeline { entries }.draw(page)))
}

/// What happened since the version that an editor saw, in one sentence.
///
/// # Errors
/// When the store fails.
pub(crate) async fn meanwhile(
    desk: &Desk,
    page: &PageContext,
    (kind, id): (&str, &str),
    edits: i64,
) -> Result<String, ApiError> {
    let count = usize::try_from(edits.clamp(1, 20)).unwrap_or(1);
    let rows = db::revisions(&mut desk.db.reader(), kind, id, count).await;
    let rows = rows.map_err(refusal::store)?;
    let (Some(last), Some(first)) = (rows.first(), rows.last()) else {
        return Ok(page.t("manage.meanwhile_unknown").to_owned());
    };
    let changed = differences(first.before.as_ref(), last.after.as_ref());
    let told: Vec<String> = changed
        .iter()
        .map(|(name, before, after)| {
            format!(
                "{}: {} → {}",
                named(page, name),
                shown(page, name, before),
                shown(page, name, after)
            )
        })
        .collect();
    let at = i18n::date_time(last.at_ms, &page.zone);
    Ok(page.tf(
        "manage.meanwhile",
        &[
            ("name", &last.actor),
            ("time", &at),
            ("what", &told.join("; ")),
        ],
    ))
}

fn entry(page: &PageContext, (row, people): (&db::Revision, &People)) -> TimelineEntry {
    let key = match (&row.before, &row.after) {
        (None, Some(_)) => "manage.made",
        (_, None) => "manage.ended",
        _ => "manage.changed",
    };
    let changed = match (&row.before, &row.after) {
        (Some(_), Some(_)) => differences(row.before.as_ref(), row.after.as_ref()),
        _ => Vec::new(),
    };
    let rows: Vec<Vec<Html>> = changed
        .iter()
        .map(|(name, before, after)| {
            let value = |text: &str| shown(page, name, text);
            let texts = [named(page, name), value(before), value(after)];
            texts.iter().map(|text| Html::text(text)).collect()
        })
        .collect();
    let why = match why(page, &row.why).as_str() {
        "" => Html::empty(),
        why => sheet::note(why),
    };
    let titles = ["manage.field", "manage.before", "manage.after"].map(|key| page.t(key));
    let table = match rows.is_empty() {
        true => Html::empty(),
        false => sheet::grid(&titles, &rows),
    };
    TimelineEntry {
        at_ms: row.at_ms,
        severity: None,
        kind: "person",
        text: Html::text(page.t(key)),
        by: who(page, people, &row.actor),
        detail: [table, why].into_iter().collect(),
    }
}

/// Why a record was changed: what a person wrote, or what the product says itself, in the reader's
/// language.
pub(crate) fn why(page: &PageContext, why: &str) -> String {
    let key = match why {
        "enrolled" => "manage.why_enrolled",
        "enrolled again" => "manage.why_enrolled_again",
        "approved" => "manage.why_approved",
        "its end has come" => "manage.why_ended",
        _ => return why.to_owned(),
    };
    page.t(key).to_owned()
}

/// Who changed a record: a person, or a part of the product in the reader's language.
pub(crate) fn who(page: &PageContext, people: &People, actor: &str) -> String {
    let key = match actor {
        "agent" => "manage.who_agent",
        "upgrade" => "manage.who_upgrade",
        _ => return people.name(actor),
    };
    page.t(key).to_owned()
}

/// The name of a field in the reader's language, part by part; parts that have none as documents
/// have them, and places in lists not at all.
fn named(page: &PageContext, name: &str) -> String {
    let part = |part: &str| {
        if part == "all" || part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        if let Ok(severity) = part.parse::<Severity>() {
            return Some(page.word(&severity).to_owned());
        }
        let found = i18n::find(page.lang, &format!("field.{part}"));
        Some(found.unwrap_or(part).to_owned())
    };
    let parts: Vec<String> = name.split('.').filter_map(part).collect();
    parts.join(" ")
}

/// A value as people read it: times, lengths of time, yes and no.
fn shown(page: &PageContext, name: &str, value: &str) -> String {
    match (value, value.parse::<i64>()) {
        ("true", _) => page.t("manage.yes").to_owned(),
        ("false", _) => page.t("manage.no").to_owned(),
        (_, Ok(at_ms)) if name.ends_with("_ms") && at_ms > FIRST_MOMENT_MS => {
            i18n::date_time(at_ms, &page.zone)
        }
        (_, Ok(span_ms)) if name.ends_with("_ms") => page.span(span_ms),
        _ => or_dash(value),
    }
}

fn or_dash(text: &str) -> String {
    match text.chars().count() {
        0 => "–".to_owned(),
        count if count > VALUE_CHARS_MAX => {
            let cut: String = text.chars().take(VALUE_CHARS_MAX).collect();
            format!("{cut}…")
        }
        _ => text.to_owned(),
    }
}

/// Every value that differs: name, before, after.
fn differences(before: Option<&Json>, after: Option<&Json>) -> Vec<(String, String, String)> {
    let (mut old, mut new) = (Flat::new(), Flat::new());
    before
        .into_iter()
        .for_each(|json| flatten("", json, &mut old));
    after
        .into_iter()
        .for_each(|json| flatten("", json, &mut new));
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter(|name| !SILENT.contains(&name.as_str()))
        .filter_map(|name| {
            let text = |flat: &Flat| flat.get(name).cloned().unwrap_or_default();
            let (was, is) = (text(&old), text(&new));
            (was != is).then(|| (name.clone(), was, is))
        })
        .collect()
}

fn flatten(path: &str, json: &Json, into: &mut Flat) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match json {
        Json::Object(fields) => {
            for (name, value) in fields {
                flatten(&below(name), value, into);
            }
        }
        Json::Array(items) if items.iter().any(Json::is_object) => {
            for (at, item) in items.iter().enumerate() {
                // Levels are known by their severity, everything else by its place.
                let name = item.get("severity").and_then(Json::as_str);
                let name = name.map_or_else(|| (at + 1).to_string(), str::to_owned);
                flatten(&below(&name), item, into);
            }
        }
        Json::Array(items) => {
            let texts: Vec<String> = items.iter().map(plain).collect();
            into.insert(path.to_owned(), texts.join(", "));
        }
        Json::Null => {}
        other => {
            into.insert(path.to_owned(), plain(other));
        }
    }
}

fn plain(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let before = json!({"version": 1, "name": "a", "levels": [
            {"severity": "major", "for": "5m", "any": [{"all": ["used > 90%"]}]}]});
        let after = json!({"version": 2, "name": "a", "levels": [
            {"severity": "major", "for": "10m", "any": [{"all": ["used > 90%"]}]}]});
        let found = differences(Some(&before), Some(&after));
        let told = (
            "levels.major.for".to_owned(),
            "5m".to_owned(),
            "10m".to_owned(),
        );
        assert_eq!(found, [told]);
    }
}
