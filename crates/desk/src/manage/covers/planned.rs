//! Planning, changing and calling off a maintenance, with a preview of its next windows.

use axum::extract::{Path, State};
use axum::response::Response;
use model::MaintenanceId;
use problem::decide::next_windows;
use problem::model::{Maintenance, When};
use problem::service::{self, MaintenanceEdit};
use ui::{FieldErrors, FormSection, FormValues, Html, PageContext, PageHead};
use web::{ApiError, Ctx, Flash, Role};

use super::{maintenance, plan};
use crate::manage::asked::{Asked, Sent};
use crate::manage::sheet::{self, Press, Sheet};
use crate::manage::{fields, history, refusal};
use crate::{Desk, frame};

/// Windows shown in the preview.
const WINDOWS: usize = 5;
/// The preview follows the form as it is written.
const FOLLOW: &str = "load, input from:form.form delay:400ms, change from:form.form";

/// What a form is drawn with.
struct Shown<'a> {
    known: Option<&'a Maintenance>,
    values: &'a FormValues,
    errors: &'a FieldErrors,
    revision: i64,
    below: Html,
}

async fn draw(desk: &Desk, page: &PageContext, shown: Shown<'_>) -> Result<Response, ApiError> {
    let rules = fields::rule_ids(desk, page).await?;
    let fields = plan::form_fields(fields::group_names(desk).await?, rules);
    let section = |title, intro, fields| FormSection {
        title,
        intro,
        fields,
    };
    let sections = [
        section("", "", &fields.about[..]),
        section("maintenance.when", "", &fields.when),
        section("maintenance.scope", "maintenance.scope_text", &fields.scope),
    ];
    let (action, title) = match shown.known {
        None => (
            "/maintenance/new".to_owned(),
            page.t("host.add_maintenance").to_owned(),
        ),
        Some(known) => (
            format!("/maintenance/{}", known.id),
            format!("{} {}", known.label(), known.name),
        ),
    };
    let marks = shown.known.map(|known| {
        let state = maintenance::state(known, page.now_ms);
        sheet::chip(&page.tk("maintenance.state_", state))
    });
    let preview = sheet::panel(
        page.t("maintenance.preview"),
        sheet::fetched("/maintenance/preview", FOLLOW, "form.form"),
    );
    let sheet = Sheet {
        head: PageHead {
            marks: marks.unwrap_or_default(),
            ..PageHead::new(title, page.t("maintenance.intro"))
        },
        action: &action,
        sections: &sections,
        cancel: "/maintenance",
        submit: "manage.save",
        revision: shown.revision,
        above: Html::empty(),
        below: sheet::stack([preview, shown.below]),
    };
    Ok(sheet.draw(page, shown.values, shown.errors))
}

fn zone_name(desk: &Desk, ctx: &Ctx) -> String {
    let own = ctx.actor.as_ref().and_then(|actor| actor.time_zone.clone());
    own.unwrap_or_else(|| desk.time_zone.clone())
}

fn windows(page: &PageContext, when: &When) -> Html {
    let lines: Html = next_windows(when, page.now_ms, WINDOWS)
        .into_iter()
        .map(|(from_ms, to_ms)| {
            let span = page.span(to_ms - from_ms);
            let from = page.at_full(from_ms);
            Html::trusted(format!("<p>{from} – {} ({span})</p>", page.at(to_ms)))
        })
        .collect();
    match lines.is_empty() {
        true => sheet::muted(page.t("maintenance.no_windows")),
        false => lines,
    }
}

pub(super) async fn preview(ctx: Ctx, State(desk): State<Desk>, sent: Sent) -> Html {
    let page = frame::page(&desk, &ctx);
    let mut errors = FieldErrors::default();
    let zone = zone_name(&desk, &ctx);
    let when = plan::when(&page, (&sent.0, &zone), &mut errors);
    match (when, errors.iter().next()) {
        (_, Some((_, text))) => sheet::say(text),
        (None, None) => sheet::muted(page.t("maintenance.not_yet")),
        (Some(when), None) => windows(&page, &when),
    }
}

pub(super) async fn new(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let shown = Shown {
        known: None,
        values: &plan::blank(&desk, &page, &query, ctx.who()),
        errors: &FieldErrors::default(),
        revision: 0,
        below: Html::empty(),
    };
    draw(&desk, &page, shown).await
}

async fn found(desk: &Desk, page: &PageContext, id: &str) -> Result<Maintenance, ApiError> {
    let id: MaintenanceId = web::path_id(id, "this maintenance")?;
    let found = service::maintenance(&mut desk.db.reader(), id).await;
    found.map_err(|error| refusal::problem(page, error).into())
}

pub(super) async fn edit(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let known = found(&desk, &page, &id).await?;
    let mut below = Vec::new();
    let open = matches!(
        maintenance::state(&known, page.now_ms),
        "running" | "planned"
    );
    if ctx.has(Role::Operator) && open {
        let cancel = Press {
            to: &format!("/maintenance/{}/cancel", known.id),
            label: page.t("maintenance.cancel"),
            confirm: page.t("maintenance.cancel_confirm"),
            weight: "danger",
            values: &[],
        };
        below.push(sheet::presses([cancel.draw(&page)]));
    }
    let id = known.id.to_string();
    below.push(history::history(&desk, &page, ("maintenance", &id)).await?);
    let shown = Shown {
        known: Some(&known),
        values: &plan::fill(&desk, &page, &known),
        errors: &FieldErrors::default(),
        revision: known.version,
        below: sheet::stack(below),
    };
    draw(&desk, &page, shown).await
}

pub(super) async fn create(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    keep((ctx, desk), None, sent).await
}

pub(super) async fn save(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let known = found(&desk, &page, &id).await?;
    keep((ctx, desk), Some(known), sent).await
}

async fn keep(
    (ctx, desk): (Ctx, Desk),
    known: Option<Maintenance>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let (seen, values) = (sent.revision(), sent.0);
    let mut revision = seen;
    let asked = plan::form_fields(Vec::new(), fields::rule_ids(&desk, &page).await?);
    let mut errors = ui::check(page.lang, &asked.all(), &values);
    let scope = plan::scope(&desk, &page, &values, &mut errors);
    let zone = zone_name(&desk, &ctx);
    let when = plan::when(&page, (&values, &zone), &mut errors);
    if let (Some(when), true) = (when, errors.is_empty()) {
        let edit = MaintenanceEdit {
            name: values.get("name").to_owned(),
            owner: values.get("owner").to_owned(),
            reason: values.get("reason").to_owned(),
            when,
            scope,
        };
        let who = ctx.who();
        let saved = match &known {
            None => service::create_maintenance(&desk.db, edit, who).await,
            Some(known) => service::edit_maintenance(&desk.db, known.id, seen, edit, who).await,
        };
        let Err(error) = saved else {
            let done = Flash::done(page.t("manage.saved"));
            return Ok(frame::done(&ctx, "/maintenance", &done));
        };
        let id = known
            .as_ref()
            .map_or_else(String::new, |known| known.id.to_string());
        let refused = refusal::problem(&page, error);
        let (wrong, now) = refused.beside(&desk, &page, ("maintenance", &id)).await?;
        for (key, text) in wrong.iter() {
            let key = match key {
                "scope" => "hosts",
                "to_ms" | "for_min" => "for",
                other => other,
            };
            errors.add(key, text);
        }
        revision = now.unwrap_or(seen);
    }
    let shown = Shown {
        known: known.as_ref(),
        values: &values,
        errors: &errors,
        revision,
        below: Html::empty(),
    };
    draw(&desk, &page, shown).await
}
