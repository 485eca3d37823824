//! One agent: what it is, what it warns of, and sending it away.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use db::Tx;
use fleet::AgentRow;
use model::AgentId;
use ui::{Action, Fact, Html, PageContext, PageHead};
use web::{ApiError, Ctx, Role};

use super::list;
use crate::manage::refusal::Refusal;
use crate::manage::sheet::{self, Press};
use crate::manage::{hosts, refusal};
use crate::{Desk, frame};

async fn found(desk: &Desk, id: &str) -> Result<AgentRow, ApiError> {
    let id: AgentId = web::path_id(id, "this agent")?;
    let rows = desk.fleet.agents().await.map_err(refusal::store)?;
    let row = rows.into_iter().find(|row| row.id == id);
    row.ok_or_else(|| ApiError::not_found("this agent"))
}

pub(super) async fn detail(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let row = found(&desk, &id).await?;
    let host = hosts::name(&desk, row.host);
    let head = PageHead {
        actions: vec![Action::plain(
            page.t("agent.to_host"),
            hosts::href(row.host),
        )],
        marks: sheet::chip(&page.tk("agent.state_", list::state(&row))),
        ..PageHead::new(host, page.t("agent.detail_intro"))
    };
    let version = match list::is_old(&row) {
        true => format!("{} – {}", row.version, page.t("host.agent_outdated")),
        false => row.version.clone(),
    };
    let about = [
        Fact::text(page.t("agent.version"), &version),
        Fact::text(page.t("agent.address"), &row.address),
        Fact::html(page.t("agent.enrolled"), page.at_full(row.enrolled_ms)),
        Fact::html(page.t("agent.seen"), seen(&page, &row)),
        Fact::html(page.t("agent.id"), sheet::code(&row.id.to_string())),
    ];
    let facts = sheet::panel("", ui::facts(&about));
    let mut parts = vec![facts, warnings(&page, &row)];
    if ctx.has(Role::Administrator) && !row.retired {
        let retire = Press {
            to: &format!("/agents/{}/retire", row.id),
            label: page.t("agent.retire"),
            confirm: page.t("agent.retire_confirm"),
            weight: "danger",
            values: &[],
        };
        parts.push(sheet::presses([retire.draw(&page)]));
    }
    Ok(sheet::sheet(&page, &head, &[sheet::stack(parts)], "").into_response())
}

fn seen(page: &PageContext, row: &AgentRow) -> Html {
    match (row.connected, row.seen_ms) {
        (true, _) => Html::text(page.t("agent.now")),
        (false, Some(at_ms)) => page.ago(at_ms),
        (false, None) => Html::text("–"),
    }
}

fn warnings(page: &PageContext, row: &AgentRow) -> Html {
    let title = page.t("agent.warnings");
    if row.warnings.is_empty() {
        return sheet::panel(title, sheet::muted(page.t("agent.no_warnings")));
    }
    let rows: Vec<Vec<Html>> = row
        .warnings
        .iter()
        .map(|warning| {
            vec![
                sheet::alert_chip(&warning.code),
                Html::text(&warning.subject),
                Html::text(&warning.text),
                page.ago(warning.at_ms),
            ]
        })
        .collect();
    let titles = [
        "agent.warning",
        "agent.subject",
        "host.detail",
        "agent.seen",
    ];
    sheet::flush(title, sheet::grid(&titles.map(|key| page.t(key)), &rows))
}

pub(super) async fn retire(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let row = found(&desk, &id).await?;
    let done = retire_all(&desk, vec![row.id]).await;
    let said = page.t("agent.retired_one");
    refusal::settle(&ctx, &page, "/agents", (done, said))
}

/// Refuses agents from now on and ends their connections.
pub(super) async fn retire_all(desk: &Desk, ids: Vec<AgentId>) -> Result<(), Refusal> {
    let all = ids.clone();
    let write = desk.db.write(move |tx: &mut Tx| {
        Box::pin(async move {
            for id in ids {
                fleet::retire(tx, id).await?;
            }
            Ok(())
        })
    });
    let written: db::Result<()> = write.await;
    written.map_err(|error| Refusal::Other(refusal::store(error)))?;
    all.into_iter().for_each(|id| desk.fleet.disconnect(id));
    Ok(())
}
