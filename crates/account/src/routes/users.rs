//! Accounts of others, for administrators.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{Lang, UserId};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use web::{ApiError, AuditDetail, Ctx, Etag, Json, Page, Role};

use crate::{Accounts, NewUser, User, UserChange};

/// An account.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserBody {
    /// Its id, `usr_…`.
    id: String,
    /// The log-in name.
    login: String,
    /// The name on screens.
    display: String,
    /// `viewer`, `operator` or `administrator`.
    role: &'static str,
    /// `ko`, `en` or null for the browser's.
    lang: Option<&'static str>,
    /// An IANA time zone or null for the server's.
    time_zone: Option<String>,
    /// The password must be changed at the next log-in.
    must_change_password: bool,
    /// Whether it cannot log in any more.
    disabled: bool,
    /// UTC milliseconds.
    created_ms: i64,
    /// The version; also the `ETag`.
    version: i64,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            login: user.login,
            display: user.display,
            role: user.role.name(),
            lang: user.lang.map(Lang::code),
            time_zone: user.time_zone,
            must_change_password: user.must_change,
            disabled: user.disabled_ms.is_some(),
            created_ms: user.created_ms,
            version: user.version,
        }
    }
}

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUserBody {
    /// 2 to 64 of a-z, 0-9, `.`, `_`, `-` and `@`.
    login: String,
    /// The name on screens.
    #[serde(default)]
    display: String,
    /// `viewer`, `operator` or `administrator`.
    role: String,
    /// `ko` or `en`.
    lang: Option<String>,
    /// An IANA time zone.
    time_zone: Option<String>,
}

/// The account that was made and its one-time password.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewUserAnswer {
    /// The account.
    user: UserBody,
    /// To be changed at the first log-in; shown here and never again.
    one_time_password: String,
}

/// A one-time password.
#[derive(Serialize, ToSchema)]
pub(crate) struct OneTime {
    /// To be changed at the next log-in; shown here and never again.
    one_time_password: String,
}

/// What is to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserChangeBody {
    /// The name on screens.
    display: Option<String>,
    /// `viewer`, `operator` or `administrator`.
    role: Option<String>,
    /// `ko`, `en`, or null for the browser's.
    #[serde(default, deserialize_with = "given")]
    lang: Option<Option<String>>,
    /// An IANA time zone, or null for the server's.
    #[serde(default, deserialize_with = "given")]
    time_zone: Option<Option<String>>,
    /// Whether it may no longer log in.
    disabled: Option<bool>,
}

/// Tells `null` (take it away) from absence (leave it).
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(from).map(Some)
}

pub(crate) async fn list(
    State(accounts): State<Accounts>,
) -> Result<Json<Page<UserBody>>, ApiError> {
    let items = accounts
        .users()
        .await?
        .into_iter()
        .map(UserBody::from)
        .collect();
    Ok(Json(Page { items, next: None }))
}

pub(crate) async fn create(
    ctx: Ctx,
    State(accounts): State<Accounts>,
    Json(body): Json<NewUserBody>,
) -> Result<Response, ApiError> {
    let new = NewUser {
        login: body.login,
        display: body.display,
        role: role(&body.role)?,
        lang: body.lang.as_deref().map(lang).transpose()?,
        time_zone: body.time_zone,
    };
    let (user, one_time_password) = accounts.create(new, ctx.who()).await?;
    let detail = serde_json::json!({"login": user.login, "role": user.role.name()});
    let answer = Json(NewUserAnswer {
        user: user.into(),
        one_time_password,
    });
    let mut response = (StatusCode::CREATED, answer).into_response();
    response.extensions_mut().insert(AuditDetail(detail));
    Ok(response)
}

pub(crate) async fn get(
    State(accounts): State<Accounts>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(with_etag(accounts.user(user_id(&id)?).await?))
}

pub(crate) async fn change(
    ctx: Ctx,
    State(accounts): State<Accounts>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<UserChangeBody>,
) -> Result<Response, ApiError> {
    let change = UserChange {
        display: body.display,
        role: body.role.as_deref().map(role).transpose()?,
        lang: body
            .lang
            .map(|code| code.as_deref().map(lang).transpose())
            .transpose()?,
        time_zone: body.time_zone,
        disabled: body.disabled,
    };
    let seen = Etag::if_match(&headers)?.map(|etag| etag.0);
    Ok(with_etag(
        accounts
            .change(user_id(&id)?, seen, change, ctx.who())
            .await?,
    ))
}

pub(crate) async fn reset_password(
    ctx: Ctx,
    State(accounts): State<Accounts>,
    Path(id): Path<String>,
) -> Result<Json<OneTime>, ApiError> {
    let one_time_password = accounts.reset_password(user_id(&id)?, ctx.who()).await?;
    Ok(Json(OneTime { one_time_password }))
}

fn with_etag(user: User) -> Response {
    let etag = Etag(user.version).header();
    ([(header::ETAG, etag)], Json(UserBody::from(user))).into_response()
}

fn user_id(text: &str) -> Result<UserId, ApiError> {
    text.parse()
        .map_err(|_| ApiError::not_found("this account"))
}

pub(crate) fn role(name: &str) -> Result<Role, ApiError> {
    Role::from_name(name).ok_or_else(|| {
        ApiError::invalid_field(
            "role",
            format!("`{name}`: use viewer, operator or administrator"),
        )
    })
}

fn lang(code: &str) -> Result<Lang, ApiError> {
    Lang::from_code(code)
        .ok_or_else(|| ApiError::invalid_field("lang", format!("`{code}`: use ko or en")))
}
