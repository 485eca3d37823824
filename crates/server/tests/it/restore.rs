//! A server is backed up while it runs and restored elsewhere: its agents, problems and notices go on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{HttpSink, TempDir};

use crate::agent::{Agent, enrol};
use crate::cli::{bongsu, complained, told};
use crate::program::{PATIENCE, Program, problem_of};

const PASSPHRASE: &str = "five fires on the hill";
const CONFIG: &str = "watch_self = false\n[outgoing]\nallow_local = true\n";

fn rules(threshold: &str) -> Value {
    json!({ "version": 1, "rules": [{
        "key": "always",
        "title": { "ko": "항상 참", "en": "Always true" },
        "group": "cpu",
        "target": { "kind": "host" },
        "signals": { "load": { "series": "node_load1", "unit": "count" } },
        "levels": [{ "severity": "major", "any": [{ "all": [format!("load >= {threshold}")] }] }]
    }]})
}

fn open_problem(server: &Program) -> Value {
    server.wait_for("the problem is open", "/api/v1/problems", |list| {
        problem_of(list, "always").cloned()
    })
}

fn connected(server: &Program) -> Value {
    server.wait_for("the agent is connected", "/api/v1/agents", |agents| {
        let mut items = agents["items"].as_array()?.iter();
        items.find(|agent| agent["connected"] == true).cloned()
    })
}

fn backup(data: &Path, to: &Path) {
    let passphrase = data.with_extension("passphrase");
    std::fs::write(&passphrase, PASSPHRASE).unwrap();
    let done = bongsu(
        &[
            "backup",
            "--data-dir",
            data.to_str().unwrap(),
            "--to",
            to.to_str().unwrap(),
            "--passphrase-file",
            passphrase.to_str().unwrap(),
        ],
        None,
    );
    assert!(done.status.success(), "{}", complained(&done));
}

fn restore(from: &Path, data: &Path, more: &[&str]) -> std::process::Output {
    let passphrase = from.with_extension("passphrase");
    std::fs::write(&passphrase, PASSPHRASE).unwrap();
    let of = [
        "restore",
        "--from",
        from.to_str().unwrap(),
        "--data-dir",
        data.to_str().unwrap(),
        "--passphrase-file",
        passphrase.to_str().unwrap(),
    ];
    bongsu(&[&of[..], more].concat(), None)
}

#[test]
fn restored_on_another_port_with_its_agents() {
    let folder = TempDir::new();
    let sink = HttpSink::start();
    let data = folder.join("data");
    std::fs::write(data.with_extension("toml"), CONFIG).unwrap();
    let server = Program::fresh(&data);
    server.webhook(&sink.url("/hook"));
    let agent_folder = folder.join("agent");
    enrol(&agent_folder, &server, server.port() + 1);
    let agent = Agent::run(&agent_folder);
    let before = connected(&server);
    let path = "/api/v1/rule-document?why=scenario";
    server.call("POST", path, Some(&rules("0")));
    let problem = open_problem(&server);
    let told_before = sink.wait_for(1, PATIENCE).len();

    let archive = folder.join("whole.tar.zst");
    backup(&data, &archive);
    drop(agent);
    server.kill();

    let elsewhere = folder.join("elsewhere");
    let restored = restore(&archive, &elsewhere, &[]);
    assert!(restored.status.success(), "{}", complained(&restored));
    std::fs::write(elsewhere.with_extension("toml"), CONFIG).unwrap();
    let server = Program::again(&elsewhere, testkit::free_ports(3));
    let settings = agent_folder.join("agent.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let moved = text
        .lines()
        .map(|line| match line.strip_prefix("server = ") {
            Some(_) => format!("server = \"127.0.0.1:{}\"", server.port() + 1),
            None => line.to_owned(),
        });
    let moved: Vec<String> = moved.collect();
    std::fs::write(&settings, moved.join("\n")).unwrap();
    let _agent = Agent::run(&agent_folder);

    let after = connected(&server);
    assert_eq!(
        (&before["id"], &before["host"]),
        (&after["id"], &after["host"]),
        "the agent keeps its identity"
    );
    assert_eq!(open_problem(&server)["id"], problem["id"]);
    std::thread::sleep(Duration::from_secs(12));
    assert_eq!(
        open_problem(&server)["id"],
        problem["id"],
        "nothing opens again"
    );
    let all = server.call("GET", "/api/v1/problems?state=closed", None);
    assert!(problem_of(&all, "always").is_none(), "{all:#}");
    assert_eq!(sink.requests().len(), told_before, "no notice is repeated");

    server.call("POST", path, Some(&rules("1000000")));
    let told_after = sink.wait_for(told_before + 1, PATIENCE);
    let last = &told_after.last().unwrap().body;
    let last = String::from_utf8_lossy(last).into_owned();
    assert!(
        last.contains(problem["id"].as_str().unwrap()),
        "the recovery goes to whoever was told: {last}"
    );
}

#[test]
fn a_damaged_newer_or_locked_backup_is_refused_and_leaves_nothing() {
    let folder = TempDir::new();
    let data = folder.join("data");
    std::fs::write(data.with_extension("toml"), CONFIG).unwrap();
    let server = Program::fresh(&data);
    let archive = folder.join("whole.tar.zst");
    backup(&data, &archive);
    drop(server);
    let to = folder.join("to");
    let refused = |from: &Path, more: &[&str], why: &str| {
        let done = restore(from, &to, more);
        let said = complained(&done);
        assert!(
            !done.status.success() && said.contains(why),
            "{why}: {said}"
        );
        assert!(!to.exists(), "{why}: nothing is left behind");
        assert!(!folder.join("to.restoring").exists(), "{why}");
    };
    let sound = restore(&archive, &to, &["--check"]);
    assert!(
        sound.status.success() && told(&sound).contains("sound"),
        "{sound:?}"
    );
    assert!(!to.exists());

    let bytes = std::fs::read(&archive).unwrap();
    let variant = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    refused(&variant("cut", &bytes[..bytes.len() / 2]), &[], "damaged");
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    refused(&variant("flipped", &flipped), &[], "damaged");
    refused(&variant("text", b"hello"), &[], "no backup of bongsu");

    let whole = zstd::decode_all(bytes.as_slice()).unwrap();
    let text = String::from_utf8_lossy(&whole[..4096]).into_owned();
    let at = text.find("\"format\": 1").unwrap();
    let mut newer = whole.clone();
    newer[at + 10] = b'9';
    let newer = zstd::encode_all(newer.as_slice(), 1).unwrap();
    refused(&variant("newer", &newer), &[], "use the newer program");
    let mut changed = whole;
    let last = changed.len() - 2_000;
    changed[last] ^= 1;
    let changed = zstd::encode_all(changed.as_slice(), 1).unwrap();
    refused(
        &variant("changed", &changed),
        &[],
        "is not what was backed up",
    );

    let none = bongsu(
        &[
            "restore",
            "--from",
            archive.to_str().unwrap(),
            "--data-dir",
            to.to_str().unwrap(),
        ],
        None,
    );
    assert!(complained(&none).contains("under a passphrase"), "{none:?}");
    let used = restore(&archive, &data, &[]);
    assert!(complained(&used).contains("is not empty"), "{used:?}");
}
