//! `bongsu watch` tells people when the server is gone or its messages are stuck, once, and when it is back.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use db::{Db, Tx, params};
use serde_json::Value;
use testkit::{HttpRequest, HttpSink, TempDir};

use crate::cli::{bongsu, complained};
use crate::program::{PATIENCE, Program};

struct Watch(Child);

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn file(folder: &Path, server: &Program, hook: &str) -> PathBuf {
    let path = folder.join("watch.toml");
    let text = format!(
        "server = \"http://127.0.0.1:{}\"\nname = \"noc\"\nevery = \"1s\"\nlang = \"en\"\n\
         [[tell]]\nchannel = \"webhook\"\nurl = \"{hook}\"\n",
        server.port()
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn event(request: &HttpRequest) -> (String, String) {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let text = |path: &str| {
        let found = body.pointer(path).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    (text("/event"), text("/text/subject"))
}

#[test]
fn a_server_that_is_killed_is_told_once_and_so_is_its_return() {
    let folder = TempDir::new();
    let sink = HttpSink::start();
    let data = folder.join("data");
    let server = Program::fresh(&data);
    let path = file(folder.path(), &server, &sink.url("/hook"));
    let path = path.to_str().unwrap();
    let cron = folder.join("cron.state");
    let once = || {
        bongsu(
            &["watch", "--once", "--state", cron.to_str().unwrap(), path],
            None,
        )
    };
    let calm = once();
    assert!(calm.status.success(), "{}", complained(&calm));
    let watch = Command::new(env!("CARGO_BIN_EXE_bongsu"))
        .args(["watch", path])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _watch = Watch(watch.unwrap());
    let port = server.port();
    server.kill();
    let told = sink.wait_for(1, PATIENCE);
    let (what, subject) = event(&told[0]);
    assert_eq!(what, "opened");
    assert!(
        subject.contains("Critical noc") && subject.contains("does not answer"),
        "{subject}"
    );
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert_eq!(sink.requests().len(), 1, "one message at the failure");

    for _ in 0..3 {
        let gone = once();
        assert!(!gone.status.success());
        assert!(complained(&gone).contains("http://127.0.0.1"), "{gone:?}");
    }
    assert_eq!(sink.requests().len(), 2, "cron tells once, too");

    let _server = Program::again(&data, port);
    let told = sink.wait_for(3, PATIENCE);
    assert_eq!(event(&told[2]).0, "recovered");
    once();
    assert!(once().status.success());
    assert_eq!(sink.wait_for(4, PATIENCE).len(), 4);
    once();
    assert_eq!(sink.requests().len(), 4, "one message at the recovery");
}

#[test]
fn messages_that_are_stuck_are_told_inside_and_outside() {
    let folder = TempDir::new();
    let (sink, inside) = (HttpSink::start(), HttpSink::start());
    let data = folder.join("data");
    let server = Program::fresh(&data);
    server.own_host();
    server.webhook(&inside.url("/inside"));
    let path = file(folder.path(), &server, &sink.url("/hook"));
    let watch = Command::new(env!("CARGO_BIN_EXE_bongsu"))
        .args(["watch", path.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _watch = Watch(watch.unwrap());
    change(
        &data,
        "INSERT INTO core_outbox (id, topic, dedup_key, payload, state, attempts, created_ms, due_ms)
         VALUES ('msg_stuck', 'nobody', 'stuck', '{}', 'ready', 0, 1, 1)",
    );
    let told = sink.wait_for(1, PATIENCE);
    let (what, subject) = event(&told[0]);
    assert_eq!(what, "opened");
    assert!(subject.contains("Notices do not leave"), "{subject}");
    let (status, ready) = server.ask("/readyz").unwrap();
    assert_eq!(status, 503, "{ready}");
    assert!(ready.contains("1 messages wait, the oldest is"), "{ready}");
    let own = inside.wait_for(1, PATIENCE);
    let (what, subject) = event(&own[0]);
    assert_eq!(what, "opened");
    assert!(subject.contains("(outbox)"), "{subject}");
    let metrics = server.page("/metrics");
    assert!(
        metrics.contains("bongsu_check_ok{check=\"outbox\"} 0"),
        "{metrics}"
    );

    change(&data, "DELETE FROM core_outbox WHERE id = 'msg_stuck'");
    let told = sink.wait_for(2, PATIENCE);
    assert_eq!(event(&told[1]).0, "recovered");
    let own = inside.wait_for(2, PATIENCE);
    assert_eq!(event(&own[1]).0, "recovered");
}

/// Changes the records beside the server, as nothing else would.
fn change(data: &Path, sql: &'static str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut options = db::Options::sqlite(&data.join("records.db"), stdx::Env::system());
        options.ballast_bytes = 0;
        let db = Db::open(options).await.unwrap();
        let done: Result<u64, db::DbError> = db
            .write(move |tx: &mut Tx| Box::pin(async move { tx.execute(sql, params![]).await }))
            .await;
        assert_eq!(done.unwrap(), 1);
        db.close().await;
    });
}
