//! The gate before every endpoint: who is it, may they, was it meant, and the audit of what came of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::{Lang, limits};
use stdx::Env;

use crate::repeat::{self, Answers, Keeper, Replayed};
use crate::{
    Action, Actor, ActorKind, ApiError, BoxFuture, Ctx, EndpointKind, EndpointSpec, Flash, Mounted,
    Need, cookie_value, security_headers,
};

/// The cookie that carries a browser's session.
pub const SESSION_COOKIE: &str = "bongsu_session";
/// The header in which htmx and islands send the CSRF token.
const CSRF_HEADER: &str = "x-csrf-token";
/// Where a one-time password is changed, which must happen before anything else.
const OWN_PASSWORD: &str = "/me/password";
/// The form field in which plain forms send it.
const CSRF_FIELD: &str = "csrf";

/// What a request shows of its sender.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The value of the session cookie.
    pub session: Option<String>,
    /// The bearer token.
    pub bearer: Option<String>,
    /// Where it came from.
    pub peer: Option<IpAddr>,
}

/// Recognises people and programs; implemented by `account`.
pub trait Authenticator: Send + Sync {
    /// Who shows these credentials; nobody when they show none.
    ///
    /// # Errors
    /// When credentials are shown but wrong, expired or locked out.
    fn authenticate<'a>(
        &'a self,
        credentials: &'a Credentials,
    ) -> BoxFuture<'a, Result<Option<Actor>, ApiError>>;

    /// The CSRF token that belongs to this session.
    fn csrf_token(&self, actor: &Actor) -> String;
}

/// Decides whether an actor may; implemented by `account`, deny by default.
pub trait Authorizer: Send + Sync {
    /// Whether `actor` may perform `action`.
    fn authorize(&self, actor: Option<&Actor>, action: Action) -> bool;
}

/// One line of the audit.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// UTC milliseconds.
    pub at_ms: i64,
    /// Who, by name; `-` for nobody.
    pub actor: String,
    /// The action.
    pub action: &'static str,
    /// The path asked, which names the object.
    pub object: String,
    /// The status answered.
    pub status: u16,
    /// From where.
    pub peer: Option<IpAddr>,
    /// What the handler added, JSON; `{}` when nothing.
    pub detail: String,
}

/// Keeps the audit; implemented by the server on the records store.
pub trait AuditSink: Send + Sync {
    /// Writes one line.
    ///
    /// # Errors
    /// When it cannot be kept; the request is then answered `503`, for an action that leaves no trace
    /// must not be reported as done.
    fn audit(&self, entry: AuditEntry) -> BoxFuture<'_, Result<(), ApiError>>;
}

/// What a handler adds to its audit line: put it into the response's extensions.
#[derive(Clone, Debug)]
pub struct AuditDetail(pub serde_json::Value);

/// Draws errors for browsers; implemented by `console`.
pub trait ErrorPage: Send + Sync {
    /// The page for this error.
    fn draw(&self, ctx: &Ctx, error: &ApiError) -> Response;
}

/// Everything the gate needs.
#[derive(Clone)]
pub struct Gate {
    /// Recognises.
    pub authenticator: Arc<dyn Authenticator>,
    /// Decides.
    pub authorizer: Arc<dyn Authorizer>,
    /// Remembers.
    pub audit: Arc<dyn AuditSink>,
    /// Draws errors for browsers.
    pub error_page: Arc<dyn ErrorPage>,
    /// Clock and randomness.
    pub env: Env,
}

/// Puts the gate in front of all routes and returns the router to serve; keys of repeated requests
/// mean nothing behind it.
pub fn mount(mounted: Mounted, gate: Gate) -> Router {
    mount_with(mounted, gate, None)
}

/// As [`mount`], and answers to requests with an `Idempotency-Key` are kept.
pub fn mount_keeping(mounted: Mounted, gate: Gate, answers: Arc<dyn Answers>) -> Router {
    mount_with(mounted, gate, Some(Keeper(answers)))
}

fn mount_with(mounted: Mounted, gate: Gate, keeper: Option<Keeper>) -> Router {
    let fallback_gate = gate.clone();
    mounted
        .router
        .fallback(move |request: Request| {
            let gate = fallback_gate.clone();
            async move { not_found(&gate, request).await }
        })
        .layer(axum::middleware::from_fn(
            move |mut request: Request, next: Next| {
                let (gate, keeper) = (gate.clone(), keeper.clone());
                async move {
                    request.extensions_mut().insert(gate);
                    if let Some(keeper) = keeper {
                        request.extensions_mut().insert(keeper);
                    }
                    let mut response = next.run(request).await;
                    for (name, value) in security_headers() {
                        response.headers_mut().entry(name).or_insert(value);
                    }
                    response
                }
            },
        ))
        .layer(tower_http::limit::RequestBodyLimitLayer::new(
            limits::REQUEST_BODY_BYTES_MAX,
        ))
        .layer(tower_http::compression::CompressionLayer::new())
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
}

async fn not_found(gate: &Gate, request: Request) -> Response {
    let credentials = credentials_of(&request);
    let actor = gate
        .authenticator
        .authenticate(&credentials)
        .await
        .ok()
        .flatten();
    let ctx = context(gate, &request, actor, credentials.peer);
    let error = ApiError::not_found("this page");
    if request.uri().path().starts_with("/api/") {
        return error.into_response();
    }
    gate.error_page.draw(&ctx, &error)
}

type Guarded = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

/// The middleware of one endpoint.
pub(crate) fn guard(
    spec: EndpointSpec,
) -> impl Fn(Request, Next) -> Guarded + Clone + Send + Sync + 'static {
    let spec = Arc::new(spec);
    move |request: Request, next: Next| {
        let spec = spec.clone();
        Box::pin(async move { pass(&spec, request, next).await })
    }
}

async fn pass(spec: &EndpointSpec, request: Request, next: Next) -> Response {
    let Some(gate) = request.extensions().get::<Gate>().cloned() else {
        return ApiError::internal("the route was mounted without the gate").into_response();
    };
    let credentials = credentials_of(&request);
    let authenticated = gate.authenticator.authenticate(&credentials).await;
    let (actor, refusal) = match authenticated {
        Ok(actor) => (actor, None),
        Err(error) => (None, Some(error)),
    };
    let ctx = context(&gate, &request, actor, credentials.peer);
    let object = request.uri().path().to_owned();
    let outcome = match admit(spec, &gate, &ctx, refusal) {
        Ok(()) => meant(&ctx, &gate, request).await,
        Err(error) => Err(error),
    };
    let response = match outcome {
        Ok(mut request) => {
            let shows = spec.kind == EndpointKind::Page && *request.method() == Method::GET;
            request.extensions_mut().insert(ctx.clone());
            let mut response = repeat::once(spec, &ctx, request, next).await;
            if shows && ctx.flash.is_some() && !ctx.is_htmx && response.status().is_success() {
                Flash::clear(response.headers_mut());
            }
            response
        }
        Err(error) => error.into_response(),
    };
    let mut response = response;
    tell_csrf(spec, &ctx, &mut response);
    let response = audited(spec, &gate, &ctx, object, response).await;
    match response.extensions().get::<ApiError>().cloned() {
        Some(error) if spec.kind == EndpointKind::Page => page_error(&gate, &ctx, &error),
        _ => response,
    }
}

/// A program that logged in with a password learns its CSRF token from any answer of the API; other
/// origins cannot read it.
fn tell_csrf(spec: &EndpointSpec, ctx: &Ctx, response: &mut Response) {
    if spec.kind != EndpointKind::Api || ctx.csrf.is_empty() {
        return;
    }
    if let Ok(value) = ctx.csrf.parse() {
        response.headers_mut().insert(CSRF_HEADER, value);
    }
}

/// A browser that is not logged in goes to the log-in page; other errors are drawn.
fn page_error(gate: &Gate, ctx: &Ctx, error: &ApiError) -> Response {
    if error.status == StatusCode::UNAUTHORIZED {
        let target = format!("/login?next={}", percent_encode(&ctx.uri));
        return redirect(ctx, &target);
    }
    if error.code == "password_change_required" {
        return redirect(ctx, OWN_PASSWORD);
    }
    gate.error_page.draw(ctx, error)
}

fn redirect(ctx: &Ctx, to: &str) -> Response {
    let name = if ctx.is_htmx {
        "hx-redirect"
    } else {
        "location"
    };
    let status = if ctx.is_htmx {
        StatusCode::OK
    } else {
        StatusCode::SEE_OTHER
    };
    (status, [(name, to.to_owned())]).into_response()
}

fn percent_encode(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
            out
        })
}

fn admit(
    spec: &EndpointSpec,
    gate: &Gate,
    ctx: &Ctx,
    refusal: Option<ApiError>,
) -> Result<(), ApiError> {
    if spec.action.need == Need::Nothing {
        return Ok(());
    }
    if let Some(error) = refusal {
        return Err(error);
    }
    let actor = ctx.actor()?;
    if !gate.authorizer.authorize(Some(actor), spec.action) {
        return Err(ApiError::forbidden(format!(
            "`{}` with role `{}` may not do `{}`",
            actor.name,
            actor.role.name(),
            spec.action.name
        )));
    }
    if actor.must_change_password && !spec.action.name.starts_with("account.own") {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "password_change_required",
            "the one-time password must be changed first",
        ));
    }
    Ok(())
}

/// Whether a changing request of a browser was meant: same origin, and the session's CSRF token.
async fn meant(ctx: &Ctx, gate: &Gate, request: Request) -> Result<Request, ApiError> {
    if matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        return Ok(request);
    }
    same_origin(request.headers())?;
    let Some(actor) = ctx
        .actor
        .as_ref()
        .filter(|actor| actor.kind == ActorKind::Session)
    else {
        return Ok(request);
    };
    let expected = gate.authenticator.csrf_token(actor);
    let sent = request
        .headers()
        .get(CSRF_HEADER)
        .and_then(|v| v.to_str().ok());
    if let Some(sent) = sent {
        return if same(sent, &expected) {
            Ok(request)
        } else {
            Err(csrf_error())
        };
    }
    let (parts, body) = request.into_parts();
    let form = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok());
    if !form.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        return Err(csrf_error());
    }
    let bytes = to_bytes(body, limits::REQUEST_BODY_BYTES_MAX)
        .await
        .map_err(|_| {
            ApiError::bad_request("body_too_large", "the form is larger than the server takes")
        })?;
    let text = String::from_utf8_lossy(&bytes);
    let sent = text
        .split('&')
        .find_map(|pair| pair.strip_prefix("csrf="))
        .unwrap_or("");
    debug_assert_eq!(CSRF_FIELD, "csrf");
    if !same(sent, &expected) {
        return Err(csrf_error());
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn same_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Err(csrf_error());
    }
    let (Some(origin), Some(host)) = (text("origin"), text("host")) else {
        return Ok(());
    };
    match origin.split_once("://") {
        Some((_, from)) if from == host => Ok(()),
        _ => Err(csrf_error()),
    }
}

fn csrf_error() -> ApiError {
    ApiError::forbidden("the request did not come from this console; reload the page and try again")
}

/// Compares without telling by time how much was right.
fn same(a: &str, b: &str) -> bool {
    blake3::hash(a.as_bytes()) == blake3::hash(b.as_bytes())
}

async fn audited(
    spec: &EndpointSpec,
    gate: &Gate,
    ctx: &Ctx,
    object: String,
    response: Response,
) -> Response {
    if !spec.audited || response.extensions().get::<Replayed>().is_some() {
        return response;
    }
    let detail = response.extensions().get::<AuditDetail>();
    let entry = AuditEntry {
        at_ms: ctx.now_ms(),
        actor: ctx.who().to_owned(),
        action: spec.action.name,
        object,
        status: response.status().as_u16(),
        peer: ctx.peer,
        detail: detail.map_or_else(|| "{}".to_owned(), |detail| detail.0.to_string()),
    };
    match gate.audit.audit(entry).await {
        Ok(()) => response,
        Err(error) => error.into_response(),
    }
}

fn credentials_of(request: &Request) -> Credentials {
    let headers = request.headers();
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(|token| token.trim().to_owned());
    let session = cookie_value(headers, SESSION_COOKIE).map(str::to_owned);
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    Credentials {
        session,
        bearer,
        peer,
    }
}

fn context(gate: &Gate, request: &Request, actor: Option<Actor>, peer: Option<IpAddr>) -> Ctx {
    let headers = request.headers();
    let csrf = actor
        .as_ref()
        .map(|actor| gate.authenticator.csrf_token(actor));
    let uri = request
        .uri()
        .path_and_query()
        .map_or("/", |uri| uri.as_str());
    Ctx {
        lang: language(headers, actor.as_ref()),
        theme: cookie_value(headers, "bongsu_theme")
            .unwrap_or_default()
            .to_owned(),
        csrf: csrf.unwrap_or_default(),
        peer,
        is_htmx: headers.contains_key("hx-request"),
        flash: Flash::of(headers),
        uri: uri.to_owned(),
        env: gate.env.clone(),
        actor,
    }
}

/// The cookie wins over the account, so that a guest at somebody's screen can switch for a moment.
fn language(headers: &HeaderMap, actor: Option<&Actor>) -> Lang {
    let cookie = cookie_value(headers, "bongsu_lang").and_then(Lang::from_code);
    let browser = || {
        let list = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        list.split(',')
            .find_map(|item| Lang::from_code(item.trim().get(..2)?))
    };
    cookie
        .or_else(|| actor.and_then(|actor| actor.lang))
        .or_else(browser)
        .unwrap_or_default()
}
