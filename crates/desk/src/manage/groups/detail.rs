//! One group: its members, the rules that name it, its overrides and watched things.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use model::{CiId, GroupId};
use ui::{Action, Fact, Html, PageContext, PageHead};
use watch::{By, For, Group, OverrideFilter, RuleFilter};
use web::{ApiError, Ctx, Role};

use super::list::said;
use crate::manage::asked::Sent;
use crate::manage::sheet::{self, Press};
use crate::manage::{history, hosts, overrides, refusal, watched};
use crate::{Desk, frame};

/// Members shown by name; the rest is counted.
const SHOWN_MAX: usize = 200;

pub(super) async fn found(desk: &Desk, id: &str) -> Result<Group, ApiError> {
    let id: GroupId = web::path_id(id, "this group")?;
    Ok(desk.watch.group(id).await?)
}

pub(super) async fn detail(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let group = found(&desk, &id).await?;
    let administers = ctx.has(Role::Administrator) && group.retired_ms.is_none();
    let edit = Action::primary(page.t("manage.edit"), format!("/groups/{}/edit", group.id));
    let head = PageHead {
        actions: if administers { vec![edit] } else { Vec::new() },
        ..PageHead::new(&group.name, &group.note)
    };
    let members = desk.driver.members(&group.selector).unwrap_or_default();
    let about = [
        Fact::text(page.t("member.selector"), &said(&page, &group.selector)),
        Fact::text(page.t("member.hosts"), &page.count(&members.len())),
        Fact::html(page.t("manage.updated"), page.ago(group.updated_ms)),
        Fact::text(page.t("manage.by"), &group.updated_by),
    ];
    let whom = Some(For::Group(group.id));
    let filter = OverrideFilter {
        whom,
        limit: 100,
        ..OverrideFilter::default()
    };
    let found = desk.watch.overrides(&filter).await?;
    let operates = ctx.has(Role::Operator);
    let add = format!("/overrides/new?group={}", group.id);
    let things = desk.watch.watched(whom, false).await?;
    let add_thing = format!("/watched/new?group={}", group.id);
    let mut parts = vec![
        sheet::panel("", ui::facts(&about)),
        sheet::panel(page.t("member.hosts"), names(&desk, &page, &members)),
        sheet::panel(page.t("member.rules"), rules(&desk, &page, &group).await?),
        overrides::panel(&desk, &page, (&found, operates.then_some(add.as_str()))).await?,
        watched::panel(&page, (&things, operates.then_some(add_thing.as_str()))),
        history::history(&desk, &page, ("group", &group.id.to_string())).await?,
    ];
    if administers {
        let retire = Press {
            to: &format!("/groups/{}/retire", group.id),
            label: page.t("rule.retire"),
            confirm: page.t("member.retire_confirm"),
            weight: "danger",
            values: &[("revision", &group.version.to_string())],
        };
        parts.push(sheet::presses([retire.draw(&page)]));
    }
    Ok(sheet::sheet(&page, &head, &[sheet::stack(parts)], "").into_response())
}

/// Hosts as tags that lead to them.
pub(super) fn names(desk: &Desk, page: &PageContext, members: &[CiId]) -> Html {
    if members.is_empty() {
        return sheet::muted(page.t("member.empty"));
    }
    let tags: Vec<ui::Tag> = members
        .iter()
        .take(SHOWN_MAX)
        .map(|ci| ui::Tag {
            text: hosts::name(desk, *ci),
            href: hosts::href(*ci),
        })
        .collect();
    let more = members.len().saturating_sub(SHOWN_MAX);
    let rest = match more {
        0 => Html::empty(),
        more => sheet::muted(&page.tf("member.more", &[("count", &more)])),
    };
    [ui::tags(&tags), rest].into_iter().collect()
}

async fn rules(desk: &Desk, page: &PageContext, group: &Group) -> Result<Html, ApiError> {
    let filter = RuleFilter {
        limit: model::limits::PAGE_ROWS_MAX,
        ..RuleFilter::default()
    };
    let tags: Vec<ui::Tag> = desk
        .watch
        .rules(&filter)
        .await?
        .into_iter()
        .filter(|record| record.rule.scope.groups.contains(&group.name))
        .map(|record| ui::Tag {
            text: record.rule.title.get(page.lang).to_owned(),
            href: format!("/rules/{}", record.id),
        })
        .collect();
    Ok(match tags.is_empty() {
        true => sheet::muted(page.t("member.no_rules")),
        false => ui::tags(&tags),
    })
}

pub(super) async fn retire(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let id: GroupId = web::path_id(&id, "this group")?;
    let by = By {
        actor: ctx.who(),
        why: "",
    };
    let done = desk
        .watch
        .retire_group((id, Some(sent.revision())), by)
        .await;
    let to = match done.is_ok() {
        true => "/groups".to_owned(),
        false => format!("/groups/{id}"),
    };
    let done = done.map_err(|error| refusal::watch(&page, error));
    refusal::settle(&ctx, &page, &to, (done, page.t("member.retired")))
}
