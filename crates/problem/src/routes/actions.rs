//! What people do to problems: one at a time, or many at once.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, http::StatusCode};
use db::Db;
use model::ProblemId;
use model::flow::Command;
use model::limits::BULK_ROWS_MAX;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use web::{ApiError, AuditDetail, Ctx, Json};

use super::problems::{ProblemBody, ProblemQuery, find, person};
use super::refusal::refusal;
use crate::ProblemError;
use crate::decide::{CommandError, check_fields};
use crate::service;

/// An action on a problem.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionBody {
    /// `acknowledge`, `unacknowledge`, `comment`, `snooze`, `assign` or `close`.
    #[serde(rename = "do")]
    what: String,
    /// What is said with it; required to comment and to close.
    #[serde(default)]
    comment: String,
    /// No notices until then, UTC milliseconds; required to snooze.
    until_ms: Option<i64>,
    /// To whom it is assigned: `usr_…`, `me`, or null to take the assignment back.
    to: Option<String>,
}

/// An action on many problems: those of a list, or all that a filter finds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkBody {
    /// These problems, by id or number.
    ids: Option<Vec<String>>,
    /// All problems of this filter, at most 10,000; without `sort`, `cursor` and `limit`.
    filter: Option<ProblemQuery>,
    /// `acknowledge`, `unacknowledge`, `comment`, `snooze`, `assign` or `close`.
    #[serde(rename = "do")]
    what: String,
    /// What is said with it; required to comment and to close.
    #[serde(default)]
    comment: String,
    /// No notices until then, UTC milliseconds; required to snooze.
    until_ms: Option<i64>,
    /// To whom they are assigned: `usr_…`, `me`, or null to take the assignment back.
    to: Option<String>,
}

/// What an action on many problems did.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkAnswer {
    /// Those it was carried out on.
    done: Vec<String>,
    /// Those it was not, and why.
    refused: Vec<RefusedBody>,
}

/// A problem that refused an action.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefusedBody {
    /// Its id, or what was sent for it.
    id: String,
    /// Why.
    why: String,
}

impl ActionBody {
    fn command(self, ctx: &Ctx, problem: ProblemId) -> Result<Command, ApiError> {
        let comment = self.comment;
        Ok(match self.what.as_str() {
            "acknowledge" => Command::Acknowledge { problem, comment },
            "unacknowledge" => Command::Unacknowledge { problem },
            "comment" => Command::Comment { problem, comment },
            "snooze" => Command::Snooze {
                problem,
                until_ms: self.until_ms.ok_or_else(|| {
                    ApiError::invalid_field("until_ms", "say until when notices are to wait")
                })?,
                comment,
            },
            "assign" => Command::Assign {
                problem,
                to: person(ctx, self.to.as_deref(), "to")?,
            },
            "close" => Command::Close { problem, comment },
            other => {
                let message = format!(
                    "`{other}`: use acknowledge, unacknowledge, comment, snooze, assign or close"
                );
                return Err(ApiError::invalid_field("do", message));
            }
        })
    }
}

pub(crate) async fn one(
    ctx: Ctx,
    State(db): State<Db>,
    Path(id): Path<String>,
    Json(body): Json<ActionBody>,
) -> Result<Response, ApiError> {
    let id = find(&mut db.reader(), &ctx, &id).await?;
    let detail = json!({"do": body.what, "problem": id});
    let command = body.command(&ctx, id)?;
    let actor = ctx.actor()?.user.to_string();
    let problem = service::act(&db, command, &actor).await;
    let problem = ProblemBody::new(problem.map_err(refusal(ctx.lang))?, ctx.now_ms());
    Ok((Extension(AuditDetail(detail)), Json(problem)).into_response())
}

pub(crate) async fn many(
    ctx: Ctx,
    State(db): State<Db>,
    Json(body): Json<BulkBody>,
) -> Result<Response, ApiError> {
    let BulkBody {
        ids,
        filter,
        what,
        comment,
        until_ms,
        to,
    } = body;
    let what = ActionBody {
        what,
        comment,
        until_ms,
        to,
    };
    let name = what.what.clone();
    let (ids, mut refused) = match (ids, filter) {
        (Some(ids), None) => named(&ctx, &db, ids).await?,
        (None, Some(filter)) => (found(&ctx, &db, &filter).await?, Vec::new()),
        _ => {
            let message = "give exactly one of `ids` and `filter`";
            return Err(ApiError::invalid_field("ids", message));
        }
    };
    let command = what.command(&ctx, ProblemId::from_bits(0))?;
    check(&ctx, &command)?;
    let actor = ctx.actor()?.user.to_string();
    let bulk = service::act_on_many(&db, command, ids, &actor).await;
    let bulk = bulk.map_err(refusal(ctx.lang))?;
    refused.extend(bulk.refused.into_iter().map(|(id, why)| RefusedBody {
        id: id.to_string(),
        why,
    }));
    let done: Vec<String> = bulk.done.iter().map(ToString::to_string).collect();
    let detail = json!({"do": name, "done": done.len(), "refused": refused.len()});
    let answer = Json(BulkAnswer { done, refused });
    Ok((StatusCode::OK, Extension(AuditDetail(detail)), answer).into_response())
}

/// Refuses the whole request for what is wrong whatever the problem.
fn check(ctx: &Ctx, command: &Command) -> Result<(), ApiError> {
    check_fields(command, ctx.now_ms()).map_err(|error| match error {
        CommandError::Field(field, reason) => {
            refusal(ctx.lang)(ProblemError::Field { field, reason })
        }
        CommandError::Closed => ApiError::conflict("closed", "it is closed"),
    })
}

/// The problems of a list of ids and numbers, each once; what names none is refused.
async fn named(
    ctx: &Ctx,
    db: &Db,
    texts: Vec<String>,
) -> Result<(Vec<ProblemId>, Vec<RefusedBody>), ApiError> {
    if texts.len() > BULK_ROWS_MAX {
        return Err(too_many(ctx, "ids"));
    }
    let mut reader = db.reader();
    let (mut ids, mut refused) = (Vec::with_capacity(texts.len()), Vec::new());
    let mut seen = std::collections::HashSet::new();
    for text in texts {
        match find(&mut reader, ctx, &text).await {
            Ok(id) if seen.insert(id) => ids.push(id),
            Ok(_) => {}
            Err(error) if error.status == StatusCode::NOT_FOUND => refused.push(RefusedBody {
                id: text,
                why: error.detail,
            }),
            Err(error) => return Err(error),
        }
    }
    Ok((ids, refused))
}

/// The problems that a filter finds.
async fn found(ctx: &Ctx, db: &Db, filter: &ProblemQuery) -> Result<Vec<ProblemId>, ApiError> {
    if filter.sort.is_some() || filter.cursor.is_some() || filter.limit.is_some() {
        let message =
            "an action is for all that the filter finds: leave out sort, cursor and limit";
        return Err(ApiError::invalid_field("filter", message));
    }
    let filter = filter.filter(ctx)?;
    let ids = service::ids(&mut db.reader(), &filter, BULK_ROWS_MAX + 1, ctx.now_ms()).await;
    let ids = ids.map_err(refusal(ctx.lang))?;
    if ids.len() > BULK_ROWS_MAX {
        return Err(too_many(ctx, "filter"));
    }
    Ok(ids)
}

fn too_many(ctx: &Ctx, field: &str) -> ApiError {
    ApiError::invalid_field(field, i18n::t(ctx.lang, "problem.check.too_many"))
}
