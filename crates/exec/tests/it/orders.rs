//! Orders from signature to report, through a real runner on a real socket.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use ed25519_dalek::SigningKey;
use exec::runner::{Answer, Client, Event, Runner};
use exec::{Ended, KeyRing, Order, OrderKind, Report, SignedOrder, Stream};
use stdx::{Clock, Env, SystemClock};

use crate::scratch;

const SCRIPT: &str =
    "#!/bin/sh\necho \"I am $(id -un), $1, $BONGSU_TARGET, ${LD_PRELOAD-unset}\"\n";

/// A runner on its own thread, with a server's key and an allow-list.
struct Host {
    dir: PathBuf,
    key: SigningKey,
}

impl Host {
    fn new(name: &str) -> Self {
        let dir = scratch(name);
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut keys = KeyRing::default();
        keys.trust("key_1", key.verifying_key().as_bytes()).unwrap();
        let runner = Runner {
            agent_id: "agt_1".into(),
            agent_uid: 0,
            keys,
            allow_list: dir.join("allow.toml"),
            state_dir: dir.join("state"),
        };
        let listener = UnixListener::bind(dir.join("socket")).unwrap();
        std::thread::spawn(move || runner.serve(&listener, &Env::system()));
        let host = Self { dir, key };
        host.allow("");
        host
    }

    fn allow(&self, text: &str) {
        fs::write(self.dir.join("allow.toml"), text).unwrap();
    }

    /// Puts a script on the allow-list as user nobody.
    fn allow_script(&self, script: &str, more: &str) {
        let hash = blake3::hash(script.as_bytes()).to_hex();
        self.allow(&format!(
            "[[program]]\nname = 'repair'\nhash = '{hash}'\nuser = 'nobody'\nmax_time = '20s'\n\
             arguments = ['*']\n{more}"
        ));
    }

    fn run(&self, signed: &SignedOrder) -> (Answer, Vec<Event>) {
        let mut events = Vec::new();
        let client = Client::connect(&self.dir.join("socket")).unwrap();
        let answer = client.run(signed, &mut |event| events.push(event)).unwrap();
        (answer, events)
    }

    fn refused(&self, order: Order) -> String {
        match self.run(&order.sign(&self.key)).0 {
            Answer::Refused(why) => why,
            Answer::Finished(report) => panic!("was run: {report:?}"),
        }
    }

    fn finished(&self, order: Order) -> Report {
        match self.run(&order.sign(&self.key)).0 {
            Answer::Finished(report) => report,
            Answer::Refused(why) => panic!("was refused: {why}"),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn order(sequence: u64, script: &str) -> Order {
    let environment = [("BONGSU_TARGET", "/var"), ("LD_PRELOAD", "/tmp/evil.so")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Order {
        key_id: "key_1".into(),
        agent_id: "agt_1".into(),
        sequence,
        expires_at_ms: SystemClock::new().now_ms() + 60_000,
        kind: OrderKind::Script.into(),
        run: "run_1".into(),
        script: script.as_bytes().to_vec(),
        arguments: vec!["one argument".into()],
        environment: BTreeMap::from(environment),
        ..Order::default()
    }
}

fn out(report: &Report) -> String {
    String::from_utf8(report.transcript.bytes(Stream::Out)).unwrap()
}

#[test]
fn an_allowed_order_runs_once_as_the_listed_user() {
    let host = Host::new("order");
    host.allow_script(SCRIPT, "");
    let signed = order(1, SCRIPT).sign(&host.key);
    let (answer, events) = host.run(&signed);
    let Answer::Finished(report) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(report.ended, Ended::Exit(0));
    assert_eq!(out(&report), "I am nobody, one argument, /var, unset\n");
    assert_eq!(
        events[0],
        Event::Started {
            name: "repair".into(),
            user: "nobody".into()
        }
    );
    assert!(matches!(&events[1], Event::Output(chunk) if chunk.bytes.starts_with(b"I am")));
    let (again, _) = host.run(&signed);
    let why = "order 1 was replayed: order 1 was already carried out".to_owned();
    assert_eq!(again, Answer::Refused(why));
    assert_eq!(
        fs::read_dir(host.dir.join("state/scripts"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn what_is_not_allowed_is_refused_and_stays_refused() {
    let host = Host::new("refused");
    let why = host.refused(order(1, SCRIPT));
    assert!(
        why.contains("is not on the allow-list of this host"),
        "{why}"
    );
    host.allow_script(SCRIPT, "");
    assert!(host.refused(order(1, SCRIPT)).contains("replayed"));
    let longer = Order {
        time_ms: 21_000,
        ..order(2, SCRIPT)
    };
    assert!(host.refused(longer).contains("for 20000 ms at most"));
    let root = Order {
        user: "root".into(),
        ..order(3, SCRIPT)
    };
    assert!(host.refused(root).contains("as user `nobody`, not `root`"));
    host.allow("[[program]]\nname = 1");
    let why = host.refused(order(4, SCRIPT));
    assert!(why.contains("malformed") && why.contains("line 2"), "{why}");
}

#[test]
fn tampered_expired_and_foreign_orders_are_refused() {
    let host = Host::new("tampered");
    host.allow_script(SCRIPT, "");
    let mut tampered = order(1, SCRIPT).sign(&host.key);
    let last = tampered.order.len() - 1;
    tampered.order[last] ^= 1;
    assert!(matches!(host.run(&tampered).0, Answer::Refused(_)));
    let stranger = order(1, SCRIPT).sign(&SigningKey::from_bytes(&[9; 32]));
    let (answer, _) = host.run(&stranger);
    let Answer::Refused(why) = answer else {
        panic!("{answer:?}")
    };
    assert!(why.contains("signature"), "{why}");
    let expired = Order {
        expires_at_ms: 1,
        ..order(1, SCRIPT)
    };
    assert!(host.refused(expired).contains("expired"));
    let foreign = Order {
        agent_id: "agt_2".into(),
        ..order(1, SCRIPT)
    };
    assert!(host.refused(foreign).contains("for agent `agt_2`"));
    // None of them used up the number.
    assert_eq!(host.finished(order(1, SCRIPT)).ended, Ended::Exit(0));
}

#[test]
fn an_installed_program_must_be_the_one_that_was_listed() {
    let host = Host::new("installed");
    let path = host.dir.join("tool");
    fs::copy("/bin/echo", &path).unwrap();
    let hash = blake3::hash(&fs::read(&path).unwrap());
    host.allow(&format!(
        "[[program]]\nname = 'tool'\nhash = '{hash}'\nuser = 'nobody'\nmax_time = '5s'\n\
         arguments = ['*']\n"
    ));
    let installed = |sequence| Order {
        kind: OrderKind::Command.into(),
        script: Vec::new(),
        path: path.to_str().unwrap().to_owned(),
        program_hash: hash.as_bytes().to_vec(),
        ..order(sequence, "")
    };
    assert_eq!(out(&host.finished(installed(1))), "one argument\n");
    fs::copy("/bin/cat", &path).unwrap();
    assert!(
        host.refused(installed(2))
            .contains("not the one of the order")
    );
    std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
    assert!(
        host.refused(installed(3))
            .contains("is owned by user 65534")
    );
}

#[test]
fn a_dry_run_only_says_what_would_be_done() {
    let host = Host::new("dry");
    let script = "#!/bin/sh\ntouch \"$1\"\n";
    host.allow_script(script, "");
    let report = host.finished(Order {
        dry_run: true,
        ..order(1, script)
    });
    assert!(
        out(&report).starts_with("would run `repair` as nobody"),
        "{}",
        out(&report)
    );
}

#[test]
fn the_agent_can_cancel_a_run() {
    let host = Host::new("cancel");
    let script = "#!/bin/sh\necho up\nsleep 60\n";
    host.allow_script(script, "");
    let client = Client::connect(&host.dir.join("socket")).unwrap();
    let mut canceller = client.canceller().unwrap();
    let signed = order(1, script).sign(&host.key);
    let answer = client.run(&signed, &mut |event| {
        if matches!(event, Event::Output(_)) {
            canceller.cancel().unwrap();
        }
    });
    let Answer::Finished(report) = answer.unwrap() else {
        panic!("refused")
    };
    assert_eq!(report.ended, Ended::Cancelled);
}
