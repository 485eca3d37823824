//! The audit: who did what from where with which outcome, and whether its chain is whole.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use db::{AuditFilter, AuditRow, Outcome, audit_rows};
use model::Lang;
use ui::{Action, Choice, Column, Empty, Fact, Filter, Html, PageContext, PageHead};
use web::{ApiError, Ctx};

use crate::manage::asked::Asked;
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::{refusal, sheet};
use crate::{Desk, frame};

/// Rows read at most: the newest that fit.
const ROWS_MAX: usize = 2_000;

const COLUMNS: [Column; 6] = [
    Column::sorted("at", "audit.at"),
    Column::sorted("actor", "audit.actor"),
    Column::sorted("action", "audit.action"),
    Column::sorted("object", "audit.object").class("grow"),
    Column::sorted("outcome", "audit.outcome"),
    Column::sorted("ip", "audit.ip").class("hide-s"),
];

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let given = |key: &str| Some(query.get(key).to_owned()).filter(|text| !text.is_empty());
    let filter = AuditFilter {
        before: None,
        actor: given("actor"),
        action: given("action"),
        object: given("object"),
    };
    let rows = audit_rows(&mut desk.db.reader(), &filter, ROWS_MAX).await;
    let rows = rows.map_err(refusal::store)?;
    let verify = Action::plain(page.t("audit.verify"), "/audit/verify");
    let above = match rows.len() >= ROWS_MAX {
        true => sheet::note(&page.tf("ledger.newest", &[("count", &ROWS_MAX)])),
        false => Html::empty(),
    };
    let listing = Listing {
        head: PageHead {
            actions: vec![verify],
            ..PageHead::new(page.t("nav.audit"), page.t("audit.intro"))
        },
        path: "/audit",
        columns: &COLUMNS,
        lines: rows.iter().map(|row| line(&page, row)).collect(),
        filters: filters(&rows),
        search: "audit.search",
        bulk: &[],
        empty: Empty {
            title: page.t("audit.none").to_owned(),
            text: page.t("audit.intro").to_owned(),
            actions: Vec::new(),
            good: false,
        },
        above,
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn filters(rows: &[AuditRow]) -> Vec<Filter> {
    let distinct = |of: fn(&AuditRow) -> &String| -> Vec<Choice> {
        let found: BTreeSet<&String> = rows.iter().map(of).collect();
        let choice = |text: &String| Choice::owned(text.clone(), text.clone());
        found.into_iter().map(choice).collect()
    };
    let outcome = |outcome: Outcome| {
        let code = outcome.code();
        Choice::owned(code.to_owned(), format!("audit.outcome_{code}"))
    };
    let outcomes = [Outcome::Allowed, Outcome::Denied, Outcome::Failed];
    vec![
        Filter {
            key: "actor",
            label: "audit.actor",
            choices: distinct(|row| &row.actor),
        },
        Filter {
            key: "action",
            label: "audit.action",
            choices: actions(rows),
        },
        Filter {
            key: "outcome",
            label: "audit.outcome",
            choices: outcomes.into_iter().map(outcome).collect(),
        },
    ]
}

/// The catalogue key of an action's words.
fn action_key(action: &str) -> String {
    format!("action.{}", action.replace(['.', '-'], "_"))
}

fn actions(rows: &[AuditRow]) -> Vec<Choice> {
    let found: BTreeSet<&String> = rows.iter().map(|row| &row.action).collect();
    let choice = |action: &String| {
        let key = action_key(action);
        let known = i18n::find(Lang::Ko, &key).is_some();
        let label = if known { key } else { action.clone() };
        Choice::owned(action.clone(), label)
    };
    found.into_iter().map(choice).collect()
}

/// An action in the reader's language, with the name that the API and the records use.
fn action(page: &PageContext, action: &str) -> Html {
    let name = sheet::code(action);
    match i18n::find(page.lang, &action_key(action)) {
        Some(words) => [Html::text(words), Html::text(" "), name]
            .into_iter()
            .collect(),
        None => name,
    }
}

fn line(page: &PageContext, row: &AuditRow) -> Line {
    let code = row.outcome.code();
    let word = page.tk("audit.outcome_", code);
    let shown = match row.outcome {
        Outcome::Allowed => Html::text(&word),
        _ => sheet::alert_chip(&word),
    };
    let object = match row.detail.as_str() {
        "" | "{}" | "null" => sheet::code(&row.object),
        detail => Html::trusted(format!(
            "<details><summary>{}</summary>{}</details>",
            sheet::code(&row.object),
            sheet::block(detail)
        )),
    };
    Line {
        name: row.action.clone(),
        cells: vec![
            Cell::at(page, Some(row.at_ms)),
            Cell::text(&row.actor),
            Cell::html(&row.action, action(page, &row.action)),
            Cell::html(&row.object, object),
            Cell::html(word, shown),
            Cell::text(row.ip.as_deref().unwrap_or("")),
        ],
        facets: vec![
            ("actor", row.actor.clone()),
            ("action", row.action.clone()),
            ("outcome", code.to_owned()),
        ],
        ..Line::default()
    }
}

pub(super) async fn verify(ctx: Ctx, State(desk): State<Desk>) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let report = desk.db.verify_audit_chain().await.map_err(refusal::store)?;
    let head = PageHead {
        actions: vec![Action::plain(page.t("nav.audit"), "/audit")],
        ..PageHead::new(page.t("audit.verify"), page.t("audit.verify_text"))
    };
    let number = |count: u64| i18n::integer(i64::try_from(count).unwrap_or(i64::MAX));
    let verdict = match &report.broken {
        Some(broken) => {
            let values: [(&str, &dyn std::fmt::Display); 2] =
                [("seq", &broken.seq), ("why", &broken.why)];
            sheet::banner(
                page.t("audit.broken"),
                &page.tf("audit.broken_text", &values),
            )
        }
        None => sheet::note(page.t("audit.whole")),
    };
    let facts = [
        Fact::text(page.t("audit.whole_rows"), &number(report.whole)),
        Fact::text(page.t("audit.unsealed"), &number(report.unsealed)),
    ];
    let parts = [verdict, sheet::panel("", ui::facts(&facts))];
    Ok(sheet::sheet(&page, &head, &[sheet::stack(parts)], "narrow").into_response())
}
