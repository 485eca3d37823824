//! A request with an `Idempotency-Key` has one effect, also when the server is killed in between.

use std::process::Command;

use serde_json::{Value, json};
use testkit::TempDir;

use crate::cli::{bongsu, told};
use crate::program::Program;

/// Asks with a token and a key: status, whether the answer was kept, body.
fn post(server: &Program, token: &str, key: &str, body: &Value) -> (u16, bool, Value) {
    let output = Command::new("curl")
        .args([
            "-s",
            "-i",
            "-X",
            "POST",
            "-H",
            "content-type: application/json",
        ])
        .args(["-H", &format!("authorization: Bearer {token}")])
        .args(["-H", &format!("idempotency-key: {key}")])
        .args(["-d", &body.to_string()])
        .arg(format!("http://127.0.0.1:{}/api/v1/tokens", server.port()))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    let kept = head.contains("idempotent-replayed: true");
    (status, kept, serde_json::from_str(body).unwrap())
}

#[test]
fn a_repeated_request_gets_the_first_answer_over_a_kill() {
    let folder = TempDir::new();
    let data = folder.join("data");
    let server = Program::fresh(&data);
    let made = bongsu(
        &[
            "token",
            "create",
            "--label",
            "ci",
            "--role",
            "administrator",
            "--data-dir",
            data.to_str().unwrap(),
        ],
        None,
    );
    let token = told(&made).trim().to_owned();
    let body = json!({ "label": "once", "role": "viewer", "days": 1 });
    let (status, kept, first) = post(&server, &token, "k-1", &body);
    assert_eq!((status, kept), (201, false), "{first}");
    let port = server.port();
    server.kill();
    let records = std::fs::read(data.join("records.db")).unwrap();
    let log = std::fs::read(data.join("records.db-wal")).unwrap_or_default();
    let secret = first["secret"].as_str().unwrap().as_bytes();
    for bytes in [records, log] {
        let found = bytes.windows(secret.len()).any(|part| part == secret);
        assert!(!found, "the secret is sealed at rest");
    }

    let server = Program::again(&data, port);
    let (status, kept, again) = post(&server, &token, "k-1", &body);
    assert_eq!((status, kept), (201, true), "{again}");
    assert_eq!(first, again);
    let other = json!({ "label": "another", "role": "viewer", "days": 1 });
    let (status, _, refused) = post(&server, &token, "k-1", &other);
    assert_eq!(status, 422, "{refused}");
    assert_eq!(refused["code"], "idempotency_key_reused");
    let list = server.call("GET", "/api/v1/tokens?all=true", None);
    let named = |label: &str| {
        let items = list["items"].as_array().unwrap().iter();
        items.filter(|item| item["label"] == label).count()
    };
    assert_eq!((named("once"), named("another")), (1, 0));
}
