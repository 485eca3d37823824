//! The gate, asked over the router as a browser and a program would ask it.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use stdx::Env;

use crate::testing::Asked;
use crate::*;

async fn ask(request: Request<Body>) -> (StatusCode, String, Vec<AuditEntry>) {
    let mounted = Routes::new()
        .add(
            Endpoint::get("/api/v1/things", Action::view("thing.list")),
            async || "things",
        )
        .add(
            Endpoint::post("/api/v1/things", Action::operate("thing.make")),
            async || "made",
        )
        .add(
            Endpoint::get("/things", Action::view("thing.page")),
            async |ctx: Ctx| ctx.who().to_owned(),
        )
        .with_state(());
    let asked = Asked::new(mounted, Env::system());
    let answer = asked.send(request).await;
    let place = answer.header("location").to_owned();
    let text = if place.is_empty() { answer.text } else { place };
    (answer.status, text, asked.audit())
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Body::from(body.to_owned())).unwrap()
}

#[tokio::test]
async fn nobody_is_refused_as_json_and_sent_to_the_log_in_page_as_a_browser() {
    let (status, body, _) = ask(request("GET", "/api/v1/things", &[], "")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body.contains("\"code\":\"unauthenticated\""), "{body}");
    let (status, place, _) = ask(request("GET", "/things?a=b", &[], "")).await;
    assert_eq!(
        (status, place.as_str()),
        (StatusCode::SEE_OTHER, "/login?next=/things%3Fa%3Db")
    );
}

#[tokio::test]
async fn a_role_is_enough_or_the_refusal_is_audited() {
    let bearer = |role: &str| format!("Bearer {role}");
    let viewer = bearer("viewer");
    let (status, body, _) = ask(request(
        "GET",
        "/api/v1/things",
        &[("authorization", &viewer)],
        "",
    ))
    .await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "things"));
    let (status, _, lines) = ask(request(
        "POST",
        "/api/v1/things",
        &[("authorization", &viewer)],
        "",
    ))
    .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!((lines[0].action, lines[0].status), ("thing.make", 403));
    let operator = bearer("operator");
    let (status, _, lines) = ask(request(
        "POST",
        "/api/v1/things",
        &[("authorization", &operator)],
        "",
    ))
    .await;
    assert_eq!((status, lines.len()), (StatusCode::OK, 1));
}

#[tokio::test]
async fn a_browser_must_show_its_token_and_its_origin() {
    let cookie = ("cookie", "bongsu_session=operator");
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (headers, body, expected) in [
        (vec![cookie], "", StatusCode::FORBIDDEN),
        (vec![cookie, form], "csrf=wrong", StatusCode::FORBIDDEN),
        (vec![cookie, form], "a=1&csrf=right", StatusCode::OK),
        (vec![cookie, ("x-csrf-token", "right")], "", StatusCode::OK),
        (
            vec![
                cookie,
                ("x-csrf-token", "right"),
                ("sec-fetch-site", "cross-site"),
            ],
            "",
            StatusCode::FORBIDDEN,
        ),
        (
            vec![
                cookie,
                ("x-csrf-token", "right"),
                ("origin", "http://evil"),
                ("host", "b:1"),
            ],
            "",
            StatusCode::FORBIDDEN,
        ),
    ] {
        let (status, _, _) = ask(request("POST", "/api/v1/things", &headers, body)).await;
        assert_eq!(status, expected, "{headers:?} {body}");
    }
}

#[tokio::test]
async fn an_unknown_address_is_drawn_or_described() {
    let (status, body, _) = ask(request("GET", "/nowhere", &[], "")).await;
    assert_eq!(
        (status, body.as_str()),
        (StatusCode::NOT_FOUND, "<h1>not_found</h1>")
    );
    let (status, body, _) = ask(request("GET", "/api/v1/nowhere", &[], "")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.starts_with('{'), "{body}");
}

#[test]
fn the_document_lists_api_endpoints_only() {
    let mounted = Routes::new()
        .add(
            Endpoint::get("/api/v1/things/{id}", Action::view("thing.get")).summary("One thing"),
            async || "",
        )
        .add(
            Endpoint::get("/things", Action::view("thing.page")),
            async || "",
        )
        .with_state(());
    let document = openapi(&mounted.specs, "0.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.keys().collect::<Vec<_>>(), ["/api/v1/things/{id}"]);
    let operation = &document["paths"]["/api/v1/things/{id}"]["get"];
    assert_eq!(operation["operationId"], "get_things_id");
    assert_eq!(operation["parameters"][0]["name"], "id");
    assert!(document["components"]["schemas"]["ProblemDetails"].is_object());
}
