//! The busiest processes of a host, asked of its agent after the page was drawn.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use console::views::{TopProcess, TopView};
use fleet::NotReached;
use web::{ApiError, Ctx};

use super::find;
use crate::{Desk, frame};

/// Processes of each list.
const COUNT: u32 = 8;
/// How long the page waits for the agent, in milliseconds.
const WAIT_MS: u64 = 3_000;

pub(super) async fn top(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let host = find(&desk, &id)?;
    let page = frame::page(&desk, &ctx);
    let asked = desk.fleet.top(host.id, COUNT);
    let answer = tokio::time::timeout(Duration::from_millis(WAIT_MS), asked).await;
    let answer = answer.unwrap_or(Err(NotReached::Silent(WAIT_MS)));
    let view = match answer {
        Ok(top) => TopView {
            by_cpu: top.by_cpu.iter().map(drawn).collect(),
            by_memory: top.by_memory.iter().map(drawn).collect(),
            error: String::new(),
            at_ms: page.now_ms,
        },
        Err(error) => TopView {
            error: match error {
                NotReached::NotConnected => page.t("host.top_not_connected").to_owned(),
                NotReached::Silent(_) => page.t("host.top_silent").to_owned(),
                NotReached::Refused(why) => page.tf("host.top_refused", &[("why", &why)]),
            },
            ..TopView::default()
        },
    };
    Ok(console::host_top(&page, &view).into_response())
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn drawn(process: &fleet::TopProcess) -> TopProcess {
    TopProcess {
        pid: process.pid,
        user: process.user.clone(),
        command: match process.command.is_empty() {
            true => process.name.clone(),
            false => process.command.clone(),
        },
        cpu_ratio: process.cpu_ratio,
        memory_bytes: process.resident_bytes as f64,
    }
}
