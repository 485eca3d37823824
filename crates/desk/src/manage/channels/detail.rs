//! One channel: its settings without secrets, its health, a test message, its history.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use model::ChannelId;
use notice::model::{Channel, Health};
use notice::service;
use ui::{Action, Fact, FieldKind, Html, PageContext, PageHead, escape};
use web::{ApiError, Ctx, Role};

use super::list::{kind_title, state, state_mark};
use crate::manage::asked::Sent;
use crate::manage::sheet::{self, Press};
use crate::manage::{history, refusal};
use crate::{Desk, frame};

pub(super) async fn found(desk: &Desk, page: &PageContext, id: &str) -> Result<Channel, ApiError> {
    let id: ChannelId = web::path_id(id, "this channel")?;
    let found = service::channel(&mut desk.db.reader(), &desk.notices, id).await;
    found.map_err(|error| refusal::notice(page, error).into())
}

pub(super) async fn detail(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let channel = found(&desk, &page, &id).await?;
    let health = service::health(&mut desk.db.reader()).await;
    let health = health.map_err(|error| ApiError::from(refusal::notice(&page, error)))?;
    let health = health.into_iter().find(|one| one.channel == channel.id);
    let administers = ctx.has(Role::Administrator) && channel.retired_ms.is_none();
    let edit = Action::primary(
        page.t("manage.edit"),
        format!("/channels/{}/edit", channel.id),
    );
    let ledger = Action::plain(
        page.t("channel.to_ledger"),
        format!("/notices?channel={}", channel.id),
    );
    let head = PageHead {
        marks: state_mark(&page, state(&channel, health.as_ref())),
        actions: match administers {
            true => vec![ledger, edit],
            false => vec![ledger],
        },
        ..PageHead::new(&channel.name, kind_help(&page, &channel.kind))
    };
    let mut parts = Vec::new();
    if let Some(health) = health.as_ref().filter(|one| one.failing_since_ms > 0) {
        parts.push(failing(&page, health));
    }
    parts.push(sheet::panel("", settings(&page, &channel)));
    if ctx.has(Role::Operator) && channel.retired_ms.is_none() {
        parts.push(sheet::panel(
            page.t("channel.test"),
            test_form(&page, &channel),
        ));
    }
    parts.push(history::history(&desk, &page, ("channel", &channel.id.to_string())).await?);
    if administers {
        let retire = Press {
            to: &format!("/channels/{}/retire", channel.id),
            label: page.t("rule.retire"),
            confirm: page.t("channel.retire_confirm"),
            weight: "danger",
            values: &[],
        };
        parts.push(sheet::presses([retire.draw(&page)]));
    }
    Ok(sheet::sheet(&page, &head, &[sheet::stack(parts)], "").into_response())
}

fn kind_help(page: &PageContext, kind: &str) -> String {
    notify::by_kind(kind).map_or_else(String::new, |known| known.help(page.lang))
}

fn failing(page: &PageContext, health: &Health) -> Html {
    let since = i18n::date_time(health.failing_since_ms, &page.zone);
    let values: [(&str, &dyn std::fmt::Display); 3] = [
        ("since", &since),
        ("count", &health.failures),
        ("why", &health.last_error),
    ];
    sheet::banner(
        page.t("channel.failing"),
        &page.tf("channel.failing_text", &values),
    )
}

fn settings(page: &PageContext, channel: &Channel) -> Html {
    let mut facts = vec![Fact::text(
        page.t("channel.kind"),
        &kind_title(page, &channel.kind),
    )];
    let fields = notify::by_kind(&channel.kind).map(|kind| kind.fields());
    for field in fields.unwrap_or_default() {
        let value = channel.settings.get(&field.key);
        let shown = match (&field.kind, value.is_empty()) {
            (_, true) => continue,
            (FieldKind::Secret, false) => page.t("channel.secret_set").to_owned(),
            (FieldKind::Select(choices), false) => {
                let chosen = choices.iter().find(|choice| choice.value == value);
                chosen
                    .map_or(value, |choice| page.t(&choice.label))
                    .to_owned()
            }
            _ => value.to_owned(),
        };
        facts.push(Fact::text(page.t(&field.label), &shown));
    }
    facts.push(Fact::text(
        page.t("channel.per_minute"),
        &channel.per_minute.to_string(),
    ));
    ui::facts(&facts)
}

fn test_form(page: &PageContext, channel: &Channel) -> Html {
    let label = escape(page.t("channel.test_address"));
    Html::trusted(format!(
        "<p class=\"muted\">{}</p><form method=\"post\" action=\"/channels/{}/test\" \
         class=\"actions\">{}<input type=\"text\" name=\"address\" aria-label=\"{label}\" \
         placeholder=\"{label}\"><button class=\"button primary\">{}</button></form>",
        escape(page.t("channel.test_text")),
        channel.id,
        page.csrf_field(),
        escape(page.t("channel.test_send"))
    ))
}

pub(super) async fn test(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let id: ChannelId = web::path_id(&id, "this channel")?;
    let zone = ctx.actor()?.time_zone.clone();
    let zone = zone.unwrap_or_else(|| desk.time_zone.clone());
    let whom = (sent.0.get("address"), page.lang, zone.as_str());
    let done = service::test_send(&desk.db, &desk.notices, id, whom).await;
    let done = done.map_err(|error| refusal::notice(&page, error));
    let to = format!("/channels/{id}");
    refusal::settle(&ctx, &page, &to, (done, page.t("channel.test_done")))
}

pub(super) async fn retire(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let id: ChannelId = web::path_id(&id, "this channel")?;
    let done = service::retire_channel(&desk.db, &desk.notices, id, ctx.who()).await;
    let done = done.map_err(|error| refusal::notice(&page, error));
    refusal::settle(&ctx, &page, "/channels", (done, page.t("channel.retired")))
}
