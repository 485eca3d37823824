//! A disk fills up and is freed again: one problem of the right severity, two paired notices.

use serde_json::json;
use testkit::{HttpSink, TempDir};

use crate::program::{PATIENCE, Program, problem_of};

#[test]
fn disk_full() {
    testkit::on_small_disk(32, |disk| {
        let sink = HttpSink::start();
        let folder = TempDir::new();
        let server = Program::fresh(&folder.join("data"));
        let host = server.own_host();
        server.webhook(&sink.url("/hook"));
        let mount = disk.to_str().unwrap();
        let series = format!("bongsu_filesystem_used_ratio{{mountpoint=\"{mount}\"}}");
        let rule = json!({ "why": "scenario", "rule": {
            "key": "small-disk",
            "title": { "ko": "작은 디스크", "en": "Small disk" },
            "group": "disk",
            "target": { "kind": "filesystem", "by": ["mountpoint"] },
            "signals": { "used": { "series": series, "unit": "ratio", "clear_by": "3%" } },
            "levels": [
                { "severity": "minor", "any": [{ "all": ["used > 50%"] }] },
                { "severity": "major", "any": [{ "all": ["used > 80%"] }] }
            ],
            "notify_from": "minor"
        }});
        server.call("POST", "/api/v1/rules", Some(&rule));

        let file = disk.join("growing");
        std::fs::write(&file, vec![7; 29 * 1024 * 1024]).unwrap();
        let number = server.wait_for("the problem opens", "/api/v1/problems", |list| {
            let problem = problem_of(list, "small-disk")?;
            assert_eq!(problem["severity"], "major", "{problem:#}");
            assert_eq!(problem["target"]["host"], host.as_str());
            assert_eq!(problem["target"]["key"], mount);
            problem["number"].as_str().map(str::to_owned)
        });
        let told = sink.wait_for(1, PATIENCE);
        assert!(told[0].text().contains(&number), "{}", told[0].text());

        std::fs::remove_file(&file).unwrap();
        server.wait_for("the problem closes", "/api/v1/problems", |list| {
            problem_of(list, "small-disk").is_none().then_some(())
        });
        let told = sink.wait_for(2, PATIENCE);
        assert!(told[1].text().contains(&number), "{}", told[1].text());
        let detail = server.call("GET", &format!("/api/v1/problems/{number}"), None);
        assert_eq!(detail["problem"]["close_reason"], "recovered", "{detail:#}");
        assert_eq!(sink.requests().len(), 2, "no third notice");
    });
}
