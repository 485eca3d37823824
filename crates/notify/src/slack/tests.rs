//! The Slack-compatible webhook against a receiver that accepts, refuses, hangs, breaks and lies.

use serde_json::Value;

use super::*;
use crate::channel::Failure;
use crate::fake::{FakePeer, Mood};
use crate::testing::{open_peer, strict_peer};

#[test]
fn the_payload_is_what_the_fixture_says() {
    let notice = crate::samples().remove(0);
    let settings = Settings::new([("room", "#noc")]);
    let drawn = Slack.render(Outgoing {
        settings: &settings,
        address: "",
        notice: &notice,
    });
    let body: Value = serde_json::from_str(&drawn.body).unwrap();
    let golden: Value = serde_json::from_str(include_str!("fixtures/opened-ko.json")).unwrap();
    assert_eq!(body, golden, "{body:#}");
}

#[test]
fn reserved_characters_are_escaped_and_the_recipients_room_wins() {
    let settings = Settings::new([("room", "#noc")]);
    let notice = crate::samples().remove(6);
    let drawn = Slack.render(Outgoing {
        settings: &settings,
        address: "#web",
        notice: &notice,
    });
    let body: Value = serde_json::from_str(&drawn.body).unwrap();
    assert_eq!(body["channel"], "#web");
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("프로세스 &lt;nginx&gt; 중지") && text.contains("master &amp; worker"));
}

#[tokio::test]
async fn answers_mean_what_the_ledger_will_say() {
    let fake = FakePeer::http().await.unwrap();
    let peer = open_peer();
    let settings = Settings::new([("url", fake.url())]);
    let notice = crate::samples().remove(0);
    let outgoing = Outgoing {
        settings: &settings,
        address: "",
        notice: &notice,
    };
    assert_eq!(Slack.send(&peer, outgoing).await, Ok(()));
    let cases = [
        (404, "no_service", Failure::Permanent),
        (403, "action_prohibited", Failure::Permanent),
        (302, "", Failure::Permanent),
        (429, "slow down", Failure::Retry),
        (503, "", Failure::Retry),
        (500, "rollup_error", Failure::Unknown),
        (200, "<html>please log in</html>", Failure::Retry),
    ];
    for (status, text, failure) in cases {
        fake.mood(Mood::Answer(status, text.to_owned()));
        let error = Slack.send(&peer, outgoing).await.unwrap_err();
        assert_eq!(error.failure, failure, "{status}: {error}");
        if status != 200 {
            assert!(error.reason.contains(&status.to_string()), "{error}");
            assert_eq!(error.wait_ms, Some(7_000));
        }
    }
    fake.mood(Mood::Drop);
    let error = Slack.send(&peer, outgoing).await.unwrap_err();
    assert_eq!(error.failure, Failure::Unknown, "{error}");
    fake.mood(Mood::Hang);
    let error = Slack.send(&peer, outgoing).await.unwrap_err();
    assert_eq!(error.failure, Failure::Unknown, "{error}");
    assert!(error.reason.starts_with("no answer in time"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_a_certain_failure_and_no_error_names_the_secret_url() {
    let fake = FakePeer::http().await.unwrap();
    let url = fake.url();
    drop(fake);
    let notice = crate::samples().remove(0);
    for (peer, url, failure) in [
        (open_peer(), url.as_str(), Failure::Retry),
        (strict_peer(), url.as_str(), Failure::Permanent),
        (strict_peer(), "http://localhost/hook", Failure::Permanent),
        (open_peer(), "hook: no url", Failure::Permanent),
        (
            open_peer(),
            "http://no-such-host.invalid/hook",
            Failure::Retry,
        ),
    ] {
        let settings = Settings::new([("url", url)]);
        let outgoing = Outgoing {
            settings: &settings,
            address: "",
            notice: &notice,
        };
        let error = Slack.send(&peer, outgoing).await.unwrap_err();
        assert_eq!(error.failure, failure, "{url}: {error}");
        assert!(!error.reason.contains("hook"), "{error}");
    }
}

#[test]
fn a_wrong_url_is_refused_when_it_is_saved() {
    for url in ["", "hooks.slack.com/x", "ftp://x/y"] {
        assert!(
            Slack.check(&Settings::new([("url", url)])).is_err(),
            "{url}"
        );
    }
    assert!(
        Slack
            .check(&Settings::new([("url", "https://hooks.example.com/x")]))
            .is_ok()
    );
}
