//! What people do on the pages: made, changed, refused beside the field, told of the other editor.

use db::{Audit, Outcome, Tx};
use testkit::{HttpReply, HttpSink};
use web::Role;

use super::ground::{Ground, NOW_MS};

const ADMIN: Role = Role::Administrator;
const OPERATOR: Role = Role::Operator;

/// A webhook channel; its page.
pub(super) async fn channel(ground: &Ground, name: &str) -> String {
    let form = [
        ("name", name),
        ("enabled", "1"),
        ("set_url", "http://127.0.0.1:9/hook"),
        ("set_secret", "whsec_c2VjcmV0"),
        ("set_format", "json"),
        ("per_minute", "20"),
    ];
    Ground::taken(&ground.send(ADMIN, "/channels/new/webhook", &form).await)
}

async fn group(ground: &Ground) -> String {
    let form = [("name", "web"), ("names", "web*"), ("note", "front")];
    Ground::taken(&ground.send(ADMIN, "/groups/new", &form).await)
}

const RULE: [(&str, &str); 16] = [
    ("key", "queue"),
    ("title_ko", "대기열"),
    ("title_en", "Queue"),
    ("group", "check"),
    ("enabled", "1"),
    ("series", "queue_length"),
    ("unit", "count"),
    ("kind", "host"),
    ("op", ">"),
    ("level_warning", "30"),
    ("level_major", "50"),
    ("for", "5m"),
    ("count", "1"),
    ("clear_count", "1"),
    ("notify_from", "major"),
    ("flap_guard", "1"),
];

async fn rule(ground: &Ground) -> String {
    Ground::taken(&ground.send(ADMIN, "/rules/new", &RULE).await)
}

const SCRIPT: [(&str, &str); 8] = [
    ("name", "restart"),
    ("body", "#!/bin/sh\r\nsystemctl restart nginx\r\n"),
    ("mode", "automatic"),
    ("time_limit", "1m"),
    ("max_runs", "3"),
    ("window", "1h"),
    ("cooldown", "5m"),
    ("verify", "2m"),
];

async fn script(ground: &Ground) -> String {
    Ground::taken(&ground.send(ADMIN, "/scripts/new", &SCRIPT).await)
}

async fn override_of(ground: &Ground, rule: &str) -> String {
    let id = rule.trim_start_matches("/rules/");
    let path = format!("/overrides/new?rule={id}");
    let form = [
        ("host", "web01"),
        ("level_major", "value > 70"),
        ("why", "batch server"),
    ];
    let answer = ground.send(OPERATOR, &path, &form).await;
    Ground::taken(&answer)
}

/// Fills everything; the pages that show it.
pub(super) async fn filled(ground: &Ground) -> Vec<String> {
    let watch = &ground.desk.watch;
    watch
        .install_defaults(watch::own_rules().unwrap())
        .await
        .unwrap();
    let (rule, group) = (rule(ground).await, group(ground).await);
    let (channel, script) = (channel(ground, "NOC").await, script(ground).await);
    override_of(ground, &rule).await;
    for (path, form) in [
        (
            "/watched/new/process",
            vec![
                ("name", "nginx"),
                ("pattern", "nginx"),
                ("min", "1"),
                ("host", "web01"),
            ],
        ),
        ("/maintenance/new", maintenance("once")),
        ("/silences/new", silence().to_vec()),
        ("/users/new", vec![("login", "kim"), ("role", "operator")]),
        (
            "/tokens/new",
            vec![("label", "ci"), ("role", "viewer"), ("days", "30")],
        ),
        (
            "/agents/add",
            vec![
                ("label", "web"),
                ("uses", "2"),
                ("hours", "24"),
                ("labels", "env=prod"),
            ],
        ),
    ] {
        let answer = ground.send(ADMIN, path, &form).await;
        assert!(
            [200, 303].contains(&answer.status.as_u16()) || path == "/tokens/new",
            "{path}: {}",
            answer.text
        );
    }
    let id = channel.trim_start_matches("/channels/");
    let form = [
        ("name", "관제실"),
        ("lang", "ko"),
        ("zone", "Asia/Seoul"),
        ("enabled", "1"),
        ("r0_from", "major"),
        ("r0_channels", id),
        ("r0_days", "1"),
        ("r0_begin", "09:00"),
        ("r0_end", "18:00"),
    ];
    Ground::taken(&ground.send(ADMIN, "/recipients/new", &form).await);
    audit(ground).await;
    let mut paths = vec![
        group.clone(),
        format!("{group}/edit"),
        channel.clone(),
        format!("{channel}/edit"),
    ];
    paths.extend(["", "/past", "/edit", "/yaml"].map(|end| format!("{rule}{end}")));
    paths.extend(["", "/edit", "/approve"].map(|end| format!("{script}{end}")));
    paths.extend(["/channels/new/mail", "/channels/new/slack"].map(str::to_owned));
    paths.extend(["unit", "file", "directory", "check"].map(|kind| format!("/watched/new/{kind}")));
    let host = ground.host;
    paths.push(format!(
        "/coverage/thing?host={host}&kind=filesystem&key=%2Fvar%20lib"
    ));
    for list in [
        "/overrides",
        "/watched",
        "/maintenance",
        "/silences",
        "/users",
        "/recipients",
    ] {
        let page = ground.page(list).await;
        let start = format!("class=\"row-link\" href=\"{list}/");
        let rest = page
            .split(&start)
            .nth(1)
            .unwrap_or_else(|| panic!("{list} is empty: {page}"));
        let id = rest.split('"').next().unwrap_or("");
        paths.push(format!("{list}/{id}"));
    }
    paths
}

fn maintenance(mode: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![
        ("name", "patch"),
        ("reason", "kernel"),
        ("owner", "kim"),
        ("mode", mode),
        ("from", "2026-11-25T02:00"),
        ("for", "2h"),
        ("days", "2"),
        ("hosts", "web01"),
    ]
}

fn silence() -> [(&'static str, &'static str); 5] {
    [
        ("selector", "{host=\"web01\"}"),
        ("from", "2026-11-20T09:00"),
        ("to", "2026-12-20T09:00"),
        ("owner", "kim"),
        ("reason", "known"),
    ]
}

async fn audit(ground: &Ground) {
    let write = ground.desk.db.write(|tx: &mut Tx| {
        Box::pin(async move {
            let entry = Audit {
                actor: "kim",
                action: "rule.change",
                object: "/rules/new",
                outcome: Outcome::Denied,
                ip: Some("10.0.0.9"),
                detail: serde_json::json!({"why": "role"}),
            };
            tx.audit(entry).await
        })
    });
    let written: db::Result<_> = write.await;
    written.unwrap();
    ground.desk.db.seal_audit().await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_nothing_is_lost() {
    let ground = Ground::with_host().await;
    for (path, form, wrong, kept) in [
        (
            "/agents/add",
            vec![("label", "web"), ("uses", "0"), ("hours", "24")],
            "uses",
            "web",
        ),
        (
            "/agents/add",
            vec![
                ("label", "x"),
                ("uses", "1"),
                ("hours", "24"),
                ("labels", "broken"),
            ],
            "labels",
            "broken",
        ),
        (
            "/groups/new",
            vec![("name", "web"), ("labels", "{env=")],
            "labels",
            "web",
        ),
        (
            "/watched/new/process",
            vec![
                ("name", "a"),
                ("pattern", "("),
                ("min", "1"),
                ("host", "web01"),
            ],
            "pattern",
            "(",
        ),
        (
            "/watched/new/unit",
            vec![("name", "a"), ("unit", "b"), ("host", "nowhere")],
            "host",
            "nowhere",
        ),
        (
            "/channels/new/webhook",
            vec![("name", "n"), ("set_url", "nope"), ("per_minute", "20")],
            "set_url",
            "nope",
        ),
        ("/maintenance/new", maintenance("monthly"), "day", "kernel"),
        (
            "/silences/new",
            vec![
                ("selector", "{host="),
                ("from", "2026-11-20T09:00"),
                ("to", "2026-11-21T09:00"),
                ("owner", "k"),
                ("reason", "r"),
            ],
            "selector",
            "{host=",
        ),
        (
            "/scripts/new",
            vec![
                ("name", "x"),
                ("body", "echo"),
                ("mode", "off"),
                ("time_limit", "1m"),
                ("max_runs", "1"),
                ("window", "1h"),
                ("cooldown", "0s"),
                ("verify", "1m"),
            ],
            "body",
            "echo",
        ),
        (
            "/users/new",
            vec![("login", "Kim Lee"), ("role", "viewer")],
            "login",
            "Kim Lee",
        ),
        (
            "/rules/new/yaml",
            vec![("yaml", "version: 1\nrules:\n- key: a\n  colour: red\n")],
            "yaml",
            "colour: red",
        ),
    ] {
        let answer = ground.send(ADMIN, path, &form).await;
        assert_eq!(answer.status.as_u16(), 422, "{path}: {}", answer.text);
        let place = format!("id=\"f-{wrong}-error\"");
        assert!(
            answer.text.contains(&place),
            "{path} {wrong}: {}",
            answer.text
        );
        assert!(
            answer.text.contains(&ui::escape(kept)),
            "{path} lost {kept}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn the_second_of_two_editors_learns_what_the_first_changed() {
    let ground = Ground::with_host().await;
    let page = rule(&ground).await;
    let edit = format!("{page}/edit");
    let mut form: Vec<(&str, &str)> = RULE.to_vec();
    form.push(("revision", "1"));
    let first: Vec<(&str, &str)> = form
        .iter()
        .map(|(k, v)| {
            if *k == "level_major" {
                (*k, "55")
            } else {
                (*k, *v)
            }
        })
        .collect();
    Ground::taken(&ground.send(ADMIN, &edit, &first).await);
    let second: Vec<(&str, &str)> = form
        .iter()
        .map(|(k, v)| {
            if *k == "title_en" {
                (*k, "Mine")
            } else {
                (*k, *v)
            }
        })
        .collect();
    let answer = ground.send(ADMIN, &edit, &second).await;
    assert_eq!(answer.status.as_u16(), 422);
    assert!(
        answer.text.contains("Changed meanwhile by administrator"),
        "{}",
        answer.text
    );
    assert!(
        answer.text.contains("value &gt; 50 → value &gt; 55"),
        "{}",
        answer.text
    );
    assert!(
        answer.text.contains("Mine"),
        "what was typed is still there"
    );
    assert!(
        answer.text.contains("name=\"revision\" value=\"2\""),
        "{}",
        answer.text
    );
    // Knowing that, the second may save over it.
    let again: Vec<(&str, &str)> = second
        .iter()
        .map(|(k, v)| {
            if *k == "revision" {
                (*k, "2")
            } else {
                (*k, *v)
            }
        })
        .collect();
    Ground::taken(&ground.send(ADMIN, &edit, &again).await);
    let history = ground.page(&page).await;
    assert!(history.contains("levels.major.any.1.all"), "{history}");
}

#[tokio::test]
async fn a_rule_is_tried_over_the_past_before_it_is_saved() {
    let ground = Ground::with_host().await;
    let mut form: Vec<(&str, &str)> = RULE.to_vec();
    form.push(("try", "1"));
    let answer = ground.send(ADMIN, "/rules/new", &form).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
    assert!(
        answer.text.contains("1 problems (0 of them between"),
        "{}",
        answer.text
    );
    assert!(
        !ground.page("/rules").await.contains("queue"),
        "it was not saved"
    );
    // The form shows a rule of its own making again, value by value.
    let page = rule(&ground).await;
    let html = ground.page(&format!("{page}/edit")).await;
    for value in [
        "value=\"queue_length\"",
        "value=\"30\"",
        "value=\"50\"",
        "value=\"5m\"",
    ] {
        assert!(html.contains(value), "{value}: {html}");
    }
}

#[tokio::test]
async fn rules_are_exported_and_imported_after_a_look() {
    let ground = Ground::with_host().await;
    rule(&ground).await;
    let file = ground.page("/rules.yaml").await;
    assert!(file.contains("key: queue"), "{file}");
    let changed = file
        .replace("value > 50", "value > 60")
        .replace("key: queue", "key: queue");
    let look = ground
        .send(ADMIN, "/rules/import", &[("yaml", &changed)])
        .await;
    assert!(look.text.contains("value &gt; 60"), "{}", look.text);
    assert!(
        ground.page("/rules.yaml").await.contains("value > 50"),
        "a look changes nothing"
    );
    let form = [("yaml", changed.as_str()), ("apply", "1")];
    Ground::taken(&ground.send(ADMIN, "/rules/import", &form).await);
    assert!(ground.page("/rules.yaml").await.contains("value > 60"));
}

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
    sink.reply(HttpReply::status(500));
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
        html.contains("[[program]]") && html.contains("Never approved"),
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
    assert!(NOW_MS > 0);
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
