//! Making, changing and taking back an override.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use model::rule::Rule;
use model::{OverrideId, RuleId};
use ui::{Choice, Field, FieldErrors, FieldKind, FormSection, FormValues, Html, PageContext};
use ui::{PageHead, escape};
use watch::{By, Override, OverrideEdit};
use web::{ApiError, Ctx, Flash, Role};

use super::values;
use crate::manage::asked::{Asked, Sent};
use crate::manage::sheet::{self, Press, Sheet};
use crate::manage::{fields, history, hosts, moment, refusal, whom};
use crate::{Desk, frame};

/// What a form is drawn with.
struct Shown<'a> {
    rule: (RuleId, &'a Rule),
    known: Option<&'a Override>,
    values: &'a FormValues,
    errors: &'a FieldErrors,
    revision: i64,
    below: Html,
}

struct Fields {
    whom: Vec<Field>,
    mute: [Field; 1],
    levels: Vec<Field>,
    other: Vec<Field>,
    end: [Field; 2],
}

fn form_fields(page: &PageContext, rule: &Rule, groups: Vec<Choice>) -> Fields {
    let mut whom: Vec<Field> = whom::whom_fields(groups).into();
    if rule.target.kind != "host" {
        whom.push(
            Field::new("target", "override.target", FieldKind::Text).hint("override.target_hint"),
        );
    }
    Fields {
        whom,
        mute: [Field::new("mute", "override.mute", FieldKind::Bool).hint("override.mute_hint")],
        levels: values::level_fields(page, rule),
        other: values::other_fields(),
        end: [
            Field::new("why", "manage.why", FieldKind::Text)
                .required()
                .hint("override.why_hint"),
            Field::new("until", "override.until", FieldKind::DateTime).hint("override.until_hint"),
        ],
    }
}

impl Fields {
    fn all(&self) -> Vec<Field> {
        let parts: [&[Field]; 5] = [&self.whom, &self.mute, &self.levels, &self.other, &self.end];
        parts.into_iter().flatten().cloned().collect()
    }
}

async fn draw(desk: &Desk, page: &PageContext, shown: Shown<'_>) -> Result<Response, ApiError> {
    let (rule_id, rule) = shown.rule;
    let fields = form_fields(page, rule, fields::group_ids(desk).await?);
    let section = |title, intro, fields| FormSection {
        title,
        intro,
        fields,
    };
    let sections = [
        section("override.whom", "override.whom_text", &fields.whom[..]),
        section("override.what", "", &fields.mute),
        section("rule.levels", "override.levels_text", &fields.levels),
        section("override.other", "", &fields.other),
        section("override.reason", "", &fields.end),
    ];
    let action = match shown.known {
        None => format!("/overrides/new?rule={rule_id}"),
        Some(known) => format!("/overrides/{}", known.id),
    };
    let title = rule.title.get(page.lang);
    let head = PageHead::new(
        page.tf("override.of", &[("rule", &title)]),
        page.t("override.intro"),
    );
    let sheet = Sheet {
        head,
        action: &action,
        sections: &sections,
        cancel: "/overrides",
        submit: "manage.save",
        revision: shown.revision,
        above: hosts::suggested(desk),
        below: shown.below,
    };
    Ok(sheet.draw(page, shown.values, shown.errors))
}

/// First of all: of which rule?
async fn choose(
    desk: &Desk,
    page: &PageContext,
    kept: &ui::ListQuery,
) -> Result<Response, ApiError> {
    let head = PageHead::new(page.t("override.add"), page.t("override.choose"));
    let options: String = fields::rule_ids(desk, page)
        .await?
        .iter()
        .map(|choice| {
            let (value, label) = (escape(&choice.value), escape(&choice.label));
            format!("<option value=\"{value}\">{label}</option>")
        })
        .collect();
    let hidden: String = kept
        .except(&["rule"])
        .map(|(name, value)| {
            let (name, value) = (escape(name), escape(value));
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
        })
        .collect();
    let form = Html::trusted(format!(
        "<form method=\"get\" action=\"/overrides/new\" class=\"actions\">{hidden}\
         <select name=\"rule\" aria-label=\"{label}\">{options}</select>\
         <button class=\"button primary\">{next}</button></form>",
        label = escape(page.t("host.rule")),
        next = escape(page.t("list.next")),
    ));
    let parts = [sheet::panel(page.t("host.rule"), form)];
    Ok(sheet::sheet(page, &head, &parts, "narrow").into_response())
}

pub(super) async fn new(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    if query.get("rule").is_empty() {
        return choose(&desk, &page, &query).await;
    }
    let id: RuleId = web::path_id(query.get("rule"), "this rule")?;
    let record = desk.watch.rule(id).await?;
    let mut values = FormValues::default();
    whom::fill_asked(&desk, &query, &mut values);
    values.set("target", query.get("target"));
    let shown = Shown {
        rule: (id, &record.rule),
        known: None,
        values: &values,
        errors: &FieldErrors::default(),
        revision: 0,
        below: Html::empty(),
    };
    draw(&desk, &page, shown).await
}

pub(super) async fn edit(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let id: OverrideId = web::path_id(&id, "this override")?;
    let known = desk.watch.override_by_id(id).await?;
    let record = desk.watch.rule(known.rule).await?;
    let mut answers = FormValues::default();
    whom::fill(&desk, known.whom, &mut answers);
    values::fill(&known.values, &mut answers);
    answers.set("target", known.target_key.as_deref().unwrap_or(""));
    answers.set("why", known.why.as_str());
    if let Some(until_ms) = known.until_ms {
        answers.set("until", moment::write(until_ms, &page.zone));
    }
    let mut below = Vec::new();
    if ctx.has(Role::Operator) && known.ended_ms.is_none() {
        let end = Press {
            to: &format!("/overrides/{id}/end"),
            label: page.t("override.end"),
            confirm: page.t("override.end_confirm"),
            weight: "danger",
            values: &[],
        };
        below.push(sheet::presses([end.draw(&page)]));
    }
    below.push(history::history(&desk, &page, ("override", &id.to_string())).await?);
    let shown = Shown {
        rule: (known.rule, &record.rule),
        known: Some(&known),
        values: &answers,
        errors: &FieldErrors::default(),
        revision: known.version,
        below: sheet::stack(below),
    };
    draw(&desk, &page, shown).await
}

pub(super) async fn create(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
    sent: Sent,
) -> Result<Response, ApiError> {
    let rule: RuleId = web::path_id(query.get("rule"), "this rule")?;
    keep((ctx, desk), (rule, None), sent).await
}

pub(super) async fn save(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let id: OverrideId = web::path_id(&id, "this override")?;
    let known = desk.watch.override_by_id(id).await?;
    keep((ctx, desk), (known.rule, Some(known)), sent).await
}

async fn keep(
    (ctx, desk): (Ctx, Desk),
    (rule_id, known): (RuleId, Option<Override>),
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let record = desk.watch.rule(rule_id).await?;
    let (seen, answers) = (sent.revision(), sent.0);
    let fields = form_fields(&page, &record.rule, fields::group_ids(&desk).await?);
    let mut errors = ui::check(page.lang, &fields.all(), &answers);
    let found = whom::read(&desk, &page, &answers, &mut errors);
    let values = values::read(&page, (&answers, &record.rule), &mut errors);
    let mut revision = seen;
    if let (Some(whom), true) = (found, errors.is_empty()) {
        let target = answers.get("target");
        let edit = OverrideEdit {
            rule: rule_id,
            whom,
            target_key: (!target.is_empty()).then(|| target.to_owned()),
            values,
            until_ms: moment::read(answers.get("until"), &page.zone),
        };
        let by = By {
            actor: ctx.who(),
            why: answers.get("why"),
        };
        let saved = match &known {
            None => desk.watch.create_overrides(vec![edit], by).await.map(drop),
            Some(known) => {
                let id = (known.id, Some(seen));
                desk.watch.update_override(id, edit, by).await.map(drop)
            }
        };
        let Err(error) = saved else {
            let done = Flash::done(page.t("manage.saved"));
            return Ok(frame::done(&ctx, "/overrides", &done));
        };
        let id = known
            .as_ref()
            .map_or_else(String::new, |known| known.id.to_string());
        let refused = refusal::watch(&page, error);
        let (wrong, now) = refused.beside(&desk, &page, ("override", &id)).await?;
        errors = wrong;
        revision = now.unwrap_or(seen);
    }
    let shown = Shown {
        rule: (rule_id, &record.rule),
        known: known.as_ref(),
        values: &answers,
        errors: &errors,
        revision,
        below: Html::empty(),
    };
    draw(&desk, &page, shown).await
}

pub(super) async fn end(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let id: OverrideId = web::path_id(&id, "this override")?;
    let by = By {
        actor: ctx.who(),
        why: "",
    };
    let done = desk.watch.end_overrides(&[id], by).await;
    let done = done.map_err(|error| refusal::watch(&page, error));
    refusal::settle(
        &ctx,
        &page,
        "/overrides",
        (done, page.t("override.ended_one")),
    )
}
