//! Silences: problems that fit are drawn and not told until it ends.

use axum::extract::{Path, State};
use axum::response::Response;
use model::{Selector, SilenceId};
use problem::model::Silence;
use problem::service::{self, SilenceEdit};
use ui::{
    Action, Choice, Column, Empty, Field, FieldErrors, FieldKind, Filter, FormSection, FormValues,
    Html, PageContext, PageHead,
};
use web::{ApiError, Ctx, Flash, Role};

use crate::manage::asked::{Asked, Sent};
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::sheet::{self, Press, Sheet};
use crate::manage::{history, moment, refusal};
use crate::{Desk, frame};

const COLUMNS: [Column; 6] = [
    Column::sorted("number", "maintenance.number"),
    Column::sorted("selector", "silence.selector").class("grow"),
    Column::sorted("state", "rule.state"),
    Column::sorted("until", "override.until"),
    Column::sorted("owner", "maintenance.owner").class("hide-s"),
    Column::plain("manage.reason").class("wrap hide-s"),
];

const fn state(one: &Silence, now_ms: i64) -> &'static str {
    match one.cancelled_ms {
        Some(_) => "cancelled",
        None if one.to_ms <= now_ms => "over",
        None if one.from_ms > now_ms => "planned",
        None => "running",
    }
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let past = matches!(query.get("state"), "over" | "cancelled");
    let found = service::silences(&mut desk.db.reader(), past, page.now_ms).await;
    let found = found.map_err(|error| ApiError::from(refusal::problem(&page, error)))?;
    let choice =
        |state: &str| Choice::owned(state.to_owned(), format!("maintenance.state_{state}"));
    let states = ["running", "planned", "over", "cancelled"];
    let add = Action::primary(page.t("silence.add"), "/silences/new");
    let actions = match ctx.has(Role::Operator) {
        true => vec![add],
        false => Vec::new(),
    };
    let listing = Listing {
        head: PageHead {
            actions: actions.clone(),
            ..PageHead::new(page.t("nav.silences"), page.t("silence.intro"))
        },
        path: "/silences",
        columns: &COLUMNS,
        lines: found.iter().map(|one| line(&page, one)).collect(),
        filters: vec![Filter {
            key: "state",
            label: "rule.state",
            choices: states.into_iter().map(choice).collect(),
        }],
        search: "silence.search",
        bulk: &[],
        empty: Empty {
            title: page.t("silence.none").to_owned(),
            text: page.t("silence.none_text").to_owned(),
            actions,
            good: false,
        },
        above: Html::empty(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn line(page: &PageContext, one: &Silence) -> Line {
    let state = state(one, page.now_ms);
    let word = page.tk("maintenance.state_", state);
    let shown = match state {
        "running" => sheet::alert_chip(&word),
        "planned" => Html::text(&word),
        _ => sheet::chip(&word),
    };
    let selector = one.selector.to_string();
    Line {
        href: format!("/silences/{}", one.id),
        name: one.label(),
        class: match state {
            "over" | "cancelled" => "is-off".to_owned(),
            _ => String::new(),
        },
        cells: vec![
            Cell::text(one.label()).by(one.number),
            Cell::html(&selector, sheet::code(&selector)),
            Cell::html(word, shown),
            Cell::at(page, Some(one.to_ms)),
            Cell::text(&one.owner),
            Cell::text(&one.reason),
        ],
        facets: vec![("state", state.to_owned())],
        ..Line::default()
    }
}

fn form_fields() -> [Field; 5] {
    [
        Field::new("selector", "silence.selector", FieldKind::Text)
            .required()
            .hint("silence.selector_hint")
            .example("{host=\"web01\",group=\"disk\"}"),
        Field::new("from", "maintenance.from", FieldKind::DateTime).required(),
        Field::new("to", "override.until", FieldKind::DateTime).required(),
        Field::new("owner", "maintenance.owner", FieldKind::Text).required(),
        Field::new("reason", "manage.reason", FieldKind::Text).required(),
    ]
}

/// What a form is drawn with.
struct Shown<'a> {
    known: Option<&'a Silence>,
    values: &'a FormValues,
    errors: &'a FieldErrors,
    revision: i64,
    below: Html,
}

fn draw(page: &PageContext, shown: Shown<'_>) -> Response {
    let fields = form_fields();
    let sections = [FormSection {
        title: "",
        intro: "",
        fields: &fields,
    }];
    let (action, title) = match shown.known {
        None => ("/silences/new".to_owned(), page.t("silence.add").to_owned()),
        Some(known) => (format!("/silences/{}", known.id), known.label()),
    };
    let sheet = Sheet {
        head: PageHead::new(title, page.t("silence.intro")),
        action: &action,
        sections: &sections,
        cancel: "/silences",
        submit: "manage.save",
        revision: shown.revision,
        above: Html::empty(),
        below: shown.below,
    };
    sheet.draw(page, shown.values, shown.errors)
}

pub(super) async fn new(ctx: Ctx, State(desk): State<Desk>, Asked(query): Asked) -> Response {
    let page = frame::page(&desk, &ctx);
    let mut values = FormValues::default();
    values.set("selector", query.get("selector"));
    values.set("from", moment::write(page.now_ms, &page.zone));
    values.set("to", moment::write(page.now_ms + 3_600_000, &page.zone));
    values.set("owner", ctx.who());
    let shown = Shown {
        known: None,
        values: &values,
        errors: &FieldErrors::default(),
        revision: 0,
        below: Html::empty(),
    };
    draw(&page, shown)
}

async fn found(desk: &Desk, page: &PageContext, id: &str) -> Result<Silence, ApiError> {
    let id: SilenceId = web::path_id(id, "this silence")?;
    let found = service::silence(&mut desk.db.reader(), id).await;
    found.map_err(|error| refusal::problem(page, error).into())
}

pub(super) async fn edit(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let known = found(&desk, &page, &id).await?;
    let mut values = FormValues::default();
    values.set("selector", known.selector.to_string());
    values.set("from", moment::write(known.from_ms, &page.zone));
    values.set("to", moment::write(known.to_ms, &page.zone));
    values.set("owner", known.owner.as_str());
    values.set("reason", known.reason.as_str());
    let mut below = Vec::new();
    let open = matches!(state(&known, page.now_ms), "running" | "planned");
    if ctx.has(Role::Operator) && open {
        let end = Press {
            to: &format!("/silences/{}/end", known.id),
            label: page.t("silence.end"),
            confirm: page.t("silence.end_confirm"),
            weight: "danger",
            values: &[],
        };
        below.push(sheet::presses([end.draw(&page)]));
    }
    let id = known.id.to_string();
    below.push(history::history(&desk, &page, ("silence", &id)).await?);
    let shown = Shown {
        known: Some(&known),
        values: &values,
        errors: &FieldErrors::default(),
        revision: known.version,
        below: sheet::stack(below),
    };
    Ok(draw(&page, shown))
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
    known: Option<Silence>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let (seen, values) = (sent.revision(), sent.0);
    let mut revision = seen;
    let mut errors = ui::check(page.lang, &form_fields(), &values);
    let selector = Selector::parse(values.get("selector")).unwrap_or_else(|error| {
        errors.add("selector", page.tf("rule.bad_selector", &[("why", &error)]));
        Selector::default()
    });
    let time = |key: &str| moment::read(values.get(key), &page.zone);
    if let (Some(from_ms), Some(to_ms), true) = (time("from"), time("to"), errors.is_empty()) {
        let edit = SilenceEdit {
            selector,
            owner: values.get("owner").to_owned(),
            reason: values.get("reason").to_owned(),
            from_ms,
            to_ms,
        };
        let who = ctx.who();
        let saved = match &known {
            None => service::create_silence(&desk.db, edit, who).await,
            Some(known) => service::edit_silence(&desk.db, known.id, seen, edit, who).await,
        };
        let Err(error) = saved else {
            let done = Flash::done(page.t("manage.saved"));
            return Ok(frame::done(&ctx, "/silences", &done));
        };
        let id = known
            .as_ref()
            .map_or_else(String::new, |known| known.id.to_string());
        let refused = refusal::problem(&page, error);
        let (wrong, now) = refused.beside(&desk, &page, ("silence", &id)).await?;
        for (key, text) in wrong.iter() {
            errors.add(if key == "to_ms" { "to" } else { key }, text);
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
    Ok(draw(&page, shown))
}

pub(super) async fn end(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let id: SilenceId = web::path_id(&id, "this silence")?;
    let done = service::end_silence(&desk.db, id, ctx.who()).await;
    let done = done.map_err(|error| refusal::problem(&page, error));
    refusal::settle(&ctx, &page, "/silences", (done, page.t("silence.ended")))
}
