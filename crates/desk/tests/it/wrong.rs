//! Forms with something wrong: told beside the field, with everything that was typed.

use crate::filling::{ADMIN, maintenance};
use crate::ground::Ground;

/// A form, the field that is wrong, and what must still stand there.
type Case = (
    &'static str,
    Vec<(&'static str, &'static str)>,
    &'static str,
    &'static str,
);

fn settings() -> Vec<Case> {
    let token = [("label", "web"), ("uses", "0"), ("hours", "24")];
    let labels = [
        ("label", "x"),
        ("uses", "1"),
        ("hours", "24"),
        ("labels", "broken"),
    ];
    let pattern = [
        ("name", "a"),
        ("pattern", "("),
        ("min", "1"),
        ("host", "web01"),
    ];
    let host = [("name", "a"), ("unit", "b"), ("host", "nowhere")];
    let group = [("name", "web"), ("labels", "{env=")];
    let rule = [("yaml", "version: 1\nrules:\n- key: a\n  colour: red\n")];
    vec![
        ("/agents/add", token.to_vec(), "uses", "web"),
        ("/agents/add", labels.to_vec(), "labels", "broken"),
        ("/groups/new", group.to_vec(), "labels", "web"),
        ("/watched/new/process", pattern.to_vec(), "pattern", "("),
        ("/watched/new/unit", host.to_vec(), "host", "nowhere"),
        ("/rules/new/yaml", rule.to_vec(), "yaml", "colour: red"),
    ]
}

fn people_and_times() -> Vec<Case> {
    let url = [("name", "n"), ("set_url", "nope"), ("per_minute", "20")];
    let silence = [
        ("selector", "{host="),
        ("from", "2026-11-20T09:00"),
        ("to", "2026-11-21T09:00"),
        ("owner", "k"),
        ("reason", "r"),
    ];
    let script = [
        ("name", "x"),
        ("body", "echo"),
        ("mode", "off"),
        ("time_limit", "1m"),
        ("max_runs", "1"),
        ("window", "1h"),
        ("cooldown", "0s"),
        ("verify", "1m"),
    ];
    let user = [("login", "Kim Lee"), ("role", "viewer")];
    vec![
        ("/channels/new/webhook", url.to_vec(), "set_url", "nope"),
        ("/maintenance/new", maintenance("monthly"), "day", "kernel"),
        ("/silences/new", silence.to_vec(), "selector", "{host="),
        ("/scripts/new", script.to_vec(), "body", "echo"),
        ("/users/new", user.to_vec(), "login", "Kim Lee"),
    ]
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_nothing_is_lost() {
    let ground = Ground::with_host().await;
    for (path, form, wrong, kept) in settings().into_iter().chain(people_and_times()) {
        let answer = ground.send(ADMIN, path, &form).await;
        let text = &answer.text;
        assert_eq!(answer.status.as_u16(), 422, "{path}: {text}");
        assert!(
            text.contains(&format!("id=\"f-{wrong}-error\"")),
            "{path} {wrong}: {text}"
        );
        assert!(
            text.contains(&ui::escape(kept)),
            "{path} lost {kept}: {text}"
        );
    }
}
