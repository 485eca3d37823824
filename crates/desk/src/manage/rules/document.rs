//! A rule as its whole document, with errors by line.

use axum::extract::{Path, State};
use axum::response::Response;
use model::rule::Rule;
use ui::{Field, FieldErrors, FieldKind, FormSection, FormValues, Html, PageContext, PageHead};
use watch::{By, DocumentError, RuleRecord, read_rules, write_rules};
use web::{ApiError, Ctx, Flash};

use super::past;
use crate::manage::asked::{Asked, Sent};
use crate::manage::sheet::Sheet;
use crate::manage::{fields, refusal};
use crate::{Desk, frame};

/// What a new document begins with.
const BLANK: &str = include_str!("blank.yaml");

fn form_fields() -> [Field; 3] {
    [
        Field::new("yaml", "rule.document", fields::code(28))
            .required()
            .hint("rule.document_hint"),
        Field::new("why", "manage.why", FieldKind::Text).hint("manage.why_hint"),
        Field::new("try", "rule.try", FieldKind::Bool).hint("rule.try_hint"),
    ]
}

/// What a document is drawn with.
struct Shown<'a> {
    record: Option<&'a RuleRecord>,
    values: &'a FormValues,
    errors: &'a FieldErrors,
    revision: i64,
    above: Html,
}

fn draw(page: &PageContext, shown: Shown<'_>) -> Response {
    let (action, cancel, head) = match shown.record {
        None => (
            "/rules/new/yaml".to_owned(),
            "/rules".to_owned(),
            PageHead {
                tabs: super::new_tabs(page, "/rules/new/yaml"),
                ..PageHead::new(page.t("rule.new"), page.t("rule.new_text"))
            },
        ),
        Some(record) => (
            format!("/rules/{}/yaml", record.id),
            super::href(record.id),
            PageHead {
                tabs: super::tabs(page, record.id, ("/yaml", true)),
                ..PageHead::new(record.rule.title.get(page.lang), "")
            },
        ),
    };
    let fields = form_fields();
    let sections = [FormSection {
        title: "",
        intro: "",
        fields: &fields,
    }];
    let sheet = Sheet {
        head,
        action: &action,
        sections: &sections,
        cancel: &cancel,
        submit: "manage.save",
        revision: shown.revision,
        above: shown.above,
        below: Html::empty(),
    };
    sheet.draw(page, shown.values, shown.errors)
}

fn written(rule: &Rule) -> Result<String, ApiError> {
    let text = write_rules(std::slice::from_ref(rule));
    text.map_err(|error| ApiError::internal(error.to_string()))
}

pub(super) async fn new(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let mut values = FormValues::default();
    values.set("yaml", BLANK);
    if !query.get("from").is_empty() {
        let mut rule = super::found(&desk, query.get("from")).await?.rule;
        rule.key.push_str("-copy");
        values.set("yaml", written(&rule)?);
    }
    let shown = Shown {
        record: None,
        values: &values,
        errors: &FieldErrors::default(),
        revision: 0,
        above: Html::empty(),
    };
    Ok(draw(&page, shown))
}

pub(super) async fn edit(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let record = super::found(&desk, &id).await?;
    let mut values = FormValues::default();
    values.set("yaml", written(&record.rule)?);
    let shown = Shown {
        record: Some(&record),
        values: &values,
        errors: &FieldErrors::default(),
        revision: record.version,
        above: Html::empty(),
    };
    Ok(draw(&page, shown))
}

/// A document's error with its line, and the line itself.
pub(super) fn placed(page: &PageContext, (text, error): (&str, &DocumentError)) -> String {
    let Some(line) = error.line else {
        return error.what.clone();
    };
    let said = text
        .lines()
        .nth(line.saturating_sub(1))
        .unwrap_or("")
        .trim();
    let values: [(&str, &dyn std::fmt::Display); 3] =
        [("line", &line), ("text", &said), ("what", &error.what)];
    page.tf("rule.bad_line", &values)
}

/// The one rule of a document.
fn one(page: &PageContext, text: &str) -> Result<Rule, String> {
    let file = read_rules("rule.yaml", text).map_err(|error| placed(page, (text, &error)))?;
    let mut rules = file.rules.into_iter();
    match (rules.next(), rules.next()) {
        (Some(rule), None) => Ok(rule),
        _ => Err(page.t("rule.not_one").to_owned()),
    }
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
    let shown = |values, errors, revision, above| Shown {
        record: record.as_ref(),
        values,
        errors,
        revision,
        above,
    };
    let rule = match one(&page, values.get("yaml")) {
        Ok(rule) => rule,
        Err(text) => {
            let mut errors = FieldErrors::default();
            errors.add("yaml", text);
            return Ok(draw(&page, shown(&values, &errors, seen, Html::empty())));
        }
    };
    if values.has("try", "1") {
        let found = past::tried(&desk, &page, rule).await;
        values.set("try", "");
        let none = FieldErrors::default();
        return Ok(draw(&page, shown(&values, &none, seen, found)));
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
            let (errors, now) = refusal.beside(&desk, &page, about).await?;
            let again = shown(&values, &errors, now.unwrap_or(seen), Html::empty());
            Ok(draw(&page, again))
        }
    }
}
