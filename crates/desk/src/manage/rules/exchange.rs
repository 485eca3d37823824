//! Rules as files: exported, and imported after a look at what would change.

use axum::extract::State;
use axum::response::Response;
use ui::{Field, FieldErrors, FieldKind, FormSection, FormValues, Html, PageContext, PageHead};
use watch::{Applied, ApplyOptions, By, read_rules, write_rules};
use web::{ApiError, Ctx, Flash};

use super::{document, list};
use crate::manage::asked::Sent;
use crate::manage::listing::file;
use crate::manage::refusal::Refusal;
use crate::manage::sheet::{self, Sheet};
use crate::manage::{fields, refusal};
use crate::{Desk, frame};

pub(super) async fn export(State(desk): State<Desk>) -> Result<Response, ApiError> {
    let rules: Vec<_> = list::all(&desk)
        .await?
        .into_iter()
        .map(|record| record.rule)
        .collect();
    let text = write_rules(&rules).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(file(
        "bongsu-rules.yaml",
        "application/yaml; charset=utf-8",
        text,
    ))
}

fn form_fields() -> [Field; 4] {
    [
        Field::new("yaml", "rule.document", fields::code(24))
            .required()
            .hint("rule.import_hint"),
        Field::new("prune", "rule.prune", FieldKind::Bool).hint("rule.prune_hint"),
        Field::new("why", "manage.why", FieldKind::Text).hint("manage.why_hint"),
        Field::new("apply", "rule.apply", FieldKind::Bool).hint("rule.apply_hint"),
    ]
}

fn draw(
    page: &PageContext,
    (values, errors): (&FormValues, &FieldErrors),
    above: Html,
) -> Response {
    let fields = form_fields();
    let sections = [FormSection {
        title: "",
        intro: "",
        fields: &fields,
    }];
    let sheet = Sheet {
        head: PageHead {
            tabs: super::new_tabs(page, "/rules/import"),
            ..PageHead::new(page.t("rule.import"), page.t("rule.import_text"))
        },
        action: "/rules/import",
        sections: &sections,
        cancel: "/rules",
        submit: "rule.import_go",
        revision: 0,
        above,
        below: Html::empty(),
    };
    sheet.draw(page, values, errors)
}

pub(super) async fn form(ctx: Ctx, State(desk): State<Desk>) -> Response {
    let page = frame::page(&desk, &ctx);
    let nothing = (&FormValues::default(), &FieldErrors::default());
    draw(&page, nothing, Html::empty())
}

pub(super) async fn import(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let mut values = sent.0;
    let text = values.get("yaml").to_owned();
    let rules = match read_rules("rules.yaml", &text) {
        Ok(file) => file.rules,
        Err(error) => {
            let mut errors = FieldErrors::default();
            errors.add("yaml", document::placed(&page, (&text, &error)));
            return Ok(draw(&page, (&values, &errors), Html::empty()));
        }
    };
    let apply = values.has("apply", "1");
    let options = ApplyOptions {
        dry_run: !apply,
        prune: values.has("prune", "1"),
    };
    let by = By {
        actor: ctx.who(),
        why: values.get("why"),
    };
    match desk.watch.apply_rules(rules, options, by).await {
        Ok(applied) if apply => {
            let count = applied.created.len() + applied.changed.len() + applied.retired.len();
            let done = page.tf("rule.imported", &[("count", &count)]);
            Ok(frame::done(&ctx, "/rules", &Flash::done(done)))
        }
        Ok(applied) => {
            values.set("apply", "");
            let preview = preview(&page, &applied);
            Ok(draw(&page, (&values, &FieldErrors::default()), preview))
        }
        Err(error) => match refusal::watch(&page, error) {
            Refusal::Fields(errors) => Ok(draw(&page, (&values, &errors), Html::empty())),
            other => Err(other.into()),
        },
    }
}

fn preview(page: &PageContext, applied: &Applied) -> Html {
    let mut rows: Vec<Vec<Html>> = Vec::new();
    let mut row = |key: &str, rule: &str, what: [String; 3]| {
        let [field, before, after] = what;
        rows.push(vec![
            sheet::chip(page.t(key)),
            sheet::code(rule),
            sheet::code(&field),
            Html::text(&before),
            Html::text(&after),
        ]);
    };
    for key in &applied.created {
        row("rule.will_create", key, Default::default());
    }
    for (key, changes) in &applied.changed {
        for change in changes {
            let what = [
                change.what.clone(),
                change.before.clone(),
                change.after.clone(),
            ];
            row("rule.will_change", key, what);
        }
    }
    for key in &applied.retired {
        row("rule.will_retire", key, Default::default());
    }
    let unchanged = applied.unchanged.len();
    let count = page.tf("rule.unchanged", &[("count", &unchanged)]);
    let title = page.t("rule.preview");
    if rows.is_empty() {
        return sheet::panel(title, sheet::muted(&count));
    }
    let titles = [
        "rule.what",
        "rule.key",
        "manage.field",
        "manage.before",
        "manage.after",
    ];
    let table = sheet::grid(&titles.map(|key| page.t(key)), &rows);
    sheet::panel(title, [sheet::muted(&count), table].into_iter().collect())
}
