//! Making and editing a rule with the friendly form, and trying it over the last days before saving.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use model::METRIC_NAME;
use model::rule::Rule;
use ui::{Action, FieldErrors, FormSection, FormValues, Html, PageContext, PageHead};
use watch::{By, RuleRecord};
use web::{ApiError, Ctx, Flash};

use super::{draft, past};
use crate::manage::asked::Sent;
use crate::manage::sheet::{self, Sheet};
use crate::manage::{fields, refusal};
use crate::{Desk, frame};

/// What a form is drawn with.
struct Shown<'a> {
    record: Option<&'a RuleRecord>,
    values: &'a FormValues,
    errors: &'a FieldErrors,
    revision: i64,
    above: Html,
}

async fn draw(desk: &Desk, page: &PageContext, shown: Shown<'_>) -> Result<Response, ApiError> {
    let known = shown.record;
    let fields = draft::fields(known.is_none(), fields::group_names(desk).await?);
    let section = |title, intro, fields| FormSection {
        title,
        intro,
        fields,
    };
    let sections = [
        section("rule.section_about", "", &fields.about[..]),
        section("rule.section_what", "rule.section_what_text", &fields.what),
        section(
            "rule.section_levels",
            "rule.section_levels_text",
            &fields.levels,
        ),
        section("rule.section_telling", "", &fields.telling),
        section(
            "rule.section_scope",
            "rule.section_scope_text",
            &fields.scope,
        ),
        section("", "", &fields.end),
    ];
    let (action, cancel, head) = match known {
        None => (
            "/rules/new".to_owned(),
            "/rules".to_owned(),
            PageHead {
                tabs: super::new_tabs(page, "/rules/new"),
                ..PageHead::new(page.t("rule.new"), page.t("rule.new_text"))
            },
        ),
        Some(record) => (
            format!("/rules/{}/edit", record.id),
            super::href(record.id),
            PageHead {
                tabs: super::tabs(page, record.id, ("/edit", true)),
                ..PageHead::new(record.rule.title.get(page.lang), "")
            },
        ),
    };
    let sheet = Sheet {
        head,
        action: &action,
        sections: &sections,
        cancel: &cancel,
        submit: "manage.save",
        revision: shown.revision,
        above: [metrics(desk), shown.above].into_iter().collect(),
        below: Html::empty(),
    };
    Ok(sheet.draw(page, shown.values, shown.errors))
}

/// The metrics there are, suggested where a rule names one.
fn metrics(desk: &Desk) -> Html {
    sheet::known("series", &desk.tsdb.label_values(METRIC_NAME))
}

pub(super) async fn new(ctx: Ctx, State(desk): State<Desk>) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let shown = Shown {
        record: None,
        values: &draft::blank(),
        errors: &FieldErrors::default(),
        revision: 0,
        above: Html::empty(),
    };
    draw(&desk, &page, shown).await
}

pub(super) async fn edit(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let record = super::found(&desk, &id).await?;
    let Some(values) = draft::shown(&record.rule) else {
        return Ok(too_rich(&page, &record).into_response());
    };
    let shown = Shown {
        record: Some(&record),
        values: &values,
        errors: &FieldErrors::default(),
        revision: record.version,
        above: Html::empty(),
    };
    draw(&desk, &page, shown).await
}

/// A rule with several signals or conditions stays whole only as a document.
fn too_rich(page: &PageContext, record: &RuleRecord) -> Html {
    let yaml = format!("/rules/{}/yaml", record.id);
    let head = PageHead {
        tabs: super::tabs(page, record.id, ("/edit", true)),
        ..PageHead::new(record.rule.title.get(page.lang), "")
    };
    let body = [
        sheet::say(page.t("rule.too_rich")),
        Action::primary(page.t("rule.tab_yaml"), yaml).draw(),
    ];
    let panel = sheet::panel(page.t("rule.too_rich_title"), sheet::stack(body));
    sheet::sheet(page, &head, &[panel], "narrow")
}

/// The rule that a form means, or what is wrong with it.
async fn rule(
    desk: &Desk,
    page: &PageContext,
    (values, base): (&FormValues, Option<&Rule>),
) -> Result<Result<Rule, FieldErrors>, ApiError> {
    let fields = draft::fields(base.is_none(), fields::group_names(desk).await?);
    let mut errors = ui::check(page.lang, &fields.all(), values);
    let rule = draft::read(page, values, base, &mut errors);
    if errors.is_empty() {
        for error in model::rule::check(&rule).err().into_iter().flatten() {
            errors.add("", refusal::rule(page, &error));
        }
    }
    Ok(if errors.is_empty() {
        Ok(rule)
    } else {
        Err(errors)
    })
}

pub(super) async fn create(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    save_or_try((ctx, desk), None, sent).await
}

pub(super) async fn save(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let record = super::found(&desk, &id).await?;
    save_or_try((ctx, desk), Some(record), sent).await
}

async fn save_or_try(
    (ctx, desk): (Ctx, Desk),
    record: Option<RuleRecord>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let (seen, mut values) = (sent.revision(), sent.0);
    let base = record.as_ref().map(|record| &record.rule);
    let shown = |values, errors, revision, above| Shown {
        record: record.as_ref(),
        values,
        errors,
        revision,
        above,
    };
    let rule = match rule(&desk, &page, (&values, base)).await? {
        Ok(rule) => rule,
        Err(errors) => {
            let again = shown(&values, &errors, seen, Html::empty());
            return draw(&desk, &page, again).await;
        }
    };
    if values.has("try", "1") {
        let found = past::tried(&desk, &page, rule).await;
        values.set("try", "");
        let none = FieldErrors::default();
        return draw(&desk, &page, shown(&values, &none, seen, found)).await;
    }
    let by = By {
        actor: ctx.who(),
        why: values.get("why"),
    };
    let saved = match &record {
        None => desk.watch.create_rule(rule, by).await,
        Some(record) => {
            desk.watch
                .update_rule((record.id, Some(seen)), rule, by)
                .await
        }
    };
    match saved {
        Ok(saved) => {
            let done = Flash::done(page.t("manage.saved"));
            Ok(frame::done(&ctx, &super::href(saved.id), &done))
        }
        Err(error) => {
            let id = record.as_ref().map(|record| record.id.to_string());
            let refusal = refusal::watch(&page, error);
            let about = ("rule", id.as_deref().unwrap_or(""));
            let (mut errors, now) = refusal.beside(&desk, &page, about).await?;
            if let Some(text) = errors.get("name").map(str::to_owned) {
                errors.add("key", text);
            }
            let again = shown(&values, &errors, now.unwrap_or(seen), Html::empty());
            draw(&desk, &page, again).await
        }
    }
}
