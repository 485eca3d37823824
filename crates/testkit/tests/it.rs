//! The components themselves: a server that starts, is shared and goes; receivers that hear.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where its ground gives way"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use db::{Query as _, params};
use lettre::message::Message;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use stdx::Env;
use testkit::{HttpReply, HttpSink, Postgres, SmtpReply, SmtpSink, require_or_skip};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_ones_own_starts_and_is_gone_when_dropped() {
    let server = require_or_skip!(Postgres::start());
    let database = server.cloned_database().await;
    let port = database
        .url
        .split(':')
        .nth(2)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let address = format!("127.0.0.1:{port}");
    let db = db::Db::open(db::Options::new(database.url.as_str(), Env::system()))
        .await
        .unwrap();
    let row = db
        .reader()
        .fetch_one("SELECT count(*) AS n FROM core_outbox", params![])
        .await;
    assert_eq!(row.unwrap().int("n").unwrap(), 0);
    db.close().await;
    drop(database);
    drop(server);
    assert!(testkit::wait_until(SOON, || TcpStream::connect(&address).is_err()));
}

#[tokio::test(flavor = "multi_thread")]
async fn clones_of_one_template_are_apart() {
    let env = Env::system();
    let one = require_or_skip!(testkit::postgres_store(&env).await);
    let other = require_or_skip!(testkit::postgres_store(&env).await);
    let told = one
        .db
        .write(|tx| Box::pin(async move { tx.set_meta("who", "one").await }));
    told.await.unwrap();
    let sql = "SELECT count(*) AS n FROM core_meta";
    assert_eq!(
        one.db
            .reader()
            .fetch_one(sql, params![])
            .await
            .unwrap()
            .int("n")
            .unwrap(),
        1
    );
    assert_eq!(
        other
            .db
            .reader()
            .fetch_one(sql, params![])
            .await
            .unwrap()
            .int("n")
            .unwrap(),
        0
    );
}

fn mail() -> Message {
    let to = "이정란 <noc@example.com>".parse().unwrap();
    Message::builder()
        .from("Bongsu <bongsu@example.com>".parse().unwrap())
        .to(to)
        .subject("web01 디스크 긴급")
        .body(".first line with a dot\nsecond".to_owned())
        .unwrap()
}

fn mailer(sink: &SmtpSink) -> AsyncSmtpTransport<Tokio1Executor> {
    AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(sink.port())
        .timeout(Some(Duration::from_secs(5)))
        .build()
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_arrives_with_its_envelope_and_dots() {
    let sink = SmtpSink::start();
    mailer(&sink).send(mail()).await.unwrap();
    let mails = sink.wait_for(1, SOON);
    assert_eq!(mails[0].from, "bongsu@example.com");
    assert_eq!(mails[0].to, ["noc@example.com"]);
    assert!(
        mails[0]
            .data
            .contains("\r\n.first line with a dot\r\nsecond"),
        "{}",
        mails[0].data
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_of_mail_refuses_when_told() {
    let sink = SmtpSink::start();
    for (reply, passing) in [
        (SmtpReply::RefuseForNow, true),
        (SmtpReply::RefuseForGood, false),
    ] {
        sink.reply(reply);
        let error = mailer(&sink).send(mail()).await.unwrap_err();
        assert_eq!(error.is_transient(), passing, "{error}");
    }
    sink.reply(SmtpReply::Close);
    assert!(mailer(&sink).send(mail()).await.is_err());
    assert!(sink.mails().is_empty());
}

fn post(sink: &HttpSink, body: &str) -> String {
    let mut stream = TcpStream::connect(sink.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let head = "POST /hook?a=1 HTTP/1.1\r\nHost: x\r\nX-Key: k\r\nConnection: close\r\n";
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).unwrap_or(0);
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[test]
fn a_webhook_is_recorded_and_answered_as_told() {
    let sink = HttpSink::start();
    let before_ns = HttpSink::now_ns();
    assert!(post(&sink, "{\"a\":1}").starts_with("HTTP/1.1 200 "));
    let request = &sink.wait_for(1, SOON)[0];
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/hook?a=1")
    );
    assert_eq!(
        (request.text().as_str(), request.header("x-key")),
        ("{\"a\":1}", Some("k"))
    );
    assert!(request.at_ns > before_ns && request.at_ns <= HttpSink::now_ns());

    sink.reply(HttpReply::Status(500));
    sink.reply_next([HttpReply::Close, HttpReply::Hang]);
    assert_eq!(post(&sink, "closed"), "");
    assert_eq!(post(&sink, "hung"), "");
    assert!(post(&sink, "failed").starts_with("HTTP/1.1 500 "));
    let bodies: Vec<_> = sink
        .requests()
        .iter()
        .map(testkit::HttpRequest::text)
        .collect();
    assert_eq!(bodies[1..], ["closed", "hung", "failed"]);
}

#[test]
fn a_small_disk_fills_up() {
    testkit::on_small_disk(1, |folder| {
        let error = std::fs::write(folder.join("big"), vec![7; 2 << 20]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    });
}
