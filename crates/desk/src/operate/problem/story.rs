//! The timeline of a problem in the reader's words.

use console::views::TopProcess;
use model::Severity;
use model::flow::{Hold, Observed};
use notice::model::Reason;
use problem::model::{Entry, EntryKind};
use serde_json::Value as Json;
use ui::{Html, PageContext, TimelineEntry};

use super::detail::severity_of;
use crate::operate::people::People;
use crate::operate::said::said;
use crate::operate::units;

/// What happened, newest first.
pub(super) fn timeline(
    page: &PageContext,
    people: &People,
    entries: &[Entry],
) -> Vec<TimelineEntry> {
    // What ran then has a panel of its own.
    let told = entries
        .iter()
        .filter(|entry| entry.kind != EntryKind::Processes);
    told.rev().map(|entry| drawn(page, people, entry)).collect()
}

/// What the host was doing when the problem opened, the busiest first.
pub(super) fn processes(entries: &[Entry]) -> Vec<TopProcess> {
    let kept = entries
        .iter()
        .find(|entry| entry.kind == EntryKind::Processes);
    let list = |name: &str| {
        let list = kept.and_then(|entry| entry.data.get(name)?.as_array());
        list.into_iter().flatten().filter_map(process)
    };
    let mut all: Vec<TopProcess> = list("by_cpu").collect();
    for one in list("by_memory") {
        if !all.iter().any(|known| known.pid == one.pid) {
            all.push(one);
        }
    }
    all
}

fn process(kept: &Json) -> Option<TopProcess> {
    let text = |name: &str| kept.get(name).and_then(Json::as_str).unwrap_or("");
    let number = |name: &str| kept.get(name).and_then(Json::as_f64).unwrap_or(0.0);
    let command = match text("command") {
        "" => text("name"),
        command => command,
    };
    Some(TopProcess {
        pid: u32::try_from(kept.get("pid")?.as_u64()?).ok()?,
        user: text("user").to_owned(),
        command: command.to_owned(),
        cpu_ratio: number("cpu_ratio"),
        memory_bytes: number("memory_bytes"),
    })
}

fn drawn(page: &PageContext, people: &People, entry: &Entry) -> TimelineEntry {
    let detail = match entry.text.is_empty() {
        true => Html::empty(),
        false => {
            let text = match entry.auto {
                true => said(page, &entry.text),
                false => entry.text.clone(),
            };
            let text = ui::escape(&text);
            Html::trusted(format!("<p class=\"quiet-text\">{text}</p>"))
        }
    };
    TimelineEntry {
        at_ms: entry.at_ms,
        severity: severity(entry),
        kind: mark(entry.kind),
        text: Html::text(&words(page, people, entry)),
        by: match entry.auto {
            true => String::new(),
            false => people.name(&entry.actor),
        },
        detail,
    }
}

/// The severity that an entry speaks of.
fn severity(entry: &Entry) -> Option<Severity> {
    match entry.kind {
        EntryKind::Opened | EntryKind::Raised | EntryKind::Lowered => {
            severity_of(entry.data.get("to")?)
        }
        EntryKind::Closed => Some(Severity::Normal),
        _ => None,
    }
}

const fn mark(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Dispatched | EntryKind::Notice => "notice",
        EntryKind::RepairOrdered | EntryKind::Repair | EntryKind::RepairSkipped => "script",
        EntryKind::Acknowledged
        | EntryKind::Unacknowledged
        | EntryKind::Comment
        | EntryKind::Snoozed
        | EntryKind::Assigned
        | EntryKind::Unassigned => "person",
        _ => "system",
    }
}

fn words(page: &PageContext, people: &People, entry: &Entry) -> String {
    let data = |name: &str| entry.data.get(name).unwrap_or(&Json::Null);
    let key = format!("story.{}", entry.kind.name());
    match entry.kind {
        EntryKind::Opened | EntryKind::Raised | EntryKind::Lowered => {
            let word =
                severity(entry).map_or("", |severity| ui::severity_word(page.lang, severity));
            let seen: Vec<Observed> =
                serde_json::from_value(data("observed").clone()).unwrap_or_default();
            let value = units::first(page.lang, &seen);
            let text = page.tf(&key, &[("severity", &word)]);
            if value.is_empty() {
                text
            } else {
                format!("{text}: {value}")
            }
        }
        EntryKind::Closed => {
            let reason = data("reason").as_str().unwrap_or("recovered");
            page.tk("story.closed_", reason)
        }
        EntryKind::Dispatched => dispatched(page, entry),
        EntryKind::Notice => match data("delivered").as_bool() {
            Some(true) => page.t("story.notice_delivered").to_owned(),
            _ => page.t("story.notice_failed").to_owned(),
        },
        EntryKind::Repair => page.tk(
            "story.repair_",
            data("result").as_str().unwrap_or("started"),
        ),
        EntryKind::RepairSkipped => {
            let name = data("maintenance").as_str().unwrap_or("");
            page.tf(&key, &[("name", &name)])
        }
        EntryKind::Frozen => {
            let at_ms = data("last_seen_ms").as_i64().unwrap_or(entry.at_ms);
            let time = i18n::short_time(at_ms, page.now_ms, &page.zone);
            page.tf(&key, &[("time", &time)])
        }
        EntryKind::Snoozed => {
            let at_ms = data("until_ms").as_i64().unwrap_or(entry.at_ms);
            let time = i18n::short_time(at_ms, page.now_ms, &page.zone);
            page.tf(&key, &[("time", &time)])
        }
        EntryKind::Assigned => {
            let name = people.name(data("to").as_str().unwrap_or(""));
            page.tf(&key, &[("name", &name)])
        }
        _ => page.t(&key).to_owned(),
    }
}

/// A notice that left, or why it was held.
fn dispatched(page: &PageContext, entry: &Entry) -> String {
    let event = entry
        .data
        .get("event")
        .and_then(Json::as_str)
        .unwrap_or("opened");
    let event = page.tk("story.event_", event);
    let hold = entry.data.get("hold").cloned().unwrap_or(Json::Null);
    match serde_json::from_value::<Option<Hold>>(hold).ok().flatten() {
        None => page.tf("story.dispatched", &[("event", &event)]),
        Some(hold) => {
            let (reason, name) = Reason::of_hold(&hold);
            let why = format!("{} {name}", reason.title(page.lang));
            page.tf("story.held", &[("event", &event), ("why", &why.trim())])
        }
    }
}
