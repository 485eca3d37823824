//! Asks routes in tests: behind a real gate, with the role's name as the bearer token.
//!
//! *Never* part of a program: nothing but tests uses it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops where its ground gives way"
)]

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::limits;
use serde_json::Value;
use stdx::Env;
use tower::ServiceExt;

use crate::{
    Action, Actor, ActorKind, Answers, ApiError, AuditEntry, AuditSink, Authenticator, Authorizer,
    BoxFuture, Credentials, Ctx, ErrorPage, Gate, Mounted, Need, Role, mount, mount_keeping,
};

/// The CSRF token of every session behind this gate.
pub const CSRF: &str = "right";

/// Recognises whoever shows the name of a role, and remembers the audit.
#[derive(Debug, Default)]
struct Roles {
    lines: Mutex<Vec<AuditEntry>>,
}

impl Authenticator for Roles {
    fn authenticate<'a>(
        &'a self,
        shown: &'a Credentials,
    ) -> BoxFuture<'a, Result<Option<Actor>, ApiError>> {
        Box::pin(async move {
            let (kind, name) = match (&shown.session, &shown.bearer) {
                (Some(name), _) => (ActorKind::Session, name.clone()),
                (None, Some(name)) => (ActorKind::Token, name.clone()),
                (None, None) => return Ok(None),
            };
            let role = Role::from_name(&name).ok_or_else(ApiError::unauthenticated)?;
            Ok(Some(Actor {
                kind,
                user: user(),
                credential: name.clone(),
                name,
                role,
                must_change_password: false,
                lang: None,
                time_zone: None,
            }))
        })
    }

    fn csrf_token(&self, _: &Actor) -> String {
        CSRF.to_owned()
    }
}

impl Authorizer for Roles {
    fn authorize(&self, actor: Option<&Actor>, action: Action) -> bool {
        match action.need {
            Need::Nothing => true,
            Need::LoggedIn => actor.is_some(),
            Need::Role(role) => actor.is_some_and(|actor| actor.has(role)),
        }
    }
}

impl AuditSink for Roles {
    fn audit(&self, entry: AuditEntry) -> BoxFuture<'_, Result<(), ApiError>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(entry);
        Box::pin(async { Ok(()) })
    }
}

impl ErrorPage for Roles {
    fn draw(&self, _: &Ctx, error: &ApiError) -> Response {
        (error.status, format!("<h1>{}</h1>", error.code)).into_response()
    }
}

/// The account of everybody behind this gate.
#[must_use]
pub const fn user() -> model::UserId {
    model::UserId::from_bits(1)
}

/// Routes behind the gate, ready to be asked.
#[derive(Clone, Debug)]
pub struct Asked {
    router: Router,
    roles: Arc<Roles>,
}

impl Asked {
    /// Mounts routes behind the gate.
    #[must_use]
    pub fn new(mounted: Mounted, env: Env) -> Self {
        let roles = Arc::new(Roles::default());
        let router = mount(mounted, gate(&roles, env));
        Self { router, roles }
    }

    /// Mounts routes behind a gate that keeps answers to requests with a key.
    #[must_use]
    pub fn keeping(mounted: Mounted, env: Env, answers: Arc<dyn Answers>) -> Self {
        let roles = Arc::new(Roles::default());
        let router = mount_keeping(mounted, gate(&roles, env), answers);
        Self { router, roles }
    }

    /// Asks as somebody with this role.
    #[must_use]
    pub fn with_role(&self, role: Role) -> Asker<'_> {
        let bearer = format!("Bearer {}", role.name());
        self.stranger().header("authorization", &bearer)
    }

    /// Asks as a viewer.
    #[must_use]
    pub fn viewer(&self) -> Asker<'_> {
        self.with_role(Role::Viewer)
    }

    /// Asks as an operator.
    #[must_use]
    pub fn operator(&self) -> Asker<'_> {
        self.with_role(Role::Operator)
    }

    /// Asks as an administrator.
    #[must_use]
    pub fn administrator(&self) -> Asker<'_> {
        self.with_role(Role::Administrator)
    }

    /// Asks without credentials.
    #[must_use]
    pub const fn stranger(&self) -> Asker<'_> {
        Asker {
            asked: self,
            headers: Vec::new(),
        }
    }

    /// The routes behind the gate, for answers that do not end by themselves.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The audit so far.
    #[must_use]
    pub fn audit(&self) -> Vec<AuditEntry> {
        let lines = self.roles.lines.lock();
        lines.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends any request.
    ///
    /// # Panics
    /// When the answer's body cannot be read.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let answered = self.router.clone().oneshot(request).await;
        let (parts, body) = answered.unwrap_or_else(|never| match never {}).into_parts();
        let read = to_bytes(body, 8 * limits::REQUEST_BODY_BYTES_MAX).await;
        let text = String::from_utf8_lossy(&read.expect("an answer's body")).into_owned();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }
}

fn gate(roles: &Arc<Roles>, env: Env) -> Gate {
    Gate {
        authenticator: roles.clone(),
        authorizer: roles.clone(),
        audit: roles.clone(),
        error_page: roles.clone(),
        env,
    }
}

/// Somebody who asks.
#[derive(Clone, Debug)]
pub struct Asker<'a> {
    asked: &'a Asked,
    headers: Vec<(String, String)>,
}

impl Asker<'_> {
    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same, having seen this version of the record.
    #[must_use]
    pub fn saw(self, version: i64) -> Self {
        self.header("if-match", &format!("\"{version}\""))
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, None).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, Some(body)).await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask("PUT", path, Some(body)).await
    }

    /// `PATCH` with a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask("PATCH", path, Some(body)).await
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = match body {
            None => Body::empty(),
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
        };
        let request = request.body(body).expect("a request");
        self.asked.send(request).await
    }
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The JSON of an answer with this status.
    ///
    /// # Panics
    /// When the status is another one.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "answered {}", self.text);
        self.json()
    }

    /// Expects a refusal: its status, its code, and the fields it names.
    ///
    /// # Panics
    /// When it is another one.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str, fields: &[&str]) {
        let body = self.expect(status);
        let named = body["fields"].as_array().into_iter().flatten();
        let named: Vec<&str> = named.filter_map(|field| field["field"].as_str()).collect();
        assert_eq!(
            (body["code"].as_str(), named.as_slice()),
            (Some(code), fields),
            "{body}"
        );
    }

    /// A header's text; empty when it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}
