//! Making and changing a channel: the form is drawn from what its kind asks for.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use model::ChannelId;
use notice::model::{Channel, PER_MINUTE_DEFAULT};
use notice::service::{self, ChannelEdit};
use notify::Settings;
use ui::{
    Action, Choice, Field, FieldErrors, FieldKind, FormSection, FormValues, Html, PageContext,
    PageHead,
};
use web::{ApiError, Ctx, Flash};

use super::detail::found;
use crate::manage::asked::Sent;
use crate::manage::sheet::{self, Sheet};
use crate::manage::{fields, refusal};
use crate::{Desk, frame};

/// Settings and our own fields share one form: theirs go behind this.
const PREFIX: &str = "set_";

/// The fields of a kind, each behind [`PREFIX`].
fn kind_fields(kind: &dyn notify::Channel) -> Vec<Field> {
    let prefixed = |field: Field| Field {
        key: format!("{PREFIX}{}", field.key).into(),
        ..field
    };
    kind.fields().into_iter().map(prefixed).collect()
}

async fn own_fields(
    desk: &Desk,
    page: &PageContext,
    except: Option<ChannelId>,
) -> Result<(Vec<Field>, Vec<Field>), ApiError> {
    let all = service::channels(&mut desk.db.reader(), &desk.notices).await;
    let all = all.map_err(|error| ApiError::from(refusal::notice(page, error)))?;
    let others = all
        .into_iter()
        .filter(|one| one.is_usable() && Some(one.id) != except)
        .map(|one| Choice::owned(one.id.to_string(), one.name));
    let about = vec![
        Field::new("name", "channel.name", FieldKind::Text).required(),
        Field::new("enabled", "rule.enabled_now", FieldKind::Bool),
    ];
    let more = vec![
        Field::new(
            "fallback",
            "channel.fallback",
            fields::select(others.collect()),
        )
        .hint("channel.fallback_hint"),
        Field::new(
            "per_minute",
            "channel.per_minute",
            FieldKind::Integer { min: 1, max: 1_000 },
        )
        .required()
        .hint("channel.per_minute_hint"),
    ];
    Ok((about, more))
}

/// What a form is drawn with.
struct Shown<'a> {
    kind: &'static dyn notify::Channel,
    known: Option<&'a Channel>,
    values: &'a FormValues,
    errors: &'a FieldErrors,
    revision: i64,
}

async fn draw(desk: &Desk, page: &PageContext, shown: Shown<'_>) -> Result<Response, ApiError> {
    let id = shown.known.map(|known| known.id);
    let (about, more) = own_fields(desk, page, id).await?;
    let settings = kind_fields(shown.kind);
    let title = shown.kind.title(page.lang);
    let section = |title, fields| FormSection {
        title,
        intro: "",
        fields,
    };
    let sections = [
        section("", &about[..]),
        section(&title, &settings),
        section("channel.delivery", &more),
    ];
    let (action, cancel) = match id {
        None => (
            format!("/channels/new/{}", shown.kind.kind()),
            "/channels".to_owned(),
        ),
        Some(id) => (format!("/channels/{id}/edit"), format!("/channels/{id}")),
    };
    let head = match shown.known {
        None => page.tf("channel.add_kind", &[("kind", &title)]),
        Some(known) => known.name.clone(),
    };
    let sheet = Sheet {
        head: PageHead::new(head, shown.kind.help(page.lang)),
        action: &action,
        sections: &sections,
        cancel: &cancel,
        submit: "manage.save",
        revision: shown.revision,
        above: Html::empty(),
        below: Html::empty(),
    };
    Ok(sheet.draw(page, shown.values, shown.errors))
}

/// First of all: of which kind?
pub(super) async fn choose(ctx: Ctx, State(desk): State<Desk>) -> Response {
    let page = frame::page(&desk, &ctx);
    let head = PageHead::new(page.t("channel.add"), page.t("channel.choose"));
    let cards: Html = notify::ALL
        .iter()
        .map(|kind| {
            let href = format!("/channels/new/{}", kind.kind());
            let body = [
                sheet::muted(&kind.help(page.lang)),
                Action::plain(page.t("list.next"), href).draw(),
            ];
            sheet::panel(&kind.title(page.lang), sheet::stack(body))
        })
        .collect();
    sheet::sheet(&page, &head, &[sheet::stack([cards])], "narrow").into_response()
}

fn kind_of(kind: &str) -> Result<&'static dyn notify::Channel, ApiError> {
    notify::by_kind(kind).ok_or_else(|| ApiError::not_found("this kind of channel"))
}

pub(super) async fn new(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(kind): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let mut values = FormValues::default();
    values.set("enabled", "1");
    values.set("per_minute", PER_MINUTE_DEFAULT.to_string());
    let shown = Shown {
        kind: kind_of(&kind)?,
        known: None,
        values: &values,
        errors: &FieldErrors::default(),
        revision: 0,
    };
    draw(&desk, &page, shown).await
}

pub(super) async fn edit(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let known = found(&desk, &page, &id).await?;
    let kind = kind_of(&known.kind)?;
    let mut values = FormValues::default();
    values.set("name", known.name.as_str());
    values.set("enabled", if known.enabled { "1" } else { "" });
    values.set("per_minute", known.per_minute.to_string());
    let fallback = known.fallback.map(|id| id.to_string());
    values.set("fallback", fallback.unwrap_or_default());
    for field in kind.fields() {
        let value = known.settings.get(&field.key);
        // A secret never leaves: the form only learns that there is one.
        let shown = match (&field.kind, value.is_empty()) {
            (FieldKind::Secret, false) => "set",
            _ => value,
        };
        values.set(format!("{PREFIX}{}", field.key), shown);
    }
    let shown = Shown {
        kind,
        known: Some(&known),
        values: &values,
        errors: &FieldErrors::default(),
        revision: known.version,
    };
    draw(&desk, &page, shown).await
}

pub(super) async fn create(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(kind): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    keep((ctx, desk), (kind_of(&kind)?, None), sent).await
}

pub(super) async fn save(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let known = found(&desk, &page, &id).await?;
    keep((ctx, desk), (kind_of(&known.kind)?, Some(known)), sent).await
}

async fn keep(
    (ctx, desk): (Ctx, Desk),
    (kind, known): (&'static dyn notify::Channel, Option<Channel>),
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let (seen, values) = (sent.revision(), sent.0);
    let mut revision = seen;
    let (about, more) = own_fields(&desk, &page, known.as_ref().map(|one| one.id)).await?;
    let settings = kind_fields(kind);
    let asked: Vec<Field> = [about, settings.clone(), more]
        .into_iter()
        .flatten()
        .collect();
    let mut errors = ui::check(page.lang, &asked, &values);
    if errors.is_empty() {
        let given = settings.iter().map(|field| {
            let key = field.key.strip_prefix(PREFIX).unwrap_or(&field.key);
            (key.to_owned(), values.get(&field.key).to_owned())
        });
        let edit = ChannelEdit {
            name: values.get("name").to_owned(),
            enabled: values.has("enabled", "1"),
            settings: Settings::new(given),
            fallback: values.get("fallback").parse().ok(),
            per_minute: values
                .get("per_minute")
                .parse()
                .unwrap_or(PER_MINUTE_DEFAULT),
        };
        let context = &desk.notices;
        let saved = match &known {
            None => service::create_channel(&desk.db, context, kind.kind(), edit, ctx.who()).await,
            Some(known) => {
                let id = (known.id, seen);
                service::edit_channel(&desk.db, context, id, edit, ctx.who()).await
            }
        };
        let error = match saved {
            Ok(channel) => {
                let done = Flash::done(page.t("channel.saved"));
                return Ok(frame::done(
                    &ctx,
                    &format!("/channels/{}", channel.id),
                    &done,
                ));
            }
            Err(error) => error,
        };
        let id = known
            .as_ref()
            .map_or_else(String::new, |known| known.id.to_string());
        let refused = refusal::notice(&page, error);
        let (wrong, now) = refused.beside(&desk, &page, ("channel", &id)).await?;
        errors = beside_settings(&settings, &wrong);
        revision = now.unwrap_or(seen);
    }
    let shown = Shown {
        kind,
        known: known.as_ref(),
        values: &hide_secrets(&settings, (values, known.as_ref())),
        errors: &errors,
        revision,
    };
    draw(&desk, &page, shown).await
}

/// Errors of settings stand beside the fields of the form.
fn beside_settings(settings: &[Field], wrong: &FieldErrors) -> FieldErrors {
    let mut errors = FieldErrors::default();
    for (key, text) in wrong.iter() {
        let own = format!("{PREFIX}{key}");
        let is_setting = settings.iter().any(|field| field.key == own);
        errors.add(if is_setting { own } else { key.to_owned() }, text);
    }
    errors
}

/// What was typed as a secret is not sent back; the form says whether one is kept.
fn hide_secrets(
    settings: &[Field],
    (mut values, known): (FormValues, Option<&Channel>),
) -> FormValues {
    for field in settings
        .iter()
        .filter(|field| field.kind == FieldKind::Secret)
    {
        let key = field.key.strip_prefix(PREFIX).unwrap_or(&field.key);
        let kept = known.is_some_and(|known| !known.settings.get(key).is_empty());
        values.set(field.key.to_string(), if kept { "set" } else { "" });
    }
    values
}
