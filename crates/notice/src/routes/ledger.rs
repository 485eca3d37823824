//! The ledger: every decision to tell or not to tell.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use db::Cursor;
use i18n::Lang;
use model::{DeliveryId, ProblemId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Ctx, Json, Page, Query};

use super::Api;
use super::refusal::refusal;
use crate::model::{LedgerRow, Reason};
use crate::service::{self, LedgerFilter};

/// Which decisions.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LedgerQuery {
    /// On this problem, `prb_…`: all of them, in the order of their making.
    problem: Option<String>,
    /// About this recipient, `rcp_…`.
    recipient: Option<String>,
    /// On this channel, `chn_…`.
    channel: Option<String>,
    /// With this reason, e.g. `sent`, `undelivered` or `held_maintenance`.
    reason: Option<String>,
    /// Decided at or after, UTC milliseconds.
    from_ms: Option<i64>,
    /// Decided before, UTC milliseconds.
    to_ms: Option<i64>,
    /// The cursor of the page before.
    cursor: Option<String>,
    /// Rows of a page, at most 500.
    limit: Option<usize>,
}

/// One decision.
#[derive(Serialize, ToSchema)]
pub(crate) struct LedgerBody {
    /// Its id, `dlv_…`.
    id: String,
    /// The problem, `prb_…`.
    problem: String,
    /// The event within the problem, from 1.
    seq: i64,
    /// `opened`, `raised`, `lowered`, `flapping`, `recovered`, `still_bad` or `repair_failed`.
    event: String,
    /// The severity told.
    severity: &'static str,
    /// Who; null when the decision was for everybody.
    recipient: Option<String>,
    /// Where; null when it never came to a channel.
    channel: Option<String>,
    /// When it was decided, UTC milliseconds.
    decided_ms: i64,
    /// Why: a permanent code.
    reason: String,
    /// The reason in the caller's language.
    reason_text: String,
    /// M-12, an error, another channel.
    detail: String,
    /// `settled`, `waiting` or `sending`.
    state: &'static str,
    /// How often it was tried.
    attempts: i64,
    /// When it is due next, UTC milliseconds; null once it is settled.
    due_ms: Option<i64>,
    /// When it was settled, UTC milliseconds.
    done_ms: Option<i64>,
    /// Whether a try may have arrived without a clear yes.
    unsure: bool,
    /// The digest that told it together with others.
    digest: Option<String>,
    /// The decision whose channel failed.
    fallback_of: Option<String>,
    /// The deduplication key of its message.
    key: String,
}

impl LedgerBody {
    fn new(row: LedgerRow, lang: Lang) -> Self {
        let code = row.reason.code();
        let event = serde_json::to_value(row.event).unwrap_or_default();
        Self {
            id: row.id.to_string(),
            problem: row.problem.to_string(),
            seq: row.seq,
            event: event.as_str().unwrap_or_default().to_owned(),
            severity: row.severity.name(),
            recipient: row.recipient.map(|id| id.to_string()),
            channel: row.channel.map(|id| id.to_string()),
            decided_ms: row.decided_ms,
            reason_text: i18n::t(lang, &format!("notice.reason.{code}")).to_owned(),
            reason: code,
            state: row.state.name(),
            attempts: row.attempts,
            due_ms: row.done_ms.is_none().then_some(row.due_ms),
            done_ms: row.done_ms,
            unsure: row.unsure,
            key: row.key(),
            digest: row.digest,
            fallback_of: row.fallback_of.map(|id| id.to_string()),
            detail: row.detail,
        }
    }
}

impl LedgerQuery {
    fn filter(&self) -> Result<LedgerFilter, ApiError> {
        let reason = self.reason.as_deref().map(|code| {
            Reason::from_code(code).ok_or_else(|| {
                let message = format!("`{code}` is no reason: see the API document");
                ApiError::invalid_field("reason", message)
            })
        });
        Ok(LedgerFilter {
            recipient: web::optional_field(self.recipient.as_deref(), "recipient")?,
            channel: web::optional_field(self.channel.as_deref(), "channel")?,
            reason: reason.transpose()?,
            from_ms: self.from_ms,
            to_ms: self.to_ms,
        })
    }
}

/// Whether a row of one problem is meant; the store selects other lists itself.
fn fits(filter: &LedgerFilter, row: &LedgerRow) -> bool {
    filter.recipient.is_none_or(|id| row.recipient == Some(id))
        && filter.channel.is_none_or(|id| row.channel == Some(id))
        && filter.reason.is_none_or(|reason| row.reason == reason)
        && filter
            .from_ms
            .is_none_or(|from_ms| row.decided_ms >= from_ms)
        && filter.to_ms.is_none_or(|to_ms| row.decided_ms < to_ms)
}

pub(crate) async fn list(
    ctx: Ctx,
    State(api): State<Api>,
    Query(query): Query<LedgerQuery>,
) -> Result<Json<Page<LedgerBody>>, ApiError> {
    let filter = query.filter()?;
    let mut reader = api.db.reader();
    let problem: Option<ProblemId> = web::optional_field(query.problem.as_deref(), "problem")?;
    if let Some(problem) = problem {
        let rows = service::of_problem(&mut reader, problem).await;
        let mut rows = rows.map_err(refusal(ctx.lang))?;
        rows.retain(|row| fits(&filter, row));
        let bodies = rows.into_iter().map(|row| LedgerBody::new(row, ctx.lang));
        return Ok(Json(Page::whole(bodies)));
    }
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose();
    let cursor = cursor.map_err(|error| ApiError::invalid_field("cursor", error.to_string()))?;
    let limit = web::page_rows(query.limit);
    let page = service::history(&mut reader, &filter, cursor.as_ref(), limit).await;
    let page = page.map_err(refusal(ctx.lang))?;
    let rows = page.rows.into_iter();
    Ok(Json(Page {
        items: rows.map(|row| LedgerBody::new(row, ctx.lang)).collect(),
        next: page.next.map(|cursor| cursor.encode()),
    }))
}

pub(crate) async fn retry(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id: DeliveryId = web::path_id(&id, "this notice")?;
    let tried = service::retry(&api.db, id).await;
    tried.map_err(refusal(ctx.lang))?;
    Ok(StatusCode::NO_CONTENT)
}
