//! Notices that must wait: a maintenance over a failure, and a channel that is down.

use serde_json::{Value, json};
use testkit::{HttpReply, HttpSink, TempDir};

use crate::program::{PATIENCE, Program, problem_of, wait_until_told};

/// A rule that holds on this machine whenever it is switched on.
fn always() -> Value {
    json!({ "why": "scenario", "rule": {
        "key": "always",
        "title": { "ko": "항상 참", "en": "Always true" },
        "group": "cpu",
        "target": { "kind": "host" },
        "signals": { "load": { "series": "node_load1", "unit": "count" } },
        "levels": [{ "severity": "major", "any": [{ "all": ["load >= 0"] }] }]
    }})
}

/// Switches the rule off, which ends its problem.
fn switch_off(server: &Program, problem: &Value) {
    let off = json!({ "do": "disable", "ids": [problem["rule"]], "why": "scenario" });
    server.call("POST", "/api/v1/rules/actions", Some(&off));
}

fn open_problem(server: &Program) -> Value {
    server.wait_for("the problem opens", "/api/v1/problems", |list| {
        problem_of(list, "always").cloned()
    })
}

#[test]
fn maintenance_over_a_failure() {
    let sink = HttpSink::start();
    let folder = TempDir::new();
    let server = Program::fresh(&folder.join("data"));
    let host = server.own_host();
    server.webhook(&sink.url("/hook"));
    let hours = json!({ "is": "once", "from_ms": 0, "to_ms": 4_102_444_800_000_i64 });
    let plan = json!({
        "name": "disk swap", "reason": "scenario", "when": hours, "scope": { "hosts": [host] }
    });
    let plan = server.call("POST", "/api/v1/maintenances", Some(&plan));
    server.call("POST", "/api/v1/rules", Some(&always()));
    let problem = open_problem(&server);
    assert_eq!(problem["marks"], json!(["maintenance"]), "{problem:#}");
    let held = "/api/v1/ledger?reason=held_maintenance";
    server.wait_for("the decision is written down", held, |rows| {
        rows["items"].as_array()?.first().map(drop)
    });
    assert!(
        sink.requests().is_empty(),
        "nobody is told in a maintenance"
    );
    let cancel = format!(
        "/api/v1/maintenances/{}/cancel",
        plan["id"].as_str().unwrap()
    );
    server.call("POST", &cancel, None);
    wait_until_told(&sink, &problem, &["still_bad"]);
    switch_off(&server, &problem);
    wait_until_told(&sink, &problem, &["still_bad", "recovered"]);
}

#[test]
fn channel_down_and_back() {
    let sink = HttpSink::start();
    let folder = TempDir::new();
    let data = folder.join("data");
    let server = Program::fresh(&data);
    server.own_host();
    server.webhook(&sink.url("/hook"));
    sink.reply(HttpReply::Status(503));
    server.call("POST", "/api/v1/rules", Some(&always()));
    let problem = open_problem(&server);
    let tries = sink.wait_for(3, PATIENCE);
    let waiting = server.wait_for("it waits for its channel", "/api/v1/ledger", |rows| {
        let row = rows["items"].as_array()?.first()?;
        (row["attempts"].as_i64()? >= 3).then(|| row.clone())
    });
    assert_eq!(waiting["done_ms"], Value::Null, "{waiting:#}");
    let port = server.port();
    server.kill();
    sink.reply(HttpReply::Status(200));

    let server = Program::again(&data, port);
    server.wait_for(
        "it is delivered at last",
        "/api/v1/ledger?reason=sent",
        |rows| rows["items"].as_array()?.first().map(drop),
    );
    let all = sink.requests();
    assert!(all.len() > tries.len());
    wait_until_told(&sink, &problem, &["opened"]);
    switch_off(&server, &problem);
    wait_until_told(&sink, &problem, &["opened", "recovered"]);
}
