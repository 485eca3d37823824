//! Writing and changing a script.

use axum::extract::{Path, State};
use axum::response::Response;
use remedy::{Mode, Script, ScriptDraft};
use ui::PageHead;
use ui::{Choice, Field, FieldErrors, FieldKind, FormSection, FormValues, Html, PageContext};
use web::{ApiError, Ctx, Flash};

use crate::manage::asked::Sent;
use crate::manage::sheet::{self, Sheet};
use crate::manage::{fields, moment, refusal};
use crate::{Desk, frame};

fn form_fields() -> [Field; 11] {
    let modes = vec![
        Choice::new("off", "script.mode_off"),
        Choice::new("automatic", "script.mode_automatic"),
    ];
    [
        Field::new("name", "script.name", FieldKind::Text)
            .required()
            .example("restart-nginx"),
        Field::new("help", "script.help", fields::lines(2)).hint("script.help_hint"),
        Field::new("body", "script.body", fields::code(16))
            .required()
            .hint("script.body_hint"),
        Field::new("precondition", "script.precondition", fields::code(4))
            .hint("script.precondition_hint"),
        Field::new("mode", "script.mode", fields::select(modes))
            .required()
            .hint("script.mode_hint"),
        Field::new("run_as", "script.run_as", FieldKind::Text).hint("script.run_as_hint"),
        Field::new("time_limit", "script.time_limit", FieldKind::Duration).required(),
        Field::new(
            "max_runs",
            "script.max_runs",
            FieldKind::Integer { min: 1, max: 1_000 },
        )
        .required(),
        Field::new("window", "script.window", FieldKind::Duration)
            .required()
            .hint("script.window_hint"),
        Field::new("cooldown", "script.cooldown", FieldKind::Duration)
            .required()
            .hint("script.cooldown_hint"),
        Field::new("verify", "script.verify", FieldKind::Duration)
            .required()
            .hint("script.verify_hint"),
    ]
}

fn draw(
    page: &PageContext,
    known: Option<&Script>,
    (values, errors, revision): (&FormValues, &FieldErrors, i64),
) -> Response {
    let fields = form_fields();
    let (what, guards) = fields.split_at(4);
    let sections = [
        FormSection {
            title: "",
            intro: "",
            fields: what,
        },
        FormSection {
            title: "script.guards",
            intro: "script.guards_text",
            fields: guards,
        },
    ];
    let (action, cancel, title) = match known {
        None => (
            "/scripts/new".to_owned(),
            "/scripts".to_owned(),
            page.t("script.add").to_owned(),
        ),
        Some(script) => (
            format!("/scripts/{}/edit", script.id),
            format!("/scripts/{}", script.id),
            script.draft.name.clone(),
        ),
    };
    let above = match known.is_some_and(Script::is_approved) {
        true => sheet::note(page.t("script.edit_unapproves")),
        false => Html::empty(),
    };
    let sheet = Sheet {
        head: PageHead::new(title, page.t("script.new_text")),
        action: &action,
        sections: &sections,
        cancel: &cancel,
        submit: "manage.save",
        revision,
        above,
        below: Html::empty(),
    };
    sheet.draw(page, values, errors)
}

pub(super) async fn new(ctx: Ctx, State(desk): State<Desk>) -> Response {
    let page = frame::page(&desk, &ctx);
    let mut values = FormValues::default();
    for (key, value) in [
        ("body", "#!/bin/sh\nset -eu\n"),
        ("mode", "off"),
        ("time_limit", "1m"),
        ("max_runs", "3"),
        ("window", "1h"),
        ("cooldown", "5m"),
        ("verify", "2m"),
    ] {
        values.set(key, value);
    }
    draw(&page, None, (&values, &FieldErrors::default(), 0))
}

pub(super) async fn edit(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let script = super::found(&desk, &id).await?;
    let draft = &script.draft;
    let mut values = FormValues::default();
    for (key, value) in [
        ("name", draft.name.clone()),
        ("help", draft.help.clone()),
        ("body", draft.body.clone()),
        ("precondition", draft.precondition.clone()),
        ("mode", draft.mode.name().to_owned()),
        ("run_as", draft.run_as.clone()),
        ("time_limit", moment::span(draft.time_limit_ms)),
        ("max_runs", draft.max_runs.to_string()),
        ("window", moment::span(draft.window_ms)),
        ("cooldown", moment::span(draft.cooldown_ms)),
        ("verify", moment::span(draft.verify_ms)),
    ] {
        values.set(key, value);
    }
    let none = FieldErrors::default();
    Ok(draw(&page, Some(&script), (&values, &none, script.version)))
}

/// The script that the answers mean. Browsers end lines as they like; a shell does not.
fn draft(values: &FormValues) -> ScriptDraft {
    let text = |key: &str| values.get(key).to_owned();
    let code = |key: &str| {
        let text = values.get(key).replace("\r\n", "\n");
        if text.is_empty() {
            text
        } else {
            format!("{text}\n")
        }
    };
    let span = |key: &str| stdx::parse_duration_ms(values.get(key)).unwrap_or(0);
    ScriptDraft {
        name: text("name"),
        help: text("help"),
        body: code("body"),
        precondition: code("precondition"),
        run_as: text("run_as"),
        time_limit_ms: span("time_limit"),
        max_runs: values.get("max_runs").parse().unwrap_or(1),
        window_ms: span("window"),
        cooldown_ms: span("cooldown"),
        verify_ms: span("verify"),
        mode: Mode::from_name(values.get("mode")).unwrap_or(Mode::Off),
    }
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
    let script = super::found(&desk, &id).await?;
    keep((ctx, desk), Some(script), sent).await
}

async fn keep(
    (ctx, desk): (Ctx, Desk),
    known: Option<Script>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let (seen, values) = (sent.revision(), sent.0);
    let errors = ui::check(page.lang, &form_fields(), &values);
    if !errors.is_empty() {
        return Ok(draw(&page, known.as_ref(), (&values, &errors, seen)));
    }
    let (remedies, who) = (&desk.remedies, ctx.who());
    let saved = match &known {
        None => remedies.create_script(draft(&values), who).await,
        Some(script) => {
            remedies
                .change_script(script.id, Some(seen), draft(&values), who)
                .await
        }
    };
    match saved {
        Ok(script) => {
            let done = Flash::done(page.t("script.saved"));
            Ok(frame::done(&ctx, &format!("/scripts/{}", script.id), &done))
        }
        Err(error) => {
            let id = known
                .as_ref()
                .map_or_else(String::new, |script| script.id.to_string());
            let refused = refusal::remedy(&page, error);
            let (errors, now) = refused.beside(&desk, &page, ("script", &id)).await?;
            let shown = (&values, &errors, now.unwrap_or(seen));
            Ok(draw(&page, known.as_ref(), shown))
        }
    }
}
