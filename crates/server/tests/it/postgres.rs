//! The whole server with its records in PostgreSQL, over TLS: a problem opens, is told, survives a kill.

use std::time::Duration;

use serde_json::json;
use testkit::{HttpSink, Postgres, TempDir};

use crate::cli::{bongsu, complained, told};
use crate::program::{PATIENCE, Program, problem_of};

#[test]
fn the_server_on_postgresql() {
    let postgres = testkit::require_or_skip!(Postgres::start());
    let root = postgres.secure();
    let database = postgres.empty_database();
    let url = format!(
        "{}?sslmode=verify-full&sslrootcert={}",
        database.url,
        root.display()
    );
    let folder = TempDir::new();
    let data = folder.join("data");
    let config = data.with_extension("toml");
    let text = format!("database = \"{url}\"\n[outgoing]\nallow_local = true\n");
    std::fs::write(&config, text).unwrap();
    let sink = HttpSink::start();
    let server = Program::fresh(&data);
    assert!(!data.join("records.db").exists());
    server.own_host();
    server.webhook(&sink.url("/hook"));
    let rule = json!({ "why": "scenario", "rule": {
        "key": "always",
        "title": { "ko": "항상 참", "en": "Always true" },
        "group": "cpu",
        "target": { "kind": "host" },
        "signals": { "load": { "series": "node_load1", "unit": "count" } },
        "levels": [{ "severity": "major", "any": [{ "all": ["load >= 0"] }] }]
    }});
    server.call("POST", "/api/v1/rules", Some(&rule));
    let find = |server: &Program| {
        server.wait_for("the problem is open", "/api/v1/problems", |list| {
            Some(problem_of(list, "always")?.get("id")?.clone())
        })
    };
    let before = find(&server);
    assert_eq!(sink.wait_for(1, PATIENCE).len(), 1);
    let (status, ready) = server.ask("/readyz").unwrap();
    assert_eq!(status, 200, "{ready}");
    let port = server.port();
    server.kill();

    let server = Program::again(&data, port);
    assert_eq!(before, find(&server));
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(sink.requests().len(), 1, "nothing is told again");
    let config = config.to_str().unwrap();
    let place = ["--config", config, "--data-dir", data.to_str().unwrap()];
    let tokens = bongsu(
        &[&["token", "create", "--label", "x"], &place[..]].concat(),
        None,
    );
    assert!(
        told(&tokens).starts_with("bongsu_"),
        "{}",
        complained(&tokens)
    );
    let archive = folder.join("b.tar.zst");
    let to = [
        "backup",
        "--without-keys",
        "--to",
        archive.to_str().unwrap(),
    ];
    let backup = bongsu(&[&to[..], &place[..]].concat(), None);
    assert!(
        told(&backup).contains("the records are in PostgreSQL"),
        "{}",
        complained(&backup)
    );
}
