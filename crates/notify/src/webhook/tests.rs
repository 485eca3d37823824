//! The JSON webhook: golden bodies, signature, template, and the headers on the wire.

use serde_json::Value;

use super::*;
use crate::channel::Failure;
use crate::fake::{FakePeer, Mood};
use crate::testing::open_peer;
use crate::text::NoticeText;

fn draw(settings: &Settings, notice: &NoticeText) -> String {
    Webhook
        .render(Outgoing {
            settings,
            address: "010-1234-5678",
            notice,
        })
        .body
}

#[test]
fn bodies_are_what_the_fixtures_say() {
    let samples = crate::samples();
    for (at, golden) in [
        (0, include_str!("fixtures/opened-1.json")),
        (4, include_str!("fixtures/recovered-1.json")),
        (8, include_str!("fixtures/digest-1.json")),
        (10, include_str!("fixtures/test-1.json")),
    ] {
        let body: Value = serde_json::from_str(&draw(&Settings::default(), &samples[at])).unwrap();
        let golden: Value = serde_json::from_str(golden).unwrap();
        assert_eq!(body, golden, "sample {at}: {body:#}");
    }
}

#[test]
fn the_signature_is_that_of_the_standard() {
    // The example of the Standard Webhooks documentation.
    let key = signature::key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let signed = signature::sign(
        &key,
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        r#"{"test": 2432232314}"#,
    );
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_eq!(signature::key("plain text").unwrap(), b"plain text");
    assert!(signature::key("whsec_***").is_none());
}

#[test]
fn templates_are_filled_and_escaped_for_their_format() {
    let notice = crate::samples().remove(6);
    let json = r#"{"to":"{{address}}","msg":"{{headline}} {{ body }}","n":{{severity_code}}}"#;
    let body = draw(&Settings::new([("template", json)]), &notice);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["to"], "010-1234-5678");
    assert_eq!(body["n"], 4);
    assert!(body["msg"].as_str().unwrap().contains("\"bind() failed\""));
    let form = Settings::new([
        ("format", "form"),
        ("template", "to={{address}}&m={{event}} {{host}}"),
    ]);
    assert_eq!(
        draw(&form, &notice),
        "to=010-1234-5678&m=repair_failed %EC%9B%B9%EC%84%9C%EB%B2%84-02"
    );
    let text = Settings::new([("format", "text"), ("template", "{{number}} {{url}}")]);
    assert!(draw(&text, &notice).starts_with("1043 https://bongsu.example.com/problems/prb_"));
}

#[test]
fn settings_that_cannot_work_are_refused_with_their_field() {
    let good = [("url", "https://ops.example.com/hook")];
    let cases = [
        ("template", "{{nonsense}}", "notice.check.template_name"),
        (
            "template",
            r#"{"a": {{subject}}}"#,
            "notice.check.template_json",
        ),
        ("template", "{{subject", "notice.check.template_name"),
        ("secret", "whsec_!", "notice.check.secret"),
        ("headers", "no colon", "notice.check.headers"),
        ("headers", "webhook-id: mine", "notice.check.headers"),
        ("url", "ops.example.com", "notice.check.url"),
    ];
    assert_eq!(Webhook.check(&Settings::new(good)), Ok(()));
    for (field, value, reason) in cases {
        let mut settings = Settings::new(good);
        settings.set(field, value);
        assert_eq!(
            Webhook.check(&settings),
            Err(vec![SettingError { field, reason }])
        );
    }
}

#[tokio::test]
async fn key_time_signature_and_extra_headers_are_on_the_wire_and_repeat() {
    let fake = FakePeer::http().await.unwrap();
    let peer = open_peer();
    let settings = Settings::new([
        ("url", fake.url()),
        ("secret", "s3cret".to_owned()),
        ("authorization", "Bearer t0ken".to_owned()),
        ("headers", "X-Team: noc\n\nX-Room: 3".to_owned()),
    ]);
    let notice = crate::samples().remove(0);
    let outgoing = Outgoing {
        settings: &settings,
        address: "",
        notice: &notice,
    };
    fake.mood(Mood::Drop);
    let error = Webhook.send(&peer, outgoing).await.unwrap_err();
    assert_eq!(error.failure, Failure::Unknown);
    fake.mood(Mood::Good);
    Webhook.send(&peer, outgoing).await.unwrap();
    let got = fake.got();
    assert_eq!(got.len(), 2);
    let [lost, sent] = &got[..] else {
        panic!("two")
    };
    assert_eq!(lost.body, sent.body);
    for got in [lost, sent] {
        assert_eq!(got.line, "POST /hook HTTP/1.1");
        assert_eq!(got.header("webhook-id"), Some(notice.key.as_str()));
        assert_eq!(got.header("idempotency-key"), Some(notice.key.as_str()));
        assert_eq!(got.header("authorization"), Some("Bearer t0ken"));
        assert_eq!(
            (got.header("x-team"), got.header("x-room")),
            (Some("noc"), Some("3"))
        );
    }
    let at: i64 = sent.header("webhook-timestamp").unwrap().parse().unwrap();
    let expected = signature::sign(b"s3cret", &notice.key, at, &sent.body);
    assert_eq!(sent.header("webhook-signature"), Some(expected.as_str()));
}
