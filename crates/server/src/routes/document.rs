//! The API document, as JSON for programs and as a plain page for people.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use serde_json::Value;

/// The document in both forms, made once.
#[derive(Clone)]
pub(crate) struct Document {
    json: Arc<str>,
    page: Arc<str>,
}

impl Document {
    pub(crate) fn new(json: &Value) -> Self {
        let text = serde_json::to_string_pretty(json).unwrap_or_default();
        Self {
            json: text.into(),
            page: draw(json).into(),
        }
    }
}

pub(crate) async fn json(State(document): State<Document>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        document.json.to_string(),
    )
}

pub(crate) async fn page(State(document): State<Document>) -> Html<String> {
    Html(document.page.to_string())
}

/// A list of operations with parameters and bodies; no script, no style of its own.
fn draw(json: &Value) -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Bongsu API</title></head><body><main><h1>Bongsu API</h1>\
         <p>Authenticate with <code>Authorization: Bearer &lt;token&gt;</code>. Errors follow \
         RFC 9457. The machine-readable document is <a href=\"/api/openapi.json\">\
         /api/openapi.json</a>.</p>",
    );
    let empty = serde_json::Map::new();
    let paths = json["paths"].as_object().unwrap_or(&empty);
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap_or(&empty) {
            operation_of(&mut page, path, method, operation);
        }
    }
    page.push_str("</main></body></html>");
    page
}

fn operation_of(page: &mut String, path: &str, method: &str, operation: &Value) {
    let text = |value: &Value| escape(value.as_str().unwrap_or_default());
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<section><h2><code>{} {}</code></h2><p>{} (<code>{}</code>)</p>",
        method.to_uppercase(),
        escape(path),
        text(&operation["summary"]),
        text(&operation["x-bongsu-action"]),
    );
    let parameters = operation["parameters"].as_array();
    if let Some(list) = parameters.filter(|list| !list.is_empty()) {
        page.push_str("<ul>");
        for parameter in list {
            let _ = write!(
                page,
                "<li><code>{}</code> ({}): {}</li>",
                text(&parameter["name"]),
                text(&parameter["in"]),
                text(&parameter["description"]),
            );
        }
        page.push_str("</ul>");
    }
    let body = operation.pointer("/requestBody/content/application~1json/schema");
    if let Some(body) = body {
        let schema = serde_json::to_string_pretty(body).unwrap_or_default();
        let _ = write!(
            page,
            "<details><summary>Body</summary><pre>{}</pre></details>",
            escape(&schema)
        );
    }
    page.push_str("</section>");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
