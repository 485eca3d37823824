//! The disk under the server fills up: it refuses and says so, goes on answering, and recovers by itself.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use testkit::{TempDir, wait_until};

use crate::program::{PATIENCE, Program};

/// Takes what is left of a disk.
fn fill(path: &Path) {
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    for size in [65_536, 4_096, 256, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

fn failing(server: &Program) -> Vec<String> {
    let Some((_, text)) = server.ask("/readyz") else {
        return Vec::new();
    };
    let ready: Value = serde_json::from_str(&text).unwrap();
    let checks = ready["checks"].as_array().unwrap();
    let failing = checks.iter().filter(|check| check["ok"] == false);
    failing
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_full_disk_is_told_survived_and_left_behind() {
    testkit::on_small_disk(128, |disk| {
        let folder = TempDir::new();
        // The program's log and configuration lie elsewhere: they are the test's, not the server's.
        let data = folder.join("data");
        std::fs::create_dir(disk.join("data")).unwrap();
        std::os::unix::fs::symlink(disk.join("data"), &data).unwrap();
        let server = Program::fresh(&data);
        server.own_host();
        assert_eq!(failing(&server), Vec::<String>::new());

        let filler = disk.join("filler");
        let wanted = ["disk", "metrics-store", "records"];
        let told = wait_until(PATIENCE, || {
            // The ballast makes room once; that is taken, too.
            fill(&filler);
            let failing = failing(&server);
            wanted
                .iter()
                .all(|name| failing.iter().any(|one| one == name))
        });
        assert!(told, "{:?}", server.ask("/readyz"));
        let mut number = 0;
        let mut make = || {
            number += 1;
            let group = json!({ "name": format!("group {number}"), "selector": { "os": ["linux"] }, "why": "full" });
            server.attempt("/api/v1/groups", &group)
        };
        let mut answer = (0, String::new());
        let refused = wait_until(PATIENCE, || {
            fill(&filler);
            answer = make();
            answer.0 == 503 && answer.1.contains("disk")
        });
        assert!(refused, "{answer:?}");
        for path in [
            "/api/v1/problems",
            "/api/v1/agents",
            "/",
            "/metrics",
            "/healthz",
        ] {
            let (status, text) = server.ask(path).unwrap();
            assert_eq!(status, 200, "{path}: {text}");
        }

        std::fs::remove_file(&filler).unwrap();
        let recovered = wait_until(PATIENCE, || failing(&server).is_empty());
        assert!(recovered, "{:?}", server.ask("/readyz"));
        let done = wait_until(PATIENCE, || {
            answer = make();
            (200..300).contains(&answer.0)
        });
        assert!(done, "{answer:?}");
        server.own_host();
    });
}
