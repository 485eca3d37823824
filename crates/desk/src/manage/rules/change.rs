//! Switching rules on and off, going back to what ships, retiring; one by one and many at once.

use axum::extract::{Path, State};
use axum::response::Response;
use model::RuleId;
use ui::PageContext;
use watch::{By, WatchError};
use web::{ApiError, Ctx};

use crate::manage::asked::Sent;
use crate::manage::refusal;
use crate::{Desk, frame};

/// The version that the presser saw.
fn seen(sent: &Sent) -> Option<i64> {
    Some(sent.revision()).filter(|version| *version > 0)
}

fn end<T>(
    ctx: &Ctx,
    page: &PageContext,
    to: &str,
    (done, said): (Result<T, WatchError>, &str),
) -> Result<Response, ApiError> {
    let done = done.map_err(|error| refusal::watch(page, error));
    refusal::settle(ctx, page, to, (done, page.t(said)))
}

async fn switch((ctx, desk): (Ctx, Desk), id: &str, enabled: bool) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let id: RuleId = web::path_id(id, "this rule")?;
    let by = By {
        actor: ctx.who(),
        why: "",
    };
    let done = desk.watch.enable_rules(&[id], enabled, by).await;
    let said = if enabled {
        "rule.enabled"
    } else {
        "rule.disabled"
    };
    end(&ctx, &page, &super::href(id), (done, said))
}

pub(super) async fn enable(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    switch((ctx, desk), &id, true).await
}

pub(super) async fn disable(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    switch((ctx, desk), &id, false).await
}

pub(super) async fn revert(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let id: RuleId = web::path_id(&id, "this rule")?;
    let by = By {
        actor: ctx.who(),
        why: "",
    };
    let done = desk.watch.revert_rule((id, seen(&sent)), by).await;
    end(&ctx, &page, &super::href(id), (done, "rule.reverted"))
}

pub(super) async fn retire(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let id: RuleId = web::path_id(&id, "this rule")?;
    let by = By {
        actor: ctx.who(),
        why: "",
    };
    let done = desk.watch.retire_rule((id, seen(&sent)), by).await;
    let to = if done.is_ok() {
        "/rules".to_owned()
    } else {
        super::href(id)
    };
    end(&ctx, &page, &to, (done, "rule.retired_done"))
}

pub(super) async fn bulk(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let ids: Vec<RuleId> = sent.ids("this rule")?;
    let by = By {
        actor: ctx.who(),
        why: sent.0.get("comment"),
    };
    let done = match sent.0.get("action") {
        "enable" => desk.watch.enable_rules(&ids, true, by).await,
        "disable" => desk.watch.enable_rules(&ids, false, by).await,
        "retire" => retire_many(&desk, &ids, by).await,
        _ => {
            return Err(ApiError::bad_request(
                "bad_action",
                "enable, disable or retire",
            ));
        }
    };
    let count = *done.as_ref().unwrap_or(&0);
    let said = page.tf("rule.changed_many", &[("count", &count)]);
    let done = done.map_err(|error| refusal::watch(&page, error));
    refusal::settle(&ctx, &page, "/rules", (done, &said))
}

async fn retire_many(desk: &Desk, ids: &[RuleId], by: By<'_>) -> Result<usize, WatchError> {
    for id in ids {
        desk.watch.retire_rule((*id, None), by).await?;
    }
    Ok(ids.len())
}
