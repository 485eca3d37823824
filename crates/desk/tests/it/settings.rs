//! Channels, scripts, maintenance, people, audit: what their pages promise.

use db::Tx;
use testkit::{HttpReply, HttpSink};

use crate::filling::{ADMIN, OPERATOR, SCRIPT, audit, channel, maintenance, script};
use crate::ground::Ground;

#[tokio::test]
async fn a_secret_never_comes_back_and_survives_an_edit() {
    let ground = Ground::empty().await;
    let page = channel(&ground, "NOC").await;
    for path in [
        page.clone(),
        format!("{page}/edit"),
        "/channels.csv".to_owned(),
    ] {
        assert!(!ground.page(&path).await.contains("c2VjcmV0"), "{path}");
    }
    let form = [
        ("name", "NOC 2"),
        ("enabled", "1"),
        ("set_url", "http://127.0.0.1:9/hook"),
        ("set_secret", ""),
        ("set_format", "json"),
        ("per_minute", "20"),
        ("revision", "1"),
    ];
    Ground::taken(&ground.send(ADMIN, &format!("{page}/edit"), &form).await);
    let id = page.trim_start_matches("/channels/").parse().unwrap();
    let (mut reader, context) = (ground.desk.db.reader(), &ground.desk.notices);
    let kept = notice::service::channel(&mut reader, context, id)
        .await
        .unwrap();
    assert_eq!(kept.settings.get("secret"), "whsec_c2VjcmV0");
}

#[tokio::test]
async fn a_test_message_says_what_came_of_it() {
    let ground = Ground::empty().await;
    let sink = HttpSink::start();
    let url = sink.url("/hook");
    let form = [
        ("name", "hook"),
        ("enabled", "1"),
        ("set_url", url.as_str()),
        ("set_format", "json"),
        ("per_minute", "20"),
    ];
    let page = Ground::taken(&ground.send(ADMIN, "/channels/new/webhook", &form).await);
    let test = format!("{page}/test");
    let good = ground.send(OPERATOR, &test, &[]).await;
    assert_eq!(Ground::taken(&good), page);
    assert_eq!(sink.requests().len(), 1);
    assert!(
        good.header("set-cookie").contains("bongsu_flash=d"),
        "{}",
        good.header("set-cookie")
    );
    sink.reply(HttpReply::Status(500));
    let bad = ground.send(OPERATOR, &test, &[]).await;
    assert!(
        bad.header("set-cookie").contains("bongsu_flash=f"),
        "{}",
        bad.header("set-cookie")
    );
}

#[tokio::test]
async fn a_script_runs_only_as_it_was_read_and_approved() {
    let ground = Ground::with_host().await;
    let page = script(&ground).await;
    let html = ground.page(&page).await;
    assert!(
        html.contains("bongsu-agent allow --name") && html.contains("Never approved"),
        "{html}"
    );
    let approve = format!("{page}/approve");
    Ground::taken(&ground.send(ADMIN, &approve, &[("revision", "1")]).await);
    assert!(!ground.page(&page).await.contains("Never approved"));
    let mut form: Vec<(&str, &str)> = SCRIPT.to_vec();
    form.retain(|(key, _)| *key != "body");
    form.extend([("body", "#!/bin/sh\nreboot\n"), ("revision", "1")]);
    Ground::taken(&ground.send(ADMIN, &format!("{page}/edit"), &form).await);
    let review = ground.page(&approve).await;
    assert!(
        review.contains("- systemctl restart nginx\n+ reboot"),
        "{review}"
    );
    let stale = ground.send(ADMIN, &approve, &[("revision", "1")]).await;
    assert!(
        stale.header("set-cookie").contains("bongsu_flash=f"),
        "an unread version is not approved"
    );
    // Browsers' line ends do not reach the shell.
    let id = page.trim_start_matches("/scripts/").parse().unwrap();
    assert!(
        !ground
            .desk
            .remedies
            .script(id)
            .await
            .unwrap()
            .draft
            .body
            .contains('\r')
    );
}

#[tokio::test]
async fn what_was_found_is_watched_or_ignored_with_a_reason() {
    let ground = Ground::with_host().await;
    let key = |kind: &str, key: &str| format!("{} {kind} {key}", ground.host);
    let (unit, disk) = (key("unit", "nginx.service"), key("filesystem", "/var lib"));
    let none = [("id", disk.as_str()), ("action", "ignore")];
    let refused = ground.send(OPERATOR, "/coverage", &none).await;
    assert!(
        refused.header("set-cookie").contains("bongsu_flash=f"),
        "a reason is needed"
    );
    let form = [
        ("id", disk.as_str()),
        ("action", "ignore"),
        ("comment", "scratch"),
    ];
    Ground::taken(&ground.send(OPERATOR, "/coverage", &form).await);
    let page = ground.page("/coverage?state=ignored").await;
    assert!(
        page.contains("scratch") && !page.contains(">nginx.service<"),
        "{page}"
    );
    let form = [("id", unit.as_str()), ("action", "register")];
    Ground::taken(&ground.send(OPERATOR, "/coverage", &form).await);
    assert!(ground.page("/watched").await.contains("nginx.service"));
}

#[tokio::test]
async fn a_recurring_maintenance_shows_its_next_windows() {
    let ground = Ground::with_host().await;
    let preview = ground
        .send(OPERATOR, "/maintenance/preview", &maintenance("weekly"))
        .await;
    let found: Vec<&str> = preview.text.matches("02:00").collect();
    assert!(found.len() >= 5, "{}", preview.text);
    Ground::taken(
        &ground
            .send(OPERATOR, "/maintenance/new", &maintenance("weekly"))
            .await,
    );
    let list = ground.page("/maintenance").await;
    assert!(list.contains("patch") && list.contains("web01"), "{list}");
}

#[tokio::test]
async fn a_one_time_password_is_shown_once_and_the_last_administrator_stays() {
    let ground = Ground::empty().await;
    let made = ground
        .send(
            ADMIN,
            "/users/new",
            &[("login", "boss"), ("role", "administrator")],
        )
        .await;
    assert!(made.text.contains("data-copy"), "{}", made.text);
    let users = ground.desk.accounts.users().await.unwrap();
    let page = format!("/users/{}", users[0].id);
    assert!(!ground.page(&page).await.contains("data-copy"));
    let refused = ground.send(ADMIN, &format!("{page}/disable"), &[]).await;
    assert!(refused.header("set-cookie").contains("bongsu_flash=f"));
    assert!(
        ground.desk.accounts.users().await.unwrap()[0]
            .disabled_ms
            .is_none()
    );
}

#[tokio::test]
async fn an_audit_that_was_tampered_with_says_so() {
    let ground = Ground::empty().await;
    audit(&ground).await;
    assert!(
        ground
            .page("/audit/verify")
            .await
            .contains("as it was sealed")
    );
    let tamper = ground.desk.db.write(|tx: &mut Tx| {
        Box::pin(async move {
            tx.execute("UPDATE core_audit SET actor = 'nobody'", Vec::new())
                .await
        })
    });
    let done: db::Result<_> = tamper.await;
    done.unwrap();
    assert!(ground.page("/audit/verify").await.contains("tampered with"));
}
