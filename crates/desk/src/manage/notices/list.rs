//! The ledger as a list; undelivered notices can be tried once more.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use axum::extract::State;
use axum::response::Response;
use model::{DeliveryId, ProblemId};
use notice::model::{Channel, LedgerRow, Reason, Recipient, State as Stands};
use notice::service::{self, LedgerFilter};
use ui::{BulkAction, Choice, Column, Empty, Filter, Html, ListQuery, PageContext, PageHead};
use web::{ApiError, Ctx, Role};

use crate::manage::asked::{Asked, Sent};
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::{refusal, sheet};
use crate::{Desk, frame};

/// Rows read at most: the newest that fit the filters.
const ROWS_MAX: usize = 2_000;

const COLUMNS: [Column; 7] = [
    Column::sorted("at", "ledger.at"),
    Column::sorted("problem", "ledger.problem").class("grow"),
    Column::sorted("severity", "problem.severity"),
    Column::sorted("event", "ledger.event"),
    Column::sorted("recipient", "ledger.recipient"),
    Column::sorted("channel", "recipient.channel"),
    Column::sorted("reason", "ledger.reason").class("wrap"),
];

const BULK: [BulkAction; 1] = [BulkAction {
    value: "retry",
    label: "ledger.retry",
    confirm: "ledger.retry_confirm",
    danger: false,
}];

/// Every reason, in the order of the filter.
const REASONS: [Reason; 23] = [
    Reason::Sent,
    Reason::Pending,
    Reason::Undelivered,
    Reason::Fallback,
    Reason::OverBefore,
    Reason::NotNeeded,
    Reason::HeldMaintenance,
    Reason::HeldSilence,
    Reason::HeldSnoozed,
    Reason::HeldFlapping,
    Reason::HeldRepair,
    Reason::BelowRule,
    Reason::Fall,
    Reason::BelowSeverity,
    Reason::OutsideHours,
    Reason::OutOfScope,
    Reason::NoRule,
    Reason::RecipientDisabled,
    Reason::Deduplicated,
    Reason::ChannelDisabled,
    Reason::NoAddress,
    Reason::Nobody,
    Reason::NobodyTold,
];

/// Names by which rows speak.
struct Names {
    channels: Vec<Channel>,
    recipients: Vec<Recipient>,
    problems: BTreeMap<ProblemId, (String, String)>,
}

fn filter(query: &ListQuery) -> LedgerFilter {
    LedgerFilter {
        recipient: query.get("recipient").parse().ok(),
        channel: query.get("channel").parse().ok(),
        reason: Reason::from_code(query.get("reason")),
        from_ms: None,
        to_ms: None,
    }
}

/// The rows of one problem when its number is asked for, else the newest that fit.
async fn rows(
    desk: &Desk,
    page: &PageContext,
    query: &ListQuery,
) -> Result<Vec<LedgerRow>, ApiError> {
    let broken = |error| ApiError::from(refusal::notice(page, error));
    let mut reader = desk.db.reader();
    let asked = query.get("problem").trim_start_matches(['P', 'p']);
    if let Ok(number) = asked.trim_start_matches('-').parse::<i64>() {
        let Ok(problem) = problem::service::by_number(&mut reader, number).await else {
            return Ok(Vec::new());
        };
        let mut found = service::of_problem(&mut reader, problem.id)
            .await
            .map_err(broken)?;
        found.reverse();
        return Ok(found);
    }
    let filter = filter(query);
    let (mut found, mut cursor) = (Vec::new(), None);
    while found.len() < ROWS_MAX {
        let limit = model::limits::PAGE_ROWS_MAX;
        let history = service::history(&mut reader, &filter, cursor.as_ref(), limit).await;
        let some = history.map_err(broken)?;
        found.extend(some.rows);
        cursor = some.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(found)
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let broken = |error| ApiError::from(refusal::notice(&page, error));
    let found = rows(&desk, &page, &query).await?;
    let mut reader = desk.db.reader();
    let mut problems = BTreeMap::new();
    for row in &found {
        if let Entry::Vacant(place) = problems.entry(row.problem) {
            let known = problem::service::get(&mut reader, row.problem).await.ok();
            let told = known.map(|one| {
                let (title, key) = (one.title.get(page.lang), &one.target.key);
                let about = format!("{} · {title} {key}", one.host);
                (one.label(), about.trim_end().to_owned())
            });
            place.insert(told.unwrap_or_default());
        }
    }
    let names = Names {
        channels: service::channels(&mut reader, &desk.notices)
            .await
            .map_err(broken)?,
        recipients: service::recipients(&mut reader).await.map_err(broken)?,
        problems,
    };
    let reached = found.len() >= ROWS_MAX;
    let listing = Listing {
        head: PageHead::new(page.t("nav.ledger"), page.t("ledger.intro")),
        path: "/notices",
        columns: &COLUMNS,
        lines: found.iter().map(|row| line(&page, (row, &names))).collect(),
        filters: filters(&names),
        search: "ledger.search",
        bulk: if ctx.has(Role::Operator) { &BULK } else { &[] },
        empty: Empty {
            title: page.t("ledger.none").to_owned(),
            text: page.t("ledger.none_text").to_owned(),
            actions: vec![ui::Action::plain(page.t("nav.recipients"), "/recipients")],
            good: false,
        },
        above: match reached {
            true => sheet::note(&page.tf("ledger.newest", &[("count", &ROWS_MAX)])),
            false => Html::empty(),
        },
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn filters(names: &Names) -> Vec<Filter> {
    let recipient = |one: &Recipient| Choice::owned(one.id.to_string(), one.name.clone());
    let channel = |one: &Channel| Choice::owned(one.id.to_string(), one.name.clone());
    let reason =
        |reason: Reason| Choice::owned(reason.code(), format!("notice.reason.{}", reason.code()));
    vec![
        Filter {
            key: "recipient",
            label: "ledger.recipient",
            choices: names.recipients.iter().map(recipient).collect(),
        },
        Filter {
            key: "channel",
            label: "recipient.channel",
            choices: names.channels.iter().map(channel).collect(),
        },
        Filter {
            key: "reason",
            label: "ledger.reason",
            choices: REASONS.into_iter().map(reason).collect(),
        },
        Filter {
            key: "state",
            label: "ledger.state",
            choices: vec![
                Choice::new("waiting", "ledger.state_waiting"),
                Choice::new("sending", "ledger.state_sending"),
                Choice::new("settled", "ledger.state_settled"),
            ],
        },
    ]
}

fn line(page: &PageContext, (row, names): (&LedgerRow, &Names)) -> Line {
    let (number, title) = names
        .problems
        .get(&row.problem)
        .cloned()
        .unwrap_or_default();
    let shown = [
        sheet::link(&format!("/problems/{}", row.problem), &number),
        Html::text(&format!(" {title}")),
    ];
    let event = serde_json::to_value(row.event).ok();
    let event = event
        .as_ref()
        .and_then(serde_json::Value::as_str)
        .unwrap_or("");
    let recipient = row
        .recipient
        .and_then(|id| names.recipients.iter().find(|one| one.id == id));
    let recipient = recipient.map_or("–", |one| one.name.as_str());
    let channel = row
        .channel
        .and_then(|id| names.channels.iter().find(|one| one.id == id));
    let channel = channel.map_or("–", |one| one.name.as_str());
    let code = row.reason.code();
    let reason = page.tk("notice.reason.", &code);
    let said = match row.detail.is_empty() {
        true => reason,
        false => format!("{reason} – {}", row.detail),
    };
    let marked = match row.reason {
        Reason::Undelivered => sheet::alert_chip(&said),
        _ => Html::text(&said),
    };
    let state = match row.state {
        Stands::Settled => "settled",
        Stands::Waiting => "waiting",
        Stands::Sending => "sending",
    };
    let mut facets = vec![("reason", code), ("state", state.to_owned())];
    facets.extend(row.recipient.map(|id| ("recipient", id.to_string())));
    facets.extend(row.channel.map(|id| ("channel", id.to_string())));
    Line {
        id: match row.reason {
            Reason::Undelivered => row.id.to_string(),
            _ => String::new(),
        },
        name: format!("{number} {recipient}"),
        cells: vec![
            Cell::at(page, Some(row.decided_ms)),
            Cell::html(format!("{number} {title}"), shown.into_iter().collect()),
            Cell::severity(page, row.severity),
            Cell::text(page.tk("ledger.event_", event)),
            Cell::text(recipient),
            Cell::text(channel),
            Cell::html(said, marked),
        ],
        facets,
        ..Line::default()
    }
}

pub(super) async fn retry(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let ids: Vec<DeliveryId> = sent.ids("this notice")?;
    let count = ids.len();
    let mut done = Ok(());
    for id in ids {
        if let Err(error) = service::retry(&desk.db, id).await {
            done = Err(refusal::notice(&page, error));
            break;
        }
    }
    let said = page.tf("ledger.retried", &[("count", &count)]);
    refusal::settle(&ctx, &page, "/notices", (done, &said))
}
