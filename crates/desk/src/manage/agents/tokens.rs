//! Enrolment tokens: which hosts may still come in, and taking that back.

use axum::extract::State;
use axum::response::Response;
use db::Tx;
use fleet::{TokenRefused, TokenRow};
use model::TokenId;
use ui::{Action, BulkAction, Choice, Column, Empty, Filter, Html, PageContext, PageHead};
use web::{ApiError, Ctx, Role};

use crate::manage::asked::{Asked, Sent};
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::refusal::Refusal;
use crate::manage::{refusal, sheet};
use crate::{Desk, frame};

const COLUMNS: [Column; 6] = [
    Column::sorted("label", "agent.token_label").class("grow"),
    Column::sorted("state", "agent.token_state"),
    Column::sorted("uses", "agent.uses_left").class("num"),
    Column::sorted("until", "agent.valid_until"),
    Column::sorted("used", "agent.token_used"),
    Column::plain("agent.labels").class("hide-s"),
];

const BULK: [BulkAction; 1] = [BulkAction {
    value: "revoke",
    label: "agent.revoke",
    confirm: "agent.revoke_confirm",
    danger: true,
}];

fn state(row: &TokenRow, now_ms: i64) -> &'static str {
    match row.check(now_ms) {
        Ok(()) => "good",
        Err(TokenRefused::UsedUp) => "used_up",
        Err(TokenRefused::Expired | TokenRefused::Unknown) => "expired",
    }
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let rows = fleet::token_rows(&mut desk.db.reader()).await;
    let rows = rows.map_err(refusal::store)?;
    let administers = ctx.has(Role::Administrator);
    let add = Action::primary(page.t("agent.add"), "/agents/add");
    let actions = if administers { vec![add] } else { Vec::new() };
    let states = [
        Choice::new("good", "agent.token_good"),
        Choice::new("used_up", "agent.token_used_up"),
        Choice::new("expired", "agent.token_expired"),
    ];
    let listing = Listing {
        head: PageHead {
            tabs: super::tabs(&page, "/agents/tokens"),
            actions: actions.clone(),
            ..PageHead::new(page.t("agent.tokens"), page.t("agent.tokens_intro"))
        },
        path: "/agents/tokens",
        columns: &COLUMNS,
        lines: rows.iter().map(|row| line(&page, row)).collect(),
        filters: vec![Filter {
            key: "state",
            label: "agent.token_state",
            choices: states.to_vec(),
        }],
        search: "agent.search_tokens",
        bulk: if administers { &BULK } else { &[] },
        empty: Empty {
            title: page.t("agent.no_tokens").to_owned(),
            text: page.t("agent.no_tokens_text").to_owned(),
            actions,
            good: false,
        },
        above: Html::empty(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn line(page: &PageContext, row: &TokenRow) -> Line {
    let state = state(row, page.now_ms);
    let word = page.tk("agent.token_", state);
    let labels = row.grant.labels.iter();
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let shown = match state {
        "good" => Html::text(&word),
        _ => sheet::chip(&word),
    };
    Line {
        id: row.grant.id.to_string(),
        name: row.grant.label.clone(),
        class: if state == "good" {
            String::new()
        } else {
            "is-off".to_owned()
        },
        cells: vec![
            Cell::text(&row.grant.label),
            Cell::html(word, shown),
            Cell::count(usize::try_from(row.uses_left).unwrap_or(usize::MAX)),
            Cell::at(page, Some(row.expires_ms)),
            Cell::ago(page, row.used_ms),
            Cell::text(labels.join(", ")),
        ],
        facets: vec![("state", state.to_owned())],
        ..Line::default()
    }
}

pub(super) async fn revoke(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let ids: Vec<TokenId> = sent.ids("this enrolment token")?;
    let count = ids.len();
    let write = desk.db.write(move |tx: &mut Tx| {
        Box::pin(async move {
            for id in ids {
                fleet::revoke_token(tx, id).await?;
            }
            Ok(())
        })
    });
    let written: db::Result<()> = write.await;
    let done = written.map_err(|error| Refusal::Other(refusal::store(error)));
    let said = page.tf("agent.revoked_many", &[("count", &count)]);
    refusal::settle(&ctx, &page, "/agents/tokens", (done, &said))
}
