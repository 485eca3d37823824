//! The way in and out: the one-time password, the own page, other devices, the door closed again.

use std::sync::Arc;

use account::Gatekeeper;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use tower::ServiceExt;
use web::{ApiError, AuditEntry, AuditSink, BoxFuture, Gate, mount};

use crate::ground::Ground;

/// Remembers nothing.
struct Forgets;

impl AuditSink for Forgets {
    fn audit(&self, _: AuditEntry) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async { Ok(()) })
    }
}

/// A browser with its cookies, before the console as it is served.
struct Browser {
    router: Router,
    cookie: String,
}

struct Seen {
    status: u16,
    location: String,
    text: String,
}

impl Browser {
    fn new(ground: &Ground) -> Self {
        let (db, env) = (ground.desk.db.clone(), ground.desk.env.clone());
        let gatekeeper = Gatekeeper::new(db, [3; 32], env.clone());
        let gate = Gate {
            authenticator: gatekeeper.clone(),
            authorizer: gatekeeper,
            audit: Arc::new(Forgets),
            error_page: desk::error_pages(ground.desk.clone()),
            env,
        };
        let router = mount(desk::routes(ground.desk.clone()), gate);
        let cookie = "bongsu_lang=en".to_owned();
        Self { router, cookie }
    }

    async fn ask(&mut self, method: &str, path: &str, body: String) -> Seen {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let text = |name| {
            parts
                .headers
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
        };
        for kept in parts.headers.get_all(header::SET_COOKIE) {
            let kept = kept.to_str().unwrap();
            if kept.starts_with("bongsu_session=") {
                let pair = kept.split(';').next().unwrap_or("");
                self.cookie = format!("bongsu_lang=en; {pair}");
            }
        }
        let location = text(header::LOCATION).to_owned();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Seen {
            status: parts.status.as_u16(),
            location,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    async fn get(&mut self, path: &str) -> Seen {
        self.ask("GET", path, String::new()).await
    }

    /// Fills in a form of a page, with the token that the page carries.
    async fn send(&mut self, page: &str, path: &str, form: &[(&str, &str)]) -> Seen {
        let html = self.get(page).await.text;
        let mut token = html.split("name=\"csrf\" value=\"").skip(1);
        let token = token
            .next()
            .and_then(|rest| rest.split('"').next())
            .unwrap_or("");
        let pairs = form
            .iter()
            .map(|(key, value)| format!("{key}={}", ui::encode(value)));
        let mut body: Vec<String> = pairs.collect();
        body.push(format!("csrf={token}"));
        self.ask("POST", path, body.join("&")).await
    }

    async fn log_in(&mut self, name: &str, password: &str) -> Seen {
        let form = [
            ("name", name),
            ("password", password),
            ("next", "/problems"),
        ];
        self.send("/login", "/login", &form).await
    }
}

#[tokio::test]
async fn the_first_password_opens_only_the_page_for_a_new_one() {
    let ground = Ground::empty().await;
    let (login, first) = ground.desk.accounts.bootstrap().await.unwrap().unwrap();
    let mut browser = Browser::new(&ground);
    assert_eq!(
        browser.get("/problems").await.location,
        "/login?next=/problems"
    );
    let wrong = browser.log_in(&login, "not this one").await;
    assert_eq!(wrong.status, 401, "{}", wrong.text);
    assert_eq!(browser.log_in(&login, &first).await.location, "/problems");
    assert_eq!(browser.get("/problems").await.location, "/me/password");
    let form = [
        ("current", first.as_str()),
        ("password", "long enough 7"),
        ("again", "other"),
    ];
    let differ = browser.send("/me/password", "/me/password", &form).await;
    assert_eq!(differ.status, 422, "{}", differ.text);
    let form = [form[0], form[1], ("again", "long enough 7")];
    assert_eq!(
        browser
            .send("/me/password", "/me/password", &form)
            .await
            .location,
        "/"
    );
    assert_eq!(browser.get("/problems").await.status, 200);
}

#[tokio::test]
async fn everybody_has_a_page_of_their_own_and_ends_other_devices() {
    let ground = Ground::empty().await;
    let (login, first) = ground.desk.accounts.bootstrap().await.unwrap().unwrap();
    let mut here = Browser::new(&ground);
    here.log_in(&login, &first).await;
    let form = [
        ("current", first.as_str()),
        ("password", "long enough 7"),
        ("again", "long enough 7"),
    ];
    here.send("/me/password", "/me/password", &form).await;
    let mut there = Browser::new(&ground);
    there.log_in(&login, "long enough 7").await;
    let form = [
        ("display", "김관제"),
        ("lang", "ko"),
        ("time_zone", "Asia/Seoul"),
        ("revision", "1"),
    ];
    let page = here.get("/me").await.text;
    let revision = page.split("name=\"revision\" value=\"").nth(1).unwrap();
    let revision = revision.split('"').next().unwrap();
    let form = [form[0], form[1], form[2], ("revision", revision)];
    assert_eq!(here.send("/me", "/me", &form).await.location, "/me");
    let page = here.get("/me").await.text;
    assert!(
        page.contains("김관제") && page.contains("Asia/Seoul"),
        "{page}"
    );
    let end = page.split("action=\"/me/sessions/").nth(1).unwrap();
    let end = format!("/me/sessions/{}", end.split('"').next().unwrap());
    assert_eq!(here.send("/me", &end, &[]).await.location, "/me");
    assert_eq!(
        there.get("/problems").await.location,
        "/login?next=/problems"
    );
    assert_eq!(here.send("/me", "/logout", &[]).await.location, "/login");
    assert_eq!(here.get("/me").await.location, "/login?next=/me");
}
