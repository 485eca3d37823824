//! Making and changing a group, and who would belong to it.

use axum::extract::{Path, State};
use axum::response::Response;
use model::Selector;
use ui::{Field, FieldErrors, FieldKind, FormSection, FormValues, Html, PageContext, PageHead};
use watch::{By, Group, GroupEdit, GroupSelector};
use web::{ApiError, Ctx, Flash};

use super::detail::{found, names};
use crate::manage::asked::{Asked, Sent};
use crate::manage::sheet::{self, Sheet};
use crate::manage::{fields, refusal};
use crate::{Desk, frame};

/// The preview follows the form as it is written.
const FOLLOW: &str = "load, input from:form.form delay:400ms";

fn form_fields() -> [Field; 6] {
    [
        Field::new("name", "member.name", FieldKind::Text).required(),
        Field::new("note", "member.note", fields::lines(2)),
        Field::new("names", "member.names", FieldKind::List)
            .hint("member.names_hint")
            .example("web*"),
        Field::new("os", "rule.scope_os", FieldKind::Text).example("linux"),
        Field::new("labels", "rule.scope_labels", FieldKind::Text)
            .hint("member.labels_hint")
            .example("{env=\"prod\",role=~\"web|was\"}"),
        Field::new("except", "member.except", FieldKind::List).example("web-test*"),
    ]
}

fn draw(
    page: &PageContext,
    known: Option<&Group>,
    (values, errors, revision): (&FormValues, &FieldErrors, i64),
) -> Response {
    let fields = form_fields();
    let (about, who) = fields.split_at(2);
    let sections = [
        FormSection {
            title: "",
            intro: "",
            fields: about,
        },
        FormSection {
            title: "member.selector",
            intro: "member.selector_text",
            fields: who,
        },
    ];
    let action = known.map_or_else(
        || "/groups/new".to_owned(),
        |group| format!("/groups/{}/edit", group.id),
    );
    let cancel = known.map_or_else(
        || "/groups".to_owned(),
        |group| format!("/groups/{}", group.id),
    );
    let title = known.map_or(page.t("member.add"), |group| group.name.as_str());
    let sheet = Sheet {
        head: PageHead::new(title, page.t("member.intro")),
        action: &action,
        sections: &sections,
        cancel: &cancel,
        submit: "manage.save",
        revision,
        above: Html::empty(),
        below: sheet::panel(
            page.t("member.preview"),
            sheet::fetched("/groups/preview", FOLLOW, "form.form"),
        ),
    };
    sheet.draw(page, values, errors)
}

fn selector(page: &PageContext, values: &FormValues, errors: &mut FieldErrors) -> GroupSelector {
    let os = values.get("os").split(',').map(str::trim);
    let labels = values.get("labels");
    let labels = match labels.is_empty() {
        true => None,
        false => match Selector::parse(labels) {
            Ok(selector) => Some(selector),
            Err(error) => {
                errors.add("labels", page.tf("rule.bad_selector", &[("why", &error)]));
                None
            }
        },
    };
    GroupSelector {
        names: values.lines("names"),
        os: os.filter(|os| !os.is_empty()).map(str::to_owned).collect(),
        labels,
        except: values.lines("except"),
    }
}

pub(super) async fn preview(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Html, ApiError> {
    let page = frame::page(&desk, &ctx);
    let mut errors = FieldErrors::default();
    let selector = selector(&page, &sent.0, &mut errors);
    if let Some((_, text)) = errors.iter().next() {
        return Ok(sheet::say(text));
    }
    if selector.names.is_empty() && selector.os.is_empty() && selector.labels.is_none() {
        return Ok(sheet::muted(page.t("refused.field_selector")));
    }
    match desk.driver.members(&selector) {
        Ok(members) => {
            let count = page.tf("member.count", &[("count", &members.len())]);
            let list = names(&desk, &page, &members);
            Ok([sheet::say(&count), list].into_iter().collect())
        }
        Err(error) => Ok(sheet::say(&page.tf("refused.regex", &[("why", &error)]))),
    }
}

pub(super) async fn new(ctx: Ctx, State(desk): State<Desk>, Asked(query): Asked) -> Response {
    let page = frame::page(&desk, &ctx);
    let mut values = FormValues::default();
    for key in ["names", "labels", "os"] {
        values.set(key, query.get(key));
    }
    draw(&page, None, (&values, &FieldErrors::default(), 0))
}

pub(super) async fn edit(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let group = found(&desk, &id).await?;
    let mut values = FormValues::default();
    let labels = group.selector.labels.as_ref().map(ToString::to_string);
    for (key, value) in [
        ("name", group.name.clone()),
        ("note", group.note.clone()),
        ("names", group.selector.names.join("\n")),
        ("os", group.selector.os.join(", ")),
        ("labels", labels.unwrap_or_default()),
        ("except", group.selector.except.join("\n")),
    ] {
        values.set(key, value);
    }
    let none = FieldErrors::default();
    Ok(draw(&page, Some(&group), (&values, &none, group.version)))
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
    let group = found(&desk, &id).await?;
    keep((ctx, desk), Some(group), sent).await
}

async fn keep(
    (ctx, desk): (Ctx, Desk),
    known: Option<Group>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let (seen, values) = (sent.revision(), sent.0);
    let mut errors = ui::check(page.lang, &form_fields(), &values);
    let selector = selector(&page, &values, &mut errors);
    if !errors.is_empty() {
        return Ok(draw(&page, known.as_ref(), (&values, &errors, seen)));
    }
    let edit = GroupEdit {
        name: values.get("name").to_owned(),
        note: values.get("note").to_owned(),
        selector,
    };
    let by = By {
        actor: ctx.who(),
        why: "",
    };
    let saved = match &known {
        None => desk.watch.create_group(edit, by).await,
        Some(group) => {
            desk.watch
                .update_group((group.id, Some(seen)), edit, by)
                .await
        }
    };
    match saved {
        Ok(group) => {
            let done = Flash::done(page.t("manage.saved"));
            Ok(frame::done(&ctx, &format!("/groups/{}", group.id), &done))
        }
        Err(error) => {
            let id = known
                .as_ref()
                .map_or_else(String::new, |group| group.id.to_string());
            let refused = refusal::watch(&page, error);
            let (errors, now) = refused.beside(&desk, &page, ("group", &id)).await?;
            let shown = (&values, &errors, now.unwrap_or(seen));
            Ok(draw(&page, known.as_ref(), shown))
        }
    }
}
