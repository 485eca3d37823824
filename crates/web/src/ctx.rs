//! What a handler knows of its request beside the body: the actor, the language, the CSRF token.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use model::Lang;
use stdx::Env;

use crate::{Actor, ApiError, Flash, Role};

/// The context of one request, made by the gate; the first argument of every handler.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Who acts; nobody on public endpoints without log-in.
    pub actor: Option<Actor>,
    /// The language of the answer: the account's, else the cookie's, else the browser's, else Korean.
    pub lang: Lang,
    /// The theme cookie: `light`, `dark` or empty for the system's choice.
    pub theme: String,
    /// The token that forms and htmx send back; empty without a session.
    pub csrf: String,
    /// Where the request came from.
    pub peer: Option<IpAddr>,
    /// htmx asked: answer with a fragment.
    pub is_htmx: bool,
    /// What the last action left for this page.
    pub flash: Option<Flash>,
    /// The path and query as asked, for links back.
    pub uri: String,
    /// Clock and randomness.
    pub env: Env,
}

impl Ctx {
    /// The name for records: the account's, or `-` for nobody.
    #[must_use]
    pub fn who(&self) -> &str {
        self.actor.as_ref().map_or("-", |actor| actor.name.as_str())
    }

    /// Whether the actor has at least this role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.actor.as_ref().is_some_and(|actor| actor.has(role))
    }

    /// The actor.
    ///
    /// # Errors
    /// `401` when nobody is logged in; the gate refuses such requests first, except on public routes.
    pub fn actor(&self) -> Result<&Actor, ApiError> {
        self.actor.as_ref().ok_or_else(ApiError::unauthenticated)
    }

    /// Now, UTC milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.env.clock.now_ms()
    }
}

impl<S: Sync> FromRequestParts<S> for Ctx {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| ApiError::internal("the route was mounted without the gate"))
    }
}
