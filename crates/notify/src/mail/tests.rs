//! Mail against a server that accepts, refuses for now, refuses for good, hangs and breaks.

use super::*;
use crate::channel::Failure;
use crate::fake::{FakePeer, Mood};
use crate::testing::open_peer;

fn settings(fake: &FakePeer) -> Settings {
    Settings::new([
        ("host", "127.0.0.1".to_owned()),
        ("port", fake.address.port().to_string()),
        ("security", "none".to_owned()),
        ("from", "봉수 <noc@example.com>".to_owned()),
    ])
}

#[test]
fn the_html_and_the_text_are_what_the_fixtures_say() {
    let notice = crate::samples().remove(4);
    let settings = Settings::default();
    let drawn = Mail.render(Outgoing {
        settings: &settings,
        address: "a@b.c",
        notice: &notice,
    });
    assert_eq!(
        drawn.text.trim(),
        include_str!("fixtures/recovered-ko.txt").trim()
    );
    assert_eq!(
        drawn.body.trim(),
        include_str!("fixtures/recovered-ko.html").trim()
    );
}

#[test]
fn names_from_outside_cannot_become_markup() {
    let notice = crate::samples().remove(6);
    let settings = Settings::default();
    let drawn = Mail.render(Outgoing {
        settings: &settings,
        address: "a@b.c",
        notice: &notice,
    });
    assert!(drawn.body.contains("프로세스 &lt;nginx&gt; 중지") && !drawn.body.contains("<nginx>"));
}

#[tokio::test]
async fn a_mail_carries_its_key_and_its_thread() {
    let fake = FakePeer::smtp().await.unwrap();
    let mut settings = settings(&fake);
    settings.set("user", "noc");
    settings.set("password", "pw");
    let notice = crate::samples().remove(0);
    let outgoing = Outgoing {
        settings: &settings,
        address: "kim@example.com",
        notice: &notice,
    };
    for _ in 0..2 {
        Mail.send(&open_peer(), outgoing).await.unwrap();
    }
    let got = fake.accepted();
    assert_eq!(got[0].headers, ["RCPT TO:<kim@example.com>"]);
    let line = |at: usize, name: &str| {
        let found = got[at].body.lines().find(|line| line.starts_with(name));
        found
            .unwrap_or_else(|| panic!("no {name} in {}", got[at].body))
            .to_owned()
    };
    assert_eq!(line(0, "Message-ID: <"), line(1, "Message-ID: <"));
    assert!(line(0, "References: <prb_").ends_with("@example.com>"));
    assert_eq!(line(0, "Importance: "), "Importance: high");
    assert_eq!(
        line(0, "Auto-Submitted: "),
        "Auto-Submitted: auto-generated"
    );
    assert!(line(0, "Subject: ").starts_with("Subject: =?utf-8?b?"));
    assert!(got[0].body.contains("multipart/alternative"));
}

#[tokio::test]
async fn answers_mean_what_the_ledger_will_say() {
    let fake = FakePeer::smtp().await.unwrap();
    let settings = settings(&fake);
    let notice = crate::samples().remove(0);
    let outgoing = Outgoing {
        settings: &settings,
        address: "kim@example.com",
        notice: &notice,
    };
    for (mood, failure) in [
        (Mood::Answer(451, "try later".to_owned()), Failure::Retry),
        (
            Mood::Answer(554, "no such user".to_owned()),
            Failure::Permanent,
        ),
        (Mood::Drop, Failure::Unknown),
    ] {
        fake.mood(mood.clone());
        let error = Mail.send(&open_peer(), outgoing).await.unwrap_err();
        assert_eq!(error.failure, failure, "{mood:?}: {error}");
    }
    let bad = Outgoing {
        address: "not an address",
        ..outgoing
    };
    let error = Mail.send(&open_peer(), bad).await.unwrap_err();
    assert_eq!(error.failure, Failure::Permanent);
    drop(fake);
    let error = Mail.send(&open_peer(), outgoing).await.unwrap_err();
    assert_eq!(error.failure, Failure::Retry, "{error}");
}

#[test]
fn settings_that_cannot_work_are_refused_with_their_field() {
    let good = [("host", "smtp.example.com"), ("from", "noc@example.com")];
    assert_eq!(Mail.check(&Settings::new(good)), Ok(()));
    for (field, value) in [
        ("host", ""),
        ("port", "70000"),
        ("from", "봉수"),
        ("reply_to", "x y"),
        (
            "ca",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        ),
    ] {
        let mut settings = Settings::new(good);
        settings.set(field, value);
        let wrong = Mail.check(&settings).unwrap_err();
        assert_eq!(wrong.iter().map(|e| e.field).collect::<Vec<_>>(), [field]);
    }
}
