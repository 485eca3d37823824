//! Adding and changing a watched thing.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use model::WatchedId;
use ui::{Field, FieldErrors, FieldKind, FormSection, FormValues, Html, ListQuery, PageContext};
use ui::{PageHead, escape};
use watch::{By, Watched, WatchedEdit};
use web::{ApiError, Ctx, Flash, Role};

use super::kinds;
use crate::manage::asked::{Asked, Sent};
use crate::manage::sheet::{self, Sheet};
use crate::manage::{fields, history, hosts, refusal, whom};
use crate::{Desk, frame};

/// The kind that runs a program.
const CHECK: &str = "check";

fn about() -> [Field; 2] {
    [
        Field::new("name", "watched.name", FieldKind::Text)
            .required()
            .hint("watched.name_hint"),
        Field::new("enabled", "rule.enabled_now", FieldKind::Bool),
    ]
}

/// What a form is drawn with.
struct Shown<'a> {
    kind: &'a str,
    known: Option<&'a Watched>,
    values: &'a FormValues,
    errors: &'a FieldErrors,
    revision: i64,
    below: Html,
}

async fn draw(desk: &Desk, page: &PageContext, shown: Shown<'_>) -> Result<Response, ApiError> {
    let (about, how) = (about(), kinds::fields(shown.kind));
    let whom = whom::whom_fields(fields::group_ids(desk).await?);
    let section = |title, intro, fields| FormSection {
        title,
        intro,
        fields,
    };
    let sections = [
        section("", "", &about[..]),
        section("watched.how", "", &how),
        section("watched.where", "watched.where_text", &whom),
    ];
    let action = match shown.known {
        None => format!("/watched/new/{}", shown.kind),
        Some(known) => format!("/watched/{}", known.id),
    };
    let kind = page.tk("watched.kind_", shown.kind);
    let title = match shown.known {
        None => page.tf("watched.add_kind", &[("kind", &kind)]),
        Some(known) => format!("{kind}: {}", known.name),
    };
    let sheet = Sheet {
        head: PageHead::new(title, page.tk("watched.help_", shown.kind)),
        action: &action,
        sections: &sections,
        cancel: "/watched",
        submit: "manage.save",
        revision: shown.revision,
        above: hosts::suggested(desk),
        below: shown.below,
    };
    Ok(sheet.draw(page, shown.values, shown.errors))
}

/// First of all: of which kind?
pub(super) async fn choose(ctx: Ctx, State(desk): State<Desk>, Asked(query): Asked) -> Response {
    let page = frame::page(&desk, &ctx);
    let head = PageHead::new(page.t("watched.add"), page.t("watched.choose"));
    let administers = ctx.has(Role::Administrator);
    let cards: Html = kinds::KINDS
        .into_iter()
        .filter(|kind| *kind != CHECK || administers)
        .map(|kind| {
            let asked: Vec<String> = query
                .except(&[])
                .map(|(name, value)| format!("{}={}", ui::encode(name), ui::encode(value)))
                .collect();
            let href = format!("/watched/new/{kind}?{}", asked.join("&"));
            let title = page.tk("watched.kind_", kind);
            let body = [
                sheet::muted(&page.tk("watched.help_", kind)),
                Html::trusted(format!(
                    "<a class=\"button\" href=\"{}\">{}</a>",
                    escape(&href),
                    escape(page.t("list.next"))
                )),
            ];
            sheet::panel(&title, sheet::stack(body))
        })
        .collect();
    sheet::sheet(&page, &head, &[sheet::stack([cards])], "narrow").into_response()
}

async fn blank(
    (ctx, desk): (Ctx, Desk),
    kind: &str,
    query: &ListQuery,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    if !kinds::KINDS.contains(&kind) {
        return Err(ApiError::not_found("this kind"));
    }
    let mut values = FormValues::default();
    kinds::blank(&mut values);
    whom::fill_asked(&desk, query, &mut values);
    for key in ["name", "unit", "path", "pattern"] {
        if !query.get(key).is_empty() {
            values.set(key, query.get(key));
        }
    }
    let shown = Shown {
        kind,
        known: None,
        values: &values,
        errors: &FieldErrors::default(),
        revision: 0,
        below: Html::empty(),
    };
    draw(&desk, &page, shown).await
}

pub(super) async fn new(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(kind): Path<String>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    blank((ctx, desk), &kind, &query).await
}

pub(super) async fn new_check(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    blank((ctx, desk), CHECK, &query).await
}

pub(super) async fn edit(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let id: WatchedId = web::path_id(&id, "this watched thing")?;
    let known = desk.watch.watched_by_id(id).await?;
    let mut values = FormValues::default();
    values.set("name", known.name.as_str());
    values.set("enabled", if known.enabled { "1" } else { "" });
    kinds::fill(&known.what, &mut values);
    whom::fill(&desk, known.whom, &mut values);
    let shown = Shown {
        kind: known.what.name(),
        known: Some(&known),
        values: &values,
        errors: &FieldErrors::default(),
        revision: known.version,
        below: history::history(&desk, &page, ("watched", &id.to_string())).await?,
    };
    draw(&desk, &page, shown).await
}

pub(super) async fn create(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(kind): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    keep((ctx, desk), (&kind, None), sent).await
}

pub(super) async fn create_check(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    keep((ctx, desk), (CHECK, None), sent).await
}

pub(super) async fn save(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let id: WatchedId = web::path_id(&id, "this watched thing")?;
    let known = desk.watch.watched_by_id(id).await?;
    let kind = known.what.name();
    if kind == CHECK && !ctx.has(Role::Administrator) {
        return Err(ApiError::forbidden(
            "only an administrator changes a check command",
        ));
    }
    keep((ctx, desk), (kind, Some(known)), sent).await
}

async fn keep(
    (ctx, desk): (Ctx, Desk),
    (kind, known): (&str, Option<Watched>),
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let (seen, values) = (sent.revision(), sent.0);
    let mut revision = seen;
    let mut asked = kinds::fields(kind);
    asked.extend(about());
    let mut errors = ui::check(page.lang, &asked, &values);
    let whom = whom::read(&desk, &page, &values, &mut errors);
    let what = kinds::read(kind, &values).ok_or_else(|| ApiError::not_found("this kind"))?;
    if let (Some(whom), true) = (whom, errors.is_empty()) {
        let edit = WatchedEdit {
            name: values.get("name").to_owned(),
            what,
            whom,
            enabled: values.has("enabled", "1"),
        };
        let by = By {
            actor: ctx.who(),
            why: "",
        };
        let saved = match &known {
            None => desk.watch.create_watched(vec![edit], by).await.map(drop),
            Some(known) => {
                let id = (known.id, Some(seen));
                desk.watch.update_watched(id, edit, by).await.map(drop)
            }
        };
        let Err(error) = saved else {
            let done = Flash::done(page.t("watched.saved"));
            return Ok(frame::done(&ctx, "/watched", &done));
        };
        let id = known
            .as_ref()
            .map_or_else(String::new, |known| known.id.to_string());
        let refused = refusal::watch(&page, error);
        let (wrong, now) = refused.beside(&desk, &page, ("watched", &id)).await?;
        errors = wrong;
        revision = now.unwrap_or(seen);
    }
    let shown = Shown {
        kind,
        known: known.as_ref(),
        values: &values,
        errors: &errors,
        revision,
        below: Html::empty(),
    };
    draw(&desk, &page, shown).await
}
