//! Logging in and out, the own account, the own password and sessions.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::SessionId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ActorKind, ApiError, Cookie, Ctx, Json, Page, SESSION_COOKIE};

use super::users::UserBody;
use crate::Accounts;

/// Name and password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LogIn {
    /// The log-in name.
    login: String,
    /// The password.
    password: String,
}

/// The old and the new password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ChangePassword {
    /// The password as it is.
    old: String,
    /// At least 10 characters of two kinds, without the log-in name.
    new: String,
}

/// A live session.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionBody {
    /// Its id.
    id: String,
    /// UTC milliseconds.
    created_ms: i64,
    /// UTC milliseconds, within a minute.
    seen_ms: i64,
    /// Where it came from.
    peer: String,
    /// What browser.
    agent: String,
    /// Whether it is the one that asks.
    this: bool,
}

pub(crate) async fn log_in(
    ctx: Ctx,
    State(accounts): State<Accounts>,
    headers: HeaderMap,
    Json(body): Json<LogIn>,
) -> Result<Response, ApiError> {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    let peer = ctx.peer.map(|ip| ip.to_string()).unwrap_or_default();
    let done = accounts
        .log_in(
            &body.login,
            &body.password,
            &peer,
            agent.unwrap_or_default(),
        )
        .await?;
    let cookie = Cookie {
        name: SESSION_COOKIE,
        value: &done.secret,
        max_age_s: done.max_age_s,
        http_only: true,
        secure: false,
    };
    let mut response = Json(UserBody::from(done.user)).into_response();
    if let Some(value) = cookie.header() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

pub(crate) async fn log_out(
    ctx: Ctx,
    State(accounts): State<Accounts>,
) -> Result<Response, ApiError> {
    let actor = ctx.actor()?;
    let Some(session) = own_session(&ctx) else {
        return Err(ApiError::bad_request(
            "no_session",
            "a token has no session to end",
        ));
    };
    accounts.log_out(actor.user, session).await?;
    let cookie = Cookie {
        name: SESSION_COOKIE,
        value: "",
        max_age_s: 0,
        http_only: true,
        secure: false,
    };
    let mut response = StatusCode::NO_CONTENT.into_response();
    let value = cookie
        .header()
        .unwrap_or_else(|| HeaderValue::from_static(""));
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(response)
}

pub(crate) async fn own(
    ctx: Ctx,
    State(accounts): State<Accounts>,
) -> Result<Json<UserBody>, ApiError> {
    let user = accounts.user(ctx.actor()?.user).await?;
    Ok(Json(UserBody::from(user)))
}

pub(crate) async fn change_password(
    ctx: Ctx,
    State(accounts): State<Accounts>,
    Json(body): Json<ChangePassword>,
) -> Result<StatusCode, ApiError> {
    let actor = ctx.actor()?;
    accounts
        .change_password(actor.user, own_session(&ctx), &body.old, &body.new)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn sessions(
    ctx: Ctx,
    State(accounts): State<Accounts>,
) -> Result<Json<Page<SessionBody>>, ApiError> {
    let actor = ctx.actor()?;
    let this = own_session(&ctx);
    let items = accounts
        .sessions(actor.user)
        .await?
        .into_iter()
        .map(|session| SessionBody {
            id: session.id.to_string(),
            created_ms: session.created_ms,
            seen_ms: session.seen_ms,
            peer: session.peer,
            agent: session.agent,
            this: Some(session.id) == this,
        });
    Ok(Json(Page {
        items: items.collect(),
        next: None,
    }))
}

pub(crate) async fn end(
    ctx: Ctx,
    State(accounts): State<Accounts>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id: SessionId = id
        .parse()
        .map_err(|_| ApiError::not_found("this session"))?;
    accounts.log_out(ctx.actor()?.user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn own_session(ctx: &Ctx) -> Option<SessionId> {
    let actor = ctx
        .actor
        .as_ref()
        .filter(|actor| actor.kind == ActorKind::Session)?;
    actor.credential.parse().ok()
}
