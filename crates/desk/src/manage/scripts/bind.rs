//! What starts a script: rules that are bound to it, a person, and the switch that stops them all.

use axum::extract::{Path, State};
use axum::response::Response;
use model::{RuleId, Severity};
use remedy::{Binding, ManualRun, Script};
use ui::{Field, FieldErrors, FieldKind, FormValues, Html, PageContext, draw_field, escape};
use web::{ApiError, Ctx};

use crate::manage::asked::Sent;
use crate::manage::sheet::{self, Press};
use crate::manage::{fields, hosts, refusal};
use crate::{Desk, frame};

/// The rules bound to a script, and the form for one more.
pub(super) async fn panel(
    desk: &Desk,
    page: &PageContext,
    (script, administers): (&Script, bool),
) -> Result<Html, ApiError> {
    let rules = fields::rule_ids(desk, page).await?;
    let here = format!("/scripts/{}", script.id);
    let bindings = desk.remedies.bindings().await?;
    let rows: Vec<Vec<Html>> = bindings
        .iter()
        .filter(|binding| binding.script == script.id)
        .map(|binding| {
            let rule = binding.rule.to_string();
            let title = rules.iter().find(|choice| choice.value == rule);
            let title = title.map_or(rule.as_str(), |choice| &choice.label);
            let unbind = Press {
                to: &format!("{here}/unbind"),
                label: page.t("script.unbind"),
                confirm: page.t("script.unbind_confirm"),
                weight: "",
                values: &[("rule", &rule), ("target", &binding.target_key)],
            };
            vec![
                sheet::link(&format!("/rules/{rule}"), title),
                page.sev(&binding.from_severity),
                sheet::code(&binding.target_key),
                Html::text(page.t(if binding.holds_notice {
                    "manage.yes"
                } else {
                    "manage.no"
                })),
                Html::text(&binding.by),
                if administers {
                    unbind.draw(page)
                } else {
                    Html::empty()
                },
            ]
        })
        .collect();
    let titles = [
        "host.rule",
        "rule.from",
        "host.target",
        "script.holds",
        "manage.by",
        "script.what",
    ];
    let mut body = match rows.is_empty() {
        true => vec![sheet::muted(page.t("script.not_bound"))],
        false => vec![sheet::grid(&titles.map(|key| page.t(key)), &rows)],
    };
    if administers {
        body.push(bind_form(page, &here, rules));
    }
    Ok(sheet::panel(page.t("script.bound"), sheet::stack(body)))
}

fn bind_form(page: &PageContext, here: &str, rules: Vec<ui::Choice>) -> Html {
    let asked = [
        Field::new("rule", "host.rule", fields::select(rules)).required(),
        Field::new("from", "rule.from", fields::select(fields::severities())).required(),
        Field::new("target", "host.target", FieldKind::Text).hint("override.target_hint"),
        Field::new("holds", "script.holds", FieldKind::Bool).hint("script.holds_hint"),
    ];
    let mut values = FormValues::default();
    values.set("from", "major");
    small_form(
        page,
        (&format!("{here}/bind"), "script.bind", ""),
        (&asked, &values),
    )
}

/// A form inside a panel.
fn small_form(
    page: &PageContext,
    (action, submit, confirm): (&str, &str, &str),
    (asked, values): (&[Field], &FormValues),
) -> Html {
    let none = FieldErrors::default();
    let drawn: Html = asked
        .iter()
        .map(|field| draw_field(page, field, values, &none))
        .collect();
    let confirm = match confirm {
        "" => String::new(),
        key => format!(" data-confirm=\"{}\"", escape(page.t(key))),
    };
    Html::trusted(format!(
        "<form class=\"form\" method=\"post\" action=\"{}\"{confirm}>{}{drawn}\
         <div class=\"form-end\"><button class=\"button\">{}</button></div></form>",
        escape(action),
        page.csrf_field(),
        escape(page.t(submit))
    ))
}

/// The form that starts a script by hand.
pub(super) fn run_form(page: &PageContext, script: &Script) -> Html {
    let asked = [
        Field::new("host", "manage.for_host", FieldKind::Text).required(),
        Field::new("dry_run", "script.dry_run", FieldKind::Bool).hint("script.dry_run_hint"),
    ];
    let mut values = FormValues::default();
    values.set("dry_run", "1");
    let action = format!("/scripts/{}/run", script.id);
    let form = small_form(
        page,
        (&action, "script.run", "script.run_confirm"),
        (&asked, &values),
    );
    match script.is_approved() {
        true => form,
        false => sheet::stack([sheet::note(page.t("script.run_unapproved")), form]),
    }
}

fn back(id: &str) -> String {
    format!("/scripts/{id}")
}

pub(super) async fn bind(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let script = super::found(&desk, &id).await?;
    let values = &sent.0;
    let rule: RuleId = web::path_id(values.get("rule"), "this rule")?;
    let binding = Binding {
        rule,
        script: script.id,
        from_severity: values.get("from").parse().unwrap_or(Severity::Normal),
        target_key: values.get("target").to_owned(),
        holds_notice: values.has("holds", "1"),
        by: ctx.who().to_owned(),
    };
    let done = desk.remedies.bind(binding).await;
    let done = done.map_err(|error| refusal::remedy(&page, error));
    refusal::settle(&ctx, &page, &back(&id), (done, page.t("script.bound_done")))
}

pub(super) async fn unbind(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let script = super::found(&desk, &id).await?;
    let rule: RuleId = web::path_id(sent.0.get("rule"), "this rule")?;
    let target = sent.0.get("target");
    let done = desk
        .remedies
        .unbind(rule, script.id, target, ctx.who())
        .await;
    let done = done.map_err(|error| refusal::remedy(&page, error));
    refusal::settle(
        &ctx,
        &page,
        &back(&id),
        (done, page.t("script.unbound_done")),
    )
}

pub(super) async fn run(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let script = super::found(&desk, &id).await?;
    let name = sent.0.get("host");
    let Some(host) = hosts::by_name(&desk, name) else {
        let text = page.tf("manage.no_host", &[("name", &name)]);
        let wrong: Result<(), _> = Err(refusal::wrong("host", text));
        return refusal::settle(&ctx, &page, &back(&id), (wrong, ""));
    };
    let wanted = ManualRun {
        script: script.id,
        host,
        problem: None,
        target: None,
        dry_run: sent.0.has("dry_run", "1"),
        by: hosts::actor(&ctx)?,
    };
    let done = desk.remedies.start(wanted).await;
    let done = done.map_err(|error| refusal::remedy(&page, error));
    let to = format!("/runs?script={}", script.id);
    refusal::settle(&ctx, &page, &to, (done, page.t("script.ordered")))
}

pub(super) async fn switch(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let off = sent.0.has("off", "1");
    let why = off.then(|| sent.0.get("why"));
    let done = desk.remedies.set_kill_switch(why, ctx.who()).await;
    let done = done.map_err(|error| refusal::remedy(&page, error));
    let said = page.t(if off {
        "script.pulled"
    } else {
        "script.lifted"
    });
    refusal::settle(&ctx, &page, "/scripts", (done, said))
}
