//! What people do to problems: take, give back, write, snooze, assign, silence, close, repair.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use model::flow::Command;
use model::{MatchOp, ProblemId, ScriptId, Selector};
use problem::model::Problem;
use problem::service::SilenceEdit;
use remedy::ManualRun;
use serde_json::json;
use ui::FormValues;
use web::{ApiError, AuditDetail, Ctx, Flash};

use super::find;
use crate::manage::asked::Sent;
use crate::operate::refusal::refused;
use crate::{Desk, frame};

/// The lengths that may be chosen, with their milliseconds.
const LENGTHS: [(&str, i64); 4] = [
    ("15m", 900_000),
    ("1h", 3_600_000),
    ("4h", 14_400_000),
    ("1d", 86_400_000),
];
/// How long a silence of several problems lasts, in milliseconds.
const BULK_SILENCE_MS: i64 = 3_600_000;

fn until_ms(ctx: &Ctx, form: &FormValues) -> Result<i64, ApiError> {
    let chosen = LENGTHS.iter().find(|(name, _)| *name == form.get("for"));
    let chosen = chosen.ok_or_else(|| ApiError::invalid_field("for", "use 15m, 1h, 4h or 1d"))?;
    Ok(ctx.now_ms() + chosen.1)
}

/// The order of a button, and the words that tell of it.
fn order(
    ctx: &Ctx,
    verb: &str,
    problem: ProblemId,
    form: &FormValues,
) -> Result<(Command, &'static str), ApiError> {
    let comment = || form.get("comment").to_owned();
    let reason = || match form.get("reason") {
        "" => form.get("comment").to_owned(),
        reason => reason.to_owned(),
    };
    Ok(match verb {
        "acknowledge" => {
            let comment = comment();
            (
                Command::Acknowledge { problem, comment },
                "problem.did_acknowledge",
            )
        }
        "unacknowledge" => (
            Command::Unacknowledge { problem },
            "problem.did_unacknowledge",
        ),
        "comment" => {
            let comment = comment();
            (Command::Comment { problem, comment }, "problem.did_comment")
        }
        "snooze" => {
            let (until_ms, comment) = (until_ms(ctx, form)?, reason());
            let order = Command::Snooze {
                problem,
                until_ms,
                comment,
            };
            (order, "problem.did_snooze")
        }
        "assign" => {
            let to = Some(web::field(form.get("user"), "user")?);
            (Command::Assign { problem, to }, "problem.did_assign")
        }
        "assign_me" => {
            let to = Some(ctx.actor()?.user);
            (Command::Assign { problem, to }, "problem.did_assign")
        }
        "close" => {
            let comment = reason();
            (Command::Close { problem, comment }, "problem.did_close")
        }
        _ => return Err(ApiError::not_found("this action")),
    })
}

pub(super) async fn one(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path((id, verb)): Path<(String, String)>,
    Sent(form): Sent,
) -> Result<Response, ApiError> {
    let id = find(&desk, &ctx, &id).await?;
    let (order, word) = order(&ctx, &verb, id, &form)?;
    let actor = ctx.actor()?.user.to_string();
    let problem = problem::service::act(&desk.db, order, &actor).await;
    let problem = problem.map_err(refused(ctx.lang))?;
    let told = i18n::tf(ctx.lang, word, &[("number", &problem.label())]);
    let back = frame::done(&ctx, &format!("/problems/{id}"), &Flash::done(told));
    Ok((
        Extension(AuditDetail(json!({"do": verb, "problem": id}))),
        back,
    )
        .into_response())
}

pub(super) async fn silence(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Sent(form): Sent,
) -> Result<Response, ApiError> {
    let id = find(&desk, &ctx, &id).await?;
    let problem = problem::service::get(&mut desk.db.reader(), id).await;
    let problem = problem.map_err(refused(ctx.lang))?;
    let made = quiet(
        &desk,
        &ctx,
        &problem,
        (form.get("reason"), until_ms(&ctx, &form)?),
    )
    .await?;
    let told = i18n::tf(ctx.lang, "problem.did_silence", &[("number", &made)]);
    Ok(frame::done(
        &ctx,
        &format!("/problems/{id}"),
        &Flash::done(told),
    ))
}

/// Silences exactly the rule and target of a problem; the silence's number.
async fn quiet(
    desk: &Desk,
    ctx: &Ctx,
    problem: &Problem,
    (reason, to_ms): (&str, i64),
) -> Result<String, ApiError> {
    let actor = ctx.actor()?.user.to_string();
    let selector = Selector::default()
        .and("host", MatchOp::Eq, &problem.host)
        .and("rule", MatchOp::Eq, &problem.rule_key)
        .and("key", MatchOp::Eq, &problem.target.key);
    let edit = SilenceEdit {
        selector,
        owner: ctx.who().to_owned(),
        reason: reason.to_owned(),
        from_ms: ctx.now_ms(),
        to_ms,
    };
    let made = problem::service::create_silence(&desk.db, edit, &actor).await;
    Ok(made.map_err(refused(ctx.lang))?.label())
}

pub(super) async fn bulk(
    ctx: Ctx,
    State(desk): State<Desk>,
    Sent(form): Sent,
) -> Result<Response, ApiError> {
    let verb = form.get("action").to_owned();
    let ids: Vec<ProblemId> = form
        .all("id")
        .iter()
        .map(|id| web::path_id(id, "this problem"))
        .collect::<Result<_, _>>()?;
    let (done, refusals) = match verb.as_str() {
        "silence" => silence_many(&desk, &ctx, &ids, form.get("comment")).await?,
        _ => {
            let (order, _) = order(&ctx, &verb, ProblemId::from_bits(0), &form)?;
            let actor = ctx.actor()?.user.to_string();
            let bulk = problem::service::act_on_many(&desk.db, order, ids, &actor).await;
            let bulk = bulk.map_err(refused(ctx.lang))?;
            (bulk.done.len(), bulk.refused.len())
        }
    };
    let told = match refusals {
        0 => i18n::tf(ctx.lang, "problem.did_many", &[("count", &done)]),
        _ => i18n::tf(
            ctx.lang,
            "problem.did_some",
            &[("count", &done), ("refused", &refusals)],
        ),
    };
    let flash = if done > 0 {
        Flash::done(told)
    } else {
        Flash::failed(told)
    };
    let detail = json!({"do": verb, "done": done, "refused": refusals});
    let back = frame::done(&ctx, "/problems", &flash);
    Ok((Extension(AuditDetail(detail)), back).into_response())
}

/// Silences the pairs of several problems for an hour; how many, and how many could not be.
async fn silence_many(
    desk: &Desk,
    ctx: &Ctx,
    ids: &[ProblemId],
    reason: &str,
) -> Result<(usize, usize), ApiError> {
    let to_ms = ctx.now_ms() + BULK_SILENCE_MS;
    let (mut done, mut refusals) = (0, 0);
    for id in ids {
        match problem::service::get(&mut desk.db.reader(), *id).await {
            Ok(problem) if problem.is_open() => {
                quiet(desk, ctx, &problem, (reason, to_ms)).await?;
                done += 1;
            }
            _ => refusals += 1,
        }
    }
    Ok((done, refusals))
}

pub(super) async fn run(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Sent(form): Sent,
) -> Result<Response, ApiError> {
    let id = find(&desk, &ctx, &id).await?;
    let problem = problem::service::get(&mut desk.db.reader(), id).await;
    let problem = problem.map_err(refused(ctx.lang))?;
    let script: ScriptId = web::field(form.get("script"), "script")?;
    let wanted = ManualRun {
        script,
        host: problem.target.ci,
        problem: Some(id),
        target: Some(problem.target.clone()),
        dry_run: form.get("dry_run") == "1",
        by: ctx.actor()?.user,
    };
    let run = desk.remedies.start(wanted).await?;
    let told = Flash::done(i18n::t(ctx.lang, "problem.did_run"));
    let back = frame::done(&ctx, &format!("/problems/{id}#runs"), &told);
    let detail = json!({"problem": id, "script": script, "run": run});
    Ok((Extension(AuditDetail(detail)), back).into_response())
}
