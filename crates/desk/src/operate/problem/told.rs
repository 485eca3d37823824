//! Who was told of a problem and who was not, and why: the ledger in the reader's words.

use std::collections::{HashMap, HashSet};

use console::views::NoticeDecision;
use model::ProblemId;
use model::flow::DispatchEvent;
use notice::NoticeError;
use notice::model::{LedgerRow, Reason};
use ui::PageContext;
use web::ApiError;

use crate::Desk;

/// The decisions, newest first, and their sum.
pub(super) struct Told {
    pub(super) decisions: Vec<NoticeDecision>,
    pub(super) summary: Vec<String>,
}

/// Reads the ledger of a problem.
pub(super) async fn decisions(
    desk: &Desk,
    page: &PageContext,
    id: ProblemId,
) -> Result<Told, ApiError> {
    let failed = |error: NoticeError| ApiError::internal(error.to_string());
    let mut reader = desk.db.reader();
    let rows = notice::service::of_problem(&mut reader, id).await;
    let rows = rows.map_err(failed)?;
    if rows.is_empty() {
        return Ok(Told {
            decisions: Vec::new(),
            summary: Vec::new(),
        });
    }
    let channels = notice::service::channels(&mut reader, &desk.notices).await;
    let channels: HashMap<String, String> = channels
        .map_err(failed)?
        .into_iter()
        .map(|channel| (channel.id.to_string(), channel.name))
        .collect();
    let recipients = notice::service::recipients(&mut reader).await;
    let recipients: HashMap<String, String> = recipients
        .map_err(failed)?
        .into_iter()
        .map(|recipient| (recipient.id.to_string(), recipient.name))
        .collect();
    let name = |names: &HashMap<String, String>, id: Option<String>, none: &str| match id {
        Some(id) => names.get(&id).cloned().unwrap_or(id),
        None => none.to_owned(),
    };
    let page_of = |area: &str, id: Option<String>| match id {
        Some(id) => format!("/{area}/{id}"),
        None => String::new(),
    };
    let decisions = rows.iter().rev().map(|row| NoticeDecision {
        at_ms: row.done_ms.unwrap_or(row.decided_ms),
        recipient: name(
            &recipients,
            row.recipient.map(|id| id.to_string()),
            page.t("problem.everybody"),
        ),
        recipient_href: page_of("recipients", row.recipient.map(|id| id.to_string())),
        channel_href: page_of("channels", row.channel.map(|id| id.to_string())),
        channel: name(&channels, row.channel.map(|id| id.to_string()), ""),
        about: about(page, row),
        sent: matches!(row.reason, Reason::Sent),
        reason: reason(page, row),
    });
    Ok(Told {
        decisions: decisions.collect(),
        summary: summary(page, &rows),
    })
}

fn about(page: &PageContext, row: &LedgerRow) -> String {
    let word = ui::severity_word(page.lang, row.severity);
    let event = page.tk("story.event_", event(row.event));
    match row.event {
        DispatchEvent::Recovered => event,
        _ => format!("{word} {event}"),
    }
}

const fn event(event: DispatchEvent) -> &'static str {
    match event {
        DispatchEvent::Opened => "opened",
        DispatchEvent::Raised => "raised",
        DispatchEvent::Lowered => "lowered",
        DispatchEvent::Flapping => "flapping",
        DispatchEvent::Recovered => "recovered",
        DispatchEvent::StillBad => "still_bad",
        DispatchEvent::RepairFailed => "repair_failed",
    }
}

fn reason(page: &PageContext, row: &LedgerRow) -> String {
    let title = row.reason.title(page.lang);
    match row.detail.is_empty() {
        true => title.to_owned(),
        false => format!("{title} · {}", row.detail),
    }
}

fn summary(page: &PageContext, rows: &[LedgerRow]) -> Vec<String> {
    let count = |wanted: &dyn Fn(&LedgerRow) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let sent = count(&|row| row.reason == Reason::Sent);
    let waiting = count(&|row| row.reason == Reason::Pending);
    let failed = count(&|row| row.reason == Reason::Undelivered);
    let held = rows.len() - sent - waiting - failed;
    let people: HashSet<_> = rows
        .iter()
        .filter(|row| row.reason == Reason::Sent)
        .filter_map(|row| row.recipient)
        .collect();
    let mut all = Vec::new();
    if sent > 0 {
        let values: [(&str, &dyn std::fmt::Display); 2] =
            [("people", &people.len()), ("count", &sent)];
        all.push(page.tf("problem.told_sent", &values));
    }
    for (number, key) in [
        (waiting, "problem.told_waiting"),
        (failed, "problem.told_failed"),
        (held, "problem.told_held"),
    ] {
        if number > 0 {
            all.push(page.tf(key, &[("count", &number)]));
        }
    }
    all
}
