//! The list of scripts, with the switch that stops them all.

use axum::extract::State;
use axum::response::Response;
use remedy::{Binding, Mode, RunFilter, Script};
use ui::{Action, Choice, Column, Empty, Filter, Html, PageContext, PageHead, escape};
use web::{ApiError, Ctx, Role};

use crate::manage::asked::Asked;
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::sheet;
use crate::{Desk, frame};

const COLUMNS: [Column; 6] = [
    Column::sorted("name", "script.name").class("grow"),
    Column::sorted("approval", "script.approval"),
    Column::sorted("mode", "script.mode"),
    Column::sorted("bound", "script.bound").class("num"),
    Column::sorted("last", "script.last_run"),
    Column::plain("script.last_state"),
];

/// Whether exactly this text may run, in one word.
pub(super) fn approval(script: &Script) -> &'static str {
    match (script.is_approved(), script.approved_version) {
        (true, _) => "approved",
        (false, 0) => "never",
        (false, _) => "changed",
    }
}

/// The approval in words, marked where somebody should look.
pub(super) fn approval_mark(page: &PageContext, script: &Script) -> Html {
    let state = approval(script);
    let word = page.tk("script.approval_", state);
    match state {
        "approved" => Html::text(&word),
        _ => sheet::alert_chip(&word),
    }
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let scripts = desk.remedies.scripts().await?;
    let bindings = desk.remedies.bindings().await?;
    let off = desk.remedies.kill_switch().await?;
    let mut lines = Vec::with_capacity(scripts.len());
    for script in &scripts {
        let filter = RunFilter {
            script: Some(script.id),
            limit: 1,
            ..RunFilter::default()
        };
        let last = desk.remedies.runs(&filter).await?;
        lines.push(line(&page, (script, &bindings, last.first())));
    }
    let (administers, operates) = (ctx.has(Role::Administrator), ctx.has(Role::Operator));
    let add = Action::primary(page.t("script.add"), "/scripts/new");
    let actions = if administers { vec![add] } else { Vec::new() };
    let choice = |prefix: &str, value: &str| {
        Choice::owned(value.to_owned(), format!("script.{prefix}_{value}"))
    };
    let approvals = ["approved", "changed", "never"];
    let mut above = vec![super::switch_panel(&page, off.as_ref(), operates)];
    if off.is_none() && operates && !scripts.is_empty() {
        above.push(pull(&page));
    }
    let listing = Listing {
        head: PageHead {
            actions: actions.clone(),
            ..PageHead::new(page.t("nav.scripts"), page.t("script.intro"))
        },
        path: "/scripts",
        columns: &COLUMNS,
        lines,
        filters: vec![
            Filter {
                key: "approval",
                label: "script.approval",
                choices: approvals
                    .iter()
                    .map(|value| choice("approval", value))
                    .collect(),
            },
            Filter {
                key: "mode",
                label: "script.mode",
                choices: ["automatic", "off"]
                    .iter()
                    .map(|value| choice("mode", value))
                    .collect(),
            },
        ],
        search: "script.search",
        bulk: &[],
        empty: Empty {
            title: page.t("script.none").to_owned(),
            text: page.t("script.none_text").to_owned(),
            actions,
            good: false,
        },
        above: above.into_iter().collect(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

/// The form that switches everything off, folded away.
fn pull(page: &PageContext) -> Html {
    let (label, why) = (
        escape(page.t("script.pull")),
        escape(page.t("manage.reason")),
    );
    let confirm = escape(page.t("script.pull_confirm"));
    let csrf = page.csrf_field();
    Html::trusted(format!(
        "<div class=\"act\"><details name=\"act\"><summary class=\"button danger\">{label}</summary>\
         <form class=\"drop\" method=\"post\" action=\"/scripts/switch\" data-confirm=\"{confirm}\">\
         {csrf}<input type=\"hidden\" name=\"off\" value=\"1\"><label>{why}<input name=\"why\" \
         required maxlength=\"4000\"></label><button class=\"button danger\">{label}</button></form>\
         </details></div>"
    ))
}

fn line(
    page: &PageContext,
    (script, bindings, last): (&Script, &[Binding], Option<&remedy::Run>),
) -> Line {
    let approval = approval(script);
    let mode = match script.draft.mode {
        Mode::Automatic => "automatic",
        Mode::Off => "off",
    };
    let bound = bindings
        .iter()
        .filter(|binding| binding.script == script.id)
        .count();
    let state = last.map(|run| page.tk("script.run_", run.state.name()));
    Line {
        href: format!("/scripts/{}", script.id),
        name: script.draft.name.clone(),
        cells: vec![
            Cell::text(&script.draft.name),
            Cell::html(
                page.tk("script.approval_", approval),
                approval_mark(page, script),
            ),
            Cell::text(page.tk("script.mode_", mode)),
            Cell::count(bound),
            Cell::ago(page, last.map(|run| run.ordered_ms)),
            Cell::text(state.unwrap_or_default()),
        ],
        facets: vec![("approval", approval.to_owned()), ("mode", mode.to_owned())],
        ..Line::default()
    }
}
