//! The server is killed between a problem and its notice: nothing is lost, re-opened or repeated.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{HttpReply, HttpSink, TempDir};

use crate::program::{PATIENCE, Program, problem_of};

fn rule() -> Value {
    json!({ "why": "scenario", "rule": {
        "key": "always",
        "title": { "ko": "항상 참", "en": "Always true" },
        "group": "cpu",
        "target": { "kind": "host" },
        "signals": { "load": { "series": "node_load1", "unit": "count" } },
        "levels": [{ "severity": "major", "any": [{ "all": ["load >= 0"] }] }]
    }})
}

#[test]
fn killed_between_problem_and_notice() {
    let sink = HttpSink::start();
    let folder = TempDir::new();
    let data = folder.join("data");
    let server = Program::fresh(&data);
    server.own_host();
    server.webhook(&sink.url("/hook"));
    sink.reply(HttpReply::Hang);
    server.call("POST", "/api/v1/rules", Some(&rule()));
    let before = server.wait_for("the problem opens", "/api/v1/problems", |list| {
        Some(problem_of(list, "always")?["id"].clone())
    });
    let _ = sink.wait_for(1, PATIENCE);
    let port = server.port();
    server.kill();
    sink.reply(HttpReply::Status(200));

    let tried = sink.requests().len();
    let server = Program::again(&data, port);
    let told = sink.wait_for(tried.max(1) + 1, PATIENCE);
    let key = |at: usize| told[at].header("idempotency-key").map(str::to_owned);
    assert_eq!(key(0), key(told.len() - 1), "sent again with the same key");
    let after = server.wait_for("the problem is still open", "/api/v1/problems", |list| {
        Some(problem_of(list, "always")?["id"].clone())
    });
    assert_eq!(before, after, "a restart opens nothing again");
    let count = sink.requests().len();
    std::thread::sleep(Duration::from_secs(12));
    assert_eq!(sink.requests().len(), count, "and repeats nothing");
}
