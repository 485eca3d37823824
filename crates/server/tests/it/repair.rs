//! A watched process dies: its script brings it back, or fails and says so.

use std::process::Command;

use serde_json::{Value, json};
use testkit::{HttpRequest, HttpSink, TempDir};

use crate::program::{PATIENCE, Program, problem_of};

/// A daemon that only this scenario can have started, told apart by how long it sleeps.
struct Daemon {
    seconds: u32,
}

impl Daemon {
    fn start() -> Self {
        // Linux gives process ids below 2^22: no other scenario sleeps so long.
        let daemon = Self {
            seconds: 100_000_000 + std::process::id(),
        };
        assert!(daemon.sh(&daemon.start_line()));
        daemon
    }

    fn start_line(&self) -> String {
        format!("setsid sleep {} </dev/null >/dev/null 2>&1 &", self.seconds)
    }

    fn pattern(&self) -> String {
        format!("^sleep {}$", self.seconds)
    }

    fn end(&self) -> bool {
        self.sh(&format!("pkill -f '{}'", self.pattern()))
    }

    fn sh(&self, script: &str) -> bool {
        Command::new("sh")
            .args(["-c", script])
            .status()
            .unwrap()
            .success()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}

/// Watches the daemon, and lets a script with this text repair it.
fn watch_and_bind(server: &Program, host: &str, daemon: &Daemon, body: &str) {
    let watched = json!({
        "name": "worker", "for": [{ "kind": "host", "id": host }],
        "what": { "kind": "process", "pattern": daemon.pattern() }
    });
    server.call("POST", "/api/v1/watched", Some(&watched));
    let script = json!({
        "name": "start worker", "body": body, "time_limit_ms": 20_000, "max_runs": 3,
        "window_ms": 600_000, "cooldown_ms": 1_000, "verify_ms": 60_000, "mode": "automatic"
    });
    let script = server.call("POST", "/api/v1/scripts", Some(&script));
    let id = script["id"].as_str().unwrap();
    let approve = json!({ "version": script["version"] });
    server.call(
        "POST",
        &format!("/api/v1/scripts/{id}/approve"),
        Some(&approve),
    );
    let rule = server.wait_for("the default rule", "/api/v1/rules?limit=500", |rules| {
        let list = rules["items"].as_array()?;
        let rule = list
            .iter()
            .find(|rule| rule["rule"]["key"] == "process-gone")?;
        rule["id"].as_str().map(str::to_owned)
    });
    let binding = json!({ "rule": rule, "script": id, "from_severity": "warning" });
    server.call("PUT", "/api/v1/script-bindings", Some(&binding));
    server.allow(script["hash"].as_str().unwrap());
}

/// What happened to whom, of every notice that arrived: event and problem number.
fn told(sink: &HttpSink) -> Vec<String> {
    let event = |request: &HttpRequest| {
        let notice: Value = serde_json::from_slice(&request.body).unwrap();
        notice["event"].as_str().unwrap().to_owned()
    };
    sink.requests().iter().map(event).collect()
}

struct Room {
    sink: HttpSink,
    server: Program,
    daemon: Daemon,
    _folder: TempDir,
}

impl Room {
    /// A server that watches a daemon which a script with this text is to repair.
    fn with(body: impl Fn(&Daemon) -> String) -> Self {
        let sink = HttpSink::start();
        let folder = TempDir::new();
        let server = Program::fresh(&folder.join("data"));
        let host = server.own_host();
        server.webhook(&sink.url("/hook"));
        let daemon = Daemon::start();
        watch_and_bind(&server, &host, &daemon, &body(&daemon));
        let status = "/api/v1/rules/process-gone/status";
        server.wait_for("it is seen to run", status, |status| {
            (status["by_severity"]["normal"] == 1).then_some(())
        });
        Self {
            sink,
            server,
            daemon,
            _folder: folder,
        }
    }

    /// Waits until the script's run is in a state; returns it.
    fn run(&self, state: &str) -> Value {
        let what = format!("the run is {state}");
        self.server.wait_for(&what, "/api/v1/script-runs", |runs| {
            let run = runs["items"].as_array()?.first()?;
            (run["state"] == state).then(|| run.clone())
        })
    }

    fn problem(&self) -> Value {
        let all = "/api/v1/problems?state=all";
        self.server.wait_for("the problem", all, |list| {
            problem_of(list, "process-gone").cloned()
        })
    }
}

#[test]
fn process_dies_and_is_repaired() {
    let room = Room::with(|daemon| format!("#!/bin/sh\necho starting\n{}\n", daemon.start_line()));
    assert!(room.daemon.end());
    let run = room.run("verified");
    assert!(
        run["transcript"]
            .as_str()
            .unwrap()
            .contains("out | starting"),
        "{run}"
    );
    let problem = room.problem();
    assert_eq!(run["problem"], problem["id"]);
    assert_eq!(problem["highest"], "major");
    assert_ne!(problem["closed_ms"], Value::Null);
    let _ = room.sink.wait_for(2, PATIENCE);
    assert_eq!(told(&room.sink), ["opened", "recovered"]);
    let page = room.server.page(&format!(
        "/problems/{}",
        problem["number"].as_str().unwrap()
    ));
    assert!(page.contains("start worker"), "the run is on its page");
}

#[test]
fn script_fails_and_escalates() {
    let room = Room::with(|_| "#!/bin/sh\necho no licence >&2\nexit 3\n".to_owned());
    assert!(room.daemon.end());
    let run = room.run("failed");
    assert_eq!(run["exit_code"], 3, "{run}");
    assert_eq!(room.problem()["closed_ms"], Value::Null);
    let notices = room.sink.wait_for(2, PATIENCE);
    assert_eq!(told(&room.sink), ["opened", "repair_failed"]);
    let last = notices[1].text();
    assert!(last.contains("start worker: exit code 3"), "{last}");
}
