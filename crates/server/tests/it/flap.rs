//! A network interface goes up and down all the time: told once, not with every change.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{HttpSink, TempDir};

use crate::program::{PATIENCE, Program, told};

/// Pulls out or plugs in the other end of `nic0`.
fn plug(state: &str) {
    let ip = Command::new("ip")
        .args(["link", "set", "nic1", state])
        .status();
    assert!(ip.unwrap().success());
}

fn rule() -> Value {
    json!({ "why": "scenario", "rule": {
        "key": "nic-down",
        "title": { "ko": "인터페이스 끊김", "en": "Interface down" },
        "group": "network",
        "target": { "kind": "interface", "by": ["device"] },
        "signals": {
            "up": { "series": "node_network_up{device=\"nic0\"}", "unit": "bool", "clear_by": "0" }
        },
        "levels": [{ "severity": "major", "any": [{ "all": ["up < 1"] }] }]
    }})
}

#[test]
fn flapping_nic() {
    testkit::on_small_machine(1, |_| {
        let sink = HttpSink::start();
        let folder = TempDir::new();
        let server = Program::with_config(&folder.join("data"), "interval = \"1s\"\n");
        server.own_host();
        server.webhook(&sink.url("/hook"));
        server.call("POST", "/api/v1/rules", Some(&rule()));
        let status = "/api/v1/rules/nic-down/status";
        server.wait_for("it is judged", status, |status| {
            (status["by_severity"]["normal"] == 1).then_some(())
        });
        for _ in 0..10 {
            plug("down");
            std::thread::sleep(Duration::from_millis(2_200));
            plug("up");
            std::thread::sleep(Duration::from_millis(2_200));
        }
        let _ = sink.wait_for(1, PATIENCE);
        let told = told(&sink);
        assert_eq!(told[0].0, "opened", "the first is always told");
        // Ten problems and ten recoveries; until the guard has seen enough changes it lets pass.
        assert!(told.len() <= 8, "{told:?}");
        let held = server.call("GET", "/api/v1/ledger?reason=held_flapping", None);
        let held = held["items"].as_array().unwrap().len();
        assert!(
            told.len() + held >= 20,
            "every decision is written down: {held}"
        );
    });
}
