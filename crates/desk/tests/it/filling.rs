//! Every setting made through its form: what people fill in, and the pages that then show it.

use db::{Audit, Outcome, Tx};
use web::Role;

use crate::ground::Ground;

pub(crate) const ADMIN: Role = Role::Administrator;
pub(crate) const OPERATOR: Role = Role::Operator;

/// A webhook channel; its page.
pub(crate) async fn channel(ground: &Ground, name: &str) -> String {
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

pub(crate) async fn group(ground: &Ground) -> String {
    let form = [("name", "web"), ("names", "web*"), ("note", "front")];
    Ground::taken(&ground.send(ADMIN, "/groups/new", &form).await)
}

pub(crate) const RULE: [(&str, &str); 16] = [
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

pub(crate) async fn rule(ground: &Ground) -> String {
    Ground::taken(&ground.send(ADMIN, "/rules/new", &RULE).await)
}

pub(crate) const SCRIPT: [(&str, &str); 8] = [
    ("name", "restart"),
    ("body", "#!/bin/sh\r\nsystemctl restart nginx\r\n"),
    ("mode", "automatic"),
    ("time_limit", "1m"),
    ("max_runs", "3"),
    ("window", "1h"),
    ("cooldown", "5m"),
    ("verify", "2m"),
];

pub(crate) async fn script(ground: &Ground) -> String {
    Ground::taken(&ground.send(ADMIN, "/scripts/new", &SCRIPT).await)
}

pub(crate) async fn override_of(ground: &Ground, rule: &str) -> String {
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

pub(crate) fn maintenance(mode: &'static str) -> Vec<(&'static str, &'static str)> {
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

pub(crate) fn silence() -> [(&'static str, &'static str); 5] {
    [
        ("selector", "{host=\"web01\"}"),
        ("from", "2026-11-20T09:00"),
        ("to", "2026-12-20T09:00"),
        ("owner", "kim"),
        ("reason", "known"),
    ]
}

pub(crate) async fn audit(ground: &Ground) {
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

/// Forms that need nothing but a host and the own fields.
fn plain_forms() -> [(&'static str, Vec<(&'static str, &'static str)>); 6] {
    let process = [
        ("name", "nginx"),
        ("pattern", "nginx"),
        ("min", "1"),
        ("host", "web01"),
    ];
    let line = [
        ("label", "web"),
        ("uses", "2"),
        ("hours", "24"),
        ("labels", "env=prod"),
    ];
    let token = [("label", "ci"), ("role", "viewer"), ("days", "30")];
    [
        ("/watched/new/process", process.to_vec()),
        ("/maintenance/new", maintenance("once")),
        ("/silences/new", silence().to_vec()),
        ("/users/new", vec![("login", "kim"), ("role", "operator")]),
        ("/tokens/new", token.to_vec()),
        ("/agents/add", line.to_vec()),
    ]
}

async fn recipient(ground: &Ground, channel: &str) {
    let form = [
        ("name", "관제실"),
        ("lang", "ko"),
        ("zone", "Asia/Seoul"),
        ("enabled", "1"),
        ("r0_from", "major"),
        ("r0_channels", channel.trim_start_matches("/channels/")),
        ("r0_days", "1"),
        ("r0_begin", "09:00"),
        ("r0_end", "18:00"),
    ];
    Ground::taken(&ground.send(ADMIN, "/recipients/new", &form).await);
}

/// The page of the first row of a list.
async fn first_of(ground: &Ground, list: &str) -> String {
    let page = ground.page(list).await;
    let start = format!("class=\"row-link\" href=\"{list}/");
    let rest = page.split(&start).nth(1);
    let rest = rest.unwrap_or_else(|| panic!("{list} is empty: {page}"));
    let id = rest.split('"').next().unwrap_or("");
    format!("{list}/{id}")
}

/// Fills everything; the pages that show it.
pub(crate) async fn filled(ground: &Ground) -> Vec<String> {
    let watch = &ground.desk.watch;
    let own = watch::own_rules().unwrap();
    watch.install_defaults(own).await.unwrap();
    let (rule, group) = (rule(ground).await, group(ground).await);
    let (channel, script) = (channel(ground, "NOC").await, script(ground).await);
    override_of(ground, &rule).await;
    for (path, form) in plain_forms() {
        let answer = ground.send(ADMIN, path, &form).await;
        // Everybody behind the test's gate is nobody's account, and such have no tokens.
        let taken = [200, 303].contains(&answer.status.as_u16()) || path == "/tokens/new";
        assert!(taken, "{path}: {}", answer.text);
    }
    recipient(ground, &channel).await;
    audit(ground).await;
    let host = ground.host;
    let mut paths = vec![
        group.clone(),
        format!("{group}/edit"),
        channel.clone(),
        format!("{channel}/edit"),
        format!("/coverage/thing?host={host}&kind=filesystem&key=%2Fvar%20lib"),
        format!("/hosts/{host}"),
        format!("/hosts/{host}/settings"),
        format!("/hosts/{host}/top"),
        ground.problem(1).await,
    ];
    paths.extend(["", "/past", "/edit", "/yaml"].map(|end| format!("{rule}{end}")));
    paths.extend(["", "/edit", "/approve"].map(|end| format!("{script}{end}")));
    paths.extend(["/channels/new/mail", "/channels/new/slack"].map(str::to_owned));
    paths.extend(["unit", "file", "directory", "check"].map(|kind| format!("/watched/new/{kind}")));
    for list in [
        "/overrides",
        "/watched",
        "/maintenance",
        "/silences",
        "/users",
        "/recipients",
    ] {
        paths.push(first_of(ground, list).await);
    }
    paths
}
