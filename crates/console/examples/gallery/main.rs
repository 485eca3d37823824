//! Serves every page with sample data in every state, so that pages can be looked at and judged.
//!
//! `cargo run -p console --example gallery -- --listen 127.0.0.1:7790`; the address bar chooses:
//! `?size=empty|10|10000&lang=ko|en&theme=auto|light|dark`, kept in cookies.

#![expect(clippy::indexing_slicing, reason = "made-up data of known shape")]

mod graphs;
mod live;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use clap::Parser;
use console::samples::{self, Size};
use console::views::{BoardFilter, LoginView, PasswordView, Range};
use model::Lang;
use ui::{PageContext, Theme};

/// The gallery's options.
#[derive(Parser)]
struct Options {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:7790")]
    listen: SocketAddr,
}

/// What every handler needs.
#[derive(Clone)]
struct Gallery {
    env: stdx::Env,
    live: Arc<live::Live>,
}

/// What one visitor chose, by address or cookie.
struct Choice {
    lang: Lang,
    theme: Theme,
    size: Size,
    query: HashMap<String, String>,
    now_ms: i64,
}

impl Choice {
    fn new(gallery: &Gallery, headers: &HeaderMap, query: HashMap<String, String>) -> Self {
        let cookies = headers
            .get(header::COOKIE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("");
        let pick = |name: &str| {
            let cookie = || {
                let mut pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
                pairs
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| value.to_owned())
            };
            query.get(name).cloned().or_else(cookie).unwrap_or_default()
        };
        let size = pick("size");
        Self {
            lang: Lang::from_code(&pick("lang")).unwrap_or_default(),
            theme: Theme::from_name(&pick("theme")),
            size: Size::ALL
                .into_iter()
                .find(|s| s.name() == size)
                .unwrap_or(Size::Ten),
            query,
            now_ms: gallery.env.clock.now_ms(),
        }
    }

    fn context(&self, path: &str) -> PageContext {
        samples::context(self.lang, self.theme, self.size, path, self.now_ms)
    }

    fn get(&self, key: &str) -> String {
        self.query.get(key).cloned().unwrap_or_default()
    }
}

type Asked = Query<HashMap<String, String>>;

async fn board(
    State(gallery): State<Gallery>,
    headers: HeaderMap,
    Query(query): Asked,
) -> Response {
    let choice = Choice::new(&gallery, &headers, query);
    let filter = BoardFilter {
        text: choice.get("q"),
        group: choice.get("group"),
        severity: choice.get("severity"),
        only_bad: choice.get("bad") == "1",
        sort: choice.get("sort"),
        view: choice.get("view"),
    };
    let mut view = samples::board(choice.lang, choice.size, filter, choice.now_ms);
    view.wall = choice.get("wall") == "1";
    console::board(&choice.context("/"), &view).into_response()
}

async fn board_problems(
    State(gallery): State<Gallery>,
    headers: HeaderMap,
    Query(query): Asked,
) -> Response {
    let choice = Choice::new(&gallery, &headers, query);
    let rows = gallery.live.rows(choice.size);
    let lines = samples::problem_lines(choice.lang, &rows, choice.now_ms);
    let (total, hosts) = (lines.len(), u32::try_from(rows.len()).unwrap_or(u32::MAX));
    let first: Vec<_> = lines.into_iter().take(60).collect();
    console::board_problems(&choice.context("/"), &first, total, hosts).into_response()
}

async fn host(State(gallery): State<Gallery>, headers: HeaderMap, Query(query): Asked) -> Response {
    let choice = Choice::new(&gallery, &headers, query);
    let asked = choice.get("range");
    let (preset, length_ms) = console::RANGES
        .into_iter()
        .find(|(name, _)| *name == asked)
        .unwrap_or(("1h", 3_600_000));
    let now_ms = choice.now_ms;
    let range = Range {
        from_ms: now_ms - length_ms,
        to_ms: now_ms,
        preset,
    };
    let view = samples::host(choice.lang, choice.size, range, now_ms);
    console::host(&choice.context("/hosts/x"), &view).into_response()
}

async fn problems(
    State(gallery): State<Gallery>,
    headers: HeaderMap,
    Query(query): Asked,
) -> Response {
    let choice = Choice::new(&gallery, &headers, query);
    let gallery_keys = ["size", "lang", "theme"];
    let pairs = choice.query.clone().into_iter();
    let list = ui::ListQuery::new(pairs.filter(|(key, _)| !gallery_keys.contains(&key.as_str())));
    let view = samples::problems(choice.lang, choice.size, list, choice.now_ms);
    console::problems(&choice.context("/problems"), &view).into_response()
}

async fn problem(
    State(gallery): State<Gallery>,
    headers: HeaderMap,
    Query(query): Asked,
) -> Response {
    let choice = Choice::new(&gallery, &headers, query);
    let closed = choice.get("closed") == "1";
    let context = choice.context("/problems/x");
    match samples::problem(choice.lang, choice.size, closed, choice.now_ms) {
        Some(view) => console::problem(&context, &view).into_response(),
        None => ui::failure_page(&context, ui::Failure::NotFound, "P-1042").into_response(),
    }
}

async fn login(
    State(gallery): State<Gallery>,
    headers: HeaderMap,
    Query(query): Asked,
) -> Response {
    let choice = Choice::new(&gallery, &headers, query);
    let mut context = choice.context("/login");
    context.user = None;
    let error = match (choice.get("error") == "1", choice.lang) {
        (false, _) => String::new(),
        (true, Lang::Ko) => "이름이나 비밀번호가 맞지 않습니다.".to_owned(),
        (true, Lang::En) => "The name or the password is wrong.".to_owned(),
    };
    let view = LoginView {
        error,
        first_run: choice.size == Size::Empty,
        ..LoginView::default()
    };
    console::login(&context, &view).into_response()
}

async fn password(
    State(gallery): State<Gallery>,
    headers: HeaderMap,
    Query(query): Asked,
) -> Response {
    let choice = Choice::new(&gallery, &headers, query);
    let mut errors = ui::FieldErrors::default();
    if choice.get("error") == "1" {
        errors.add("again", "두 비밀번호가 다릅니다 / The passwords differ");
    }
    let view = PasswordView {
        errors,
        first: true,
        chars_min: 12,
    };
    console::password(&choice.context("/me/password"), &view).into_response()
}

async fn generic(
    State(gallery): State<Gallery>,
    headers: HeaderMap,
    axum::extract::Path(name): axum::extract::Path<String>,
    Query(query): Asked,
) -> Response {
    let choice = Choice::new(&gallery, &headers, query);
    let context = choice.context("/agents");
    let pages = samples::generic_pages(&context, choice.size);
    match pages.into_iter().find(|(known, _)| *known == name) {
        Some((_, page)) => page.into_response(),
        None => ui::failure_page(&context, ui::Failure::NotFound, &name).into_response(),
    }
}

async fn preferences(body: String) -> Response {
    let mut response = Redirect::to("/").into_response();
    for pair in body.split('&') {
        if let Some((key @ ("lang" | "theme"), value)) = pair.split_once('=')
            && let Ok(cookie) = HeaderValue::from_str(&format!("{key}={value}; Path=/"))
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// Sends the policy with every page and keeps what the address chose in cookies.
async fn dress(request: axum::extract::Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or("").to_owned();
    let mut response = next.run(request).await;
    let policy = HeaderValue::from_static(ui::CONTENT_SECURITY_POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    for pair in query.split('&') {
        if let Some((key @ ("lang" | "theme" | "size"), value)) = pair.split_once('=')
            && let Ok(cookie) = HeaderValue::from_str(&format!("{key}={value}; Path=/"))
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let env = stdx::Env::system();
    let gallery = Gallery {
        live: live::Live::start(&env),
        env,
    };
    let app = Router::new()
        .route("/", get(board))
        .route("/board/problems", get(board_problems))
        .route("/board/snapshot", get(live::snapshot))
        .route("/board/events", get(live::events))
        .route("/hosts/{id}", get(host))
        .route("/problems", get(problems))
        .route("/problems/{id}", get(problem))
        .route("/generic/{name}", get(generic))
        .route("/login", get(login))
        .route("/me/password", get(password))
        .route("/api/v1/graph", get(graphs::graph))
        .route("/preferences", post(preferences))
        .merge(ui::assets::router())
        .layer(tower_http::compression::CompressionLayer::new())
        .layer(middleware::from_fn(dress))
        .with_state(gallery);
    let listener = tokio::net::TcpListener::bind(options.listen).await?;
    println!(
        "gallery: http://{}/?size=10&lang=ko",
        listener.local_addr()?
    );
    axum::serve(listener, app).await?;
    Ok(())
}
