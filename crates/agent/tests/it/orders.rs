//! An order from the server's signature through agent and runner to the report, and back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

use ed25519_dalek::SigningKey;
use exec::runner::Runner;
use exec::{KeyRing, Order, OrderKind};
use prost::Message as _;
use stdx::Env;
use wire::{OrderEnd, OrderEvent};

use crate::harness::{Server, start, until};

const SCRIPT: &str = "#!/bin/sh\necho repaired; echo oh >&2; exit 3\n";

/// A runner on its own thread that allows the script as user nobody.
fn serve_runner(dir: &std::path::Path, key: &SigningKey, agent_id: &str) {
    let mut keys = KeyRing::default();
    keys.trust("key_1", key.verifying_key().as_bytes()).unwrap();
    let hash = blake3::hash(SCRIPT.as_bytes()).to_hex();
    let allow = format!(
        "[[program]]\nname = 'repair'\nhash = '{hash}'\nuser = 'nobody'\nmax_time = '20s'\n"
    );
    fs::write(dir.join("allow.toml"), allow).unwrap();
    let runner = Runner {
        agent_id: agent_id.to_owned(),
        agent_uid: 0,
        keys,
        allow_list: dir.join("allow.toml"),
        state_dir: dir.join("state"),
    };
    let listener = UnixListener::bind(dir.join("socket")).unwrap();
    std::thread::spawn(move || runner.serve(&listener, &Env::system()));
}

#[test]
fn a_signed_order_comes_back_with_its_transcript() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: root");
        return;
    }
    let server = Server::new();
    let dir = server.enrolled();
    let runner_dir = tempfile::tempdir().unwrap();
    fs::set_permissions(runner_dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = dir.path().join("agent.toml");
    let text = fs::read_to_string(&path).unwrap();
    let socket = runner_dir.path().join("socket").display().to_string();
    fs::write(&path, text.replace("/run/bongsu/runner.sock", &socket)).unwrap();
    let agent_id = server.block_on(server.fleet().agents()).unwrap()[0]
        .id
        .to_string();
    let key = SigningKey::from_bytes(&[7; 32]);
    serve_runner(runner_dir.path(), &key, &agent_id);
    let agent = start(dir.path());
    until("connected", || server.fleet().connected() == 1);
    let order = Order {
        key_id: "key_1".into(),
        agent_id,
        sequence: 1,
        expires_at_ms: Env::system().clock.now_ms() + 60_000,
        kind: OrderKind::Script.into(),
        run: "run_1".into(),
        script: SCRIPT.as_bytes().to_vec(),
        ..Order::default()
    };
    let host = *server.memory.hosts.lock().unwrap().keys().next().unwrap();
    let signed = order.sign(&key).encode_to_vec();
    let mut answers = server.fleet().send_order(host, signed).unwrap();
    let mut events = Vec::new();
    while let Some(event) = server.block_on(answers.recv()) {
        events.push(event);
    }
    assert!(
        matches!(&events[0], OrderEvent::Started(s) if s.user == "nobody"),
        "{events:?}"
    );
    let said = |stderr: bool| -> Vec<u8> {
        let chunks = events.iter().filter_map(|event| match event {
            OrderEvent::Output(chunk) if chunk.stderr == stderr => Some(chunk.bytes.clone()),
            _ => None,
        });
        chunks.flatten().collect()
    };
    assert_eq!(
        (said(false), said(true)),
        (b"repaired\n".to_vec(), b"oh\n".to_vec())
    );
    let Some(OrderEvent::Finished(report)) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!((report.end(), report.code), (OrderEnd::Exit, 3));
    assert!(
        report
            .transcript
            .iter()
            .any(|chunk| chunk.bytes == b"repaired\n")
    );
    agent.stop();
}
