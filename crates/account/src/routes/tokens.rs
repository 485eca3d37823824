//! API tokens of one's own; administrators see and revoke everybody's.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::TokenId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Ctx, Json, Page, Query, Role};

use super::users::role;
use crate::{Accounts, NewToken, Token};

/// Which tokens.
#[derive(Deserialize, IntoParams)]
pub(crate) struct TokenQuery {
    /// Everybody's, for administrators.
    #[serde(default)]
    all: bool,
}

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenBody {
    /// Its id, `tok_…`.
    id: String,
    /// The owner's log-in name.
    login: String,
    /// What it is for.
    label: String,
    /// What it may do.
    role: &'static str,
    /// UTC milliseconds.
    created_ms: i64,
    /// UTC milliseconds.
    expires_ms: i64,
    /// UTC milliseconds, within a minute; null when never.
    used_ms: Option<i64>,
    /// UTC milliseconds; null when not.
    revoked_ms: Option<i64>,
}

impl From<Token> for TokenBody {
    fn from(token: Token) -> Self {
        Self {
            id: token.id.to_string(),
            login: token.login,
            label: token.label,
            role: token.role.name(),
            created_ms: token.created_ms,
            expires_ms: token.expires_ms,
            used_ms: token.used_ms,
            revoked_ms: token.revoked_ms,
        }
    }
}

/// A new token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTokenBody {
    /// What it is for.
    label: String,
    /// `viewer`, `operator` or `administrator`; at most the own role.
    role: String,
    /// How many days it lives, 1 to 730.
    days: u32,
}

/// The token that was made, and its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewTokenAnswer {
    /// The token.
    token: TokenBody,
    /// To be sent as `Authorization: Bearer …`; shown here and never again.
    secret: String,
}

pub(crate) async fn list(
    ctx: Ctx,
    State(accounts): State<Accounts>,
    Query(query): Query<TokenQuery>,
) -> Result<Json<Page<TokenBody>>, ApiError> {
    if query.all && !ctx.has(Role::Administrator) {
        return Err(ApiError::forbidden(
            "only administrators may list everybody's tokens",
        ));
    }
    let of = if query.all {
        None
    } else {
        Some(ctx.actor()?.user)
    };
    let items = accounts
        .tokens(of)
        .await?
        .into_iter()
        .map(TokenBody::from)
        .collect();
    Ok(Json(Page { items, next: None }))
}

pub(crate) async fn create(
    ctx: Ctx,
    State(accounts): State<Accounts>,
    Json(body): Json<NewTokenBody>,
) -> Result<(StatusCode, Json<NewTokenAnswer>), ApiError> {
    let actor = ctx.actor()?;
    let role = role(&body.role)?;
    if role > actor.role {
        return Err(ApiError::forbidden(
            "a token may not do more than who makes it",
        ));
    }
    let new = NewToken {
        user: actor.user,
        label: body.label,
        role,
        days: body.days,
    };
    let (token, secret) = accounts.issue_token(new).await?;
    Ok((
        StatusCode::CREATED,
        Json(NewTokenAnswer {
            token: token.into(),
            secret,
        }),
    ))
}

pub(crate) async fn revoke(
    ctx: Ctx,
    State(accounts): State<Accounts>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id: TokenId = id.parse().map_err(|_| ApiError::not_found("this token"))?;
    let owner = if ctx.has(Role::Administrator) {
        None
    } else {
        Some(ctx.actor()?.user)
    };
    accounts.revoke_token(id, owner).await?;
    Ok(StatusCode::NO_CONTENT)
}
