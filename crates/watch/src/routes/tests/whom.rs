//! Groups, overrides and watched things: for whom they are meant, and what the host shows of them.

use serde_json::{Value, json};

use super::{DB, Ground, HOUR_MS, NOW_MS, WEB, texts};

const OVERRIDES: &str = "/api/v1/overrides";
const WATCHED: &str = "/api/v1/watched";

/// One disk of both hosts is muted.
fn mute() -> Value {
    json!({
        "rule": "disk-used", "for": [{"kind": "host", "id": WEB}, {"kind": "host", "id": DB}],
        "target_key": "/", "values": {"enabled": false}, "why": "a scratch disk",
    })
}

/// A threshold of one disk is higher for an hour.
fn raise() -> Value {
    json!({
        "rule": "disk-used", "for": [{"kind": "host", "id": WEB}], "target_key": "/var",
        "values": {"levels": [{"severity": "major", "conditions": ["used > 99%"]}]},
        "until_ms": NOW_MS + HOUR_MS, "why": "archive runs",
    })
}

/// A process on both hosts.
fn nginx() -> Value {
    json!({
        "name": "nginx", "what": {"kind": "process", "pattern": "nginx: master"},
        "for": [{"kind": "host", "id": WEB}, {"kind": "host", "id": DB}],
    })
}

fn ids(page: &Value) -> Vec<&Value> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|one| &one["id"]).collect()
}

fn first(list: &str, page: &Value) -> String {
    format!("{list}/{}", page["items"][0]["id"].as_str().unwrap())
}

#[tokio::test]
async fn overrides_are_made_for_many_and_shown_on_the_host() {
    let ground = Ground::new().await;
    ground.rule("disk-used").await;
    let operator = ground.asked.operator();
    let made = operator.post(OVERRIDES, mute()).await.expect(201);
    assert_eq!(ids(&made).len(), 2);
    let page = ground
        .get(&format!("{OVERRIDES}?host={WEB}&rule=disk-used"))
        .await;
    assert_eq!(texts(&page, "/why"), ["a scratch disk"]);
    operator.post(OVERRIDES, raise()).await.expect(201);
    ground.judge().await;
    let page = ground.get("/api/v1/hosts/web01/rules").await;
    assert_eq!(texts(&page, "/key"), ["/var", "/"]);
    assert_eq!(texts(&page, "/severity"), ["warning", "-"]);
    assert_eq!(texts(&page, "/not_judged"), ["-", "muted"]);
    let var = &page["items"][0];
    assert_eq!(var["changes"][0]["by"], "operator");
    assert_eq!(
        var["rule"]["levels"][1]["any"][0]["all"],
        json!(["used > 99%"])
    );
    let page = ground.get(&format!("/api/v1/hosts/{DB}/rules")).await;
    assert_eq!(texts(&page, "/severity"), ["-", "-"], "it has no series");
    let nobody = ground.asked.viewer().get("/api/v1/hosts/x/rules").await;
    nobody.refused(404, "not_found", &[]);
}

#[tokio::test]
async fn an_override_is_edited_only_by_who_saw_its_last_form_and_ends() {
    let ground = Ground::new().await;
    ground.rule("disk-used").await;
    let operator = ground.asked.operator();
    let viewer = ground.asked.viewer().post(OVERRIDES, mute()).await;
    viewer.refused(403, "forbidden", &[]);
    let raised = operator.post(OVERRIDES, raise()).await.expect(201);
    let one = first(OVERRIDES, &raised);
    let mut edit = raise();
    edit["for"] = json!({"kind": "host", "id": WEB});
    let blind = operator.put(&one, edit.clone()).await;
    blind.refused(428, "if_match_required", &[]);
    let saw = operator.clone().saw(1);
    assert_eq!(saw.put(&one, edit.clone()).await.expect(200)["version"], 2);
    saw.put(&one, edit)
        .await
        .refused(412, "changed_meanwhile", &[]);
    operator.delete(&one).await.expect(204);
    operator.delete(&one).await.refused(404, "not_found", &[]);
    let made = operator.post(OVERRIDES, mute()).await.expect(201);
    let end = json!({"ids": ids(&made), "do": "end"});
    let path = format!("{OVERRIDES}/actions");
    assert_eq!(operator.post(&path, end).await.expect(200)["changed"], 2);
    assert_eq!(ground.get(OVERRIDES).await["items"], json!([]));
    let all = ground.get(&format!("{OVERRIDES}?ended=true&limit=2")).await;
    assert_eq!((ids(&all).len(), all["next"].is_string()), (2, true));
}

#[tokio::test]
async fn a_wrong_override_names_its_field() {
    let ground = Ground::new().await;
    ground.rule("disk-used").await;
    let missing = json!({"kind": "group", "id": model::GroupId::from_bits(1)});
    for (path, value, field) in [
        ("/why", json!(" "), "why"),
        ("/values", json!({}), "values"),
        ("/values/levels/0/severity", json!("info"), "values"),
        (
            "/values/levels/0/conditions/0",
            json!("used"),
            "values.levels[0].conditions[0]",
        ),
        ("/until_ms", json!(1), "until_ms"),
        ("/for", json!([]), "for"),
        ("/for/0", missing, "for"),
        ("/for/0/kind", json!("rack"), "for[0].kind"),
        ("/for/0/id", json!("web01"), "for[0].id"),
    ] {
        let mut body = raise();
        *body.pointer_mut(path).unwrap() = value;
        let answer = ground.asked.operator().post(OVERRIDES, body).await;
        answer.refused(422, "invalid_fields", &[field]);
    }
}

#[tokio::test]
async fn things_are_watched_on_many_hosts_at_once() {
    let ground = Ground::new().await;
    let operator = ground.asked.operator().post(WATCHED, nginx()).await;
    operator.refused(403, "forbidden", &[]);
    let made = ground.admin().post(WATCHED, nginx()).await.expect(201);
    assert_eq!(texts(&made, "/name"), ["nginx", "nginx"]);
    assert_eq!(made["items"][0]["what"]["min"], 1);
    let again = ground.admin().post(WATCHED, nginx()).await;
    again.refused(409, "taken", &[]);
    let act = |what: &str| json!({"ids": ids(&made), "do": what, "why": "moved"});
    let path = format!("{WATCHED}/actions");
    let off = ground.admin().post(&path, act("disable")).await.expect(200);
    assert_eq!(off["changed"], 2);
    let wrong = ground.admin().post(&path, act("burn")).await;
    wrong.refused(422, "invalid_fields", &["do"]);
    ground.admin().post(&path, act("retire")).await.expect(200);
    assert_eq!(ground.get(WATCHED).await["items"], json!([]));
    let page = ground
        .get(&format!("{WATCHED}?retired=true&kind=process&host={DB}"))
        .await;
    assert_eq!(texts(&page, "/name"), ["nginx"]);
}

#[tokio::test]
async fn a_watched_thing_is_edited_and_what_cannot_be_watched_is_refused() {
    let ground = Ground::new().await;
    let made = ground.admin().post(WATCHED, nginx()).await.expect(201);
    let one = first(WATCHED, &made);
    let mut edit = nginx();
    edit["for"] = json!({"kind": "host", "id": WEB});
    edit["enabled"] = json!(false);
    let blind = ground.admin().put(&one, edit.clone()).await;
    blind.refused(428, "if_match_required", &[]);
    let saw = ground.admin().saw(1);
    assert_eq!(
        saw.put(&one, edit.clone()).await.expect(200)["enabled"],
        false
    );
    saw.put(&one, edit)
        .await
        .refused(412, "changed_meanwhile", &[]);
    for (what, field) in [
        (json!({"kind": "process", "pattern": "("}), "pattern"),
        (json!({"kind": "file", "path": "etc"}), "path"),
        (
            json!({"kind": "check", "command": "/bin/true", "interval_s": 1}),
            "interval_s",
        ),
        (json!({"kind": "port"}), "what.kind"),
    ] {
        let mut body = nginx();
        (body["what"], body["name"]) = (what, json!("other"));
        let answer = ground.admin().post(WATCHED, body).await;
        answer.refused(422, "invalid_fields", &[field]);
    }
}

#[tokio::test]
async fn groups_are_tried_before_they_are_saved() {
    let ground = Ground::new().await;
    let selector = json!({"labels": "{env=\"prod\"}"});
    let preview = ground
        .asked
        .viewer()
        .post("/api/v1/group-preview", selector.clone())
        .await;
    assert_eq!(texts(&preview.expect(200), "/name"), ["web01"]);
    let list = "/api/v1/groups";
    let group = |name: &str| json!({"name": name, "selector": selector});
    ground
        .asked
        .operator()
        .post(list, group("prod"))
        .await
        .refused(403, "forbidden", &[]);
    let made = ground.admin().post(list, group("prod")).await.expect(201);
    let one = format!("{list}/{}", made["id"].as_str().unwrap());
    let members = ground.get(&format!("{one}/members")).await;
    assert_eq!(texts(&members, "/name"), ["web01"]);
    ground
        .admin()
        .post(list, group("prod"))
        .await
        .refused(409, "taken", &[]);
    ground
        .admin()
        .put(&one, group("p"))
        .await
        .refused(428, "if_match_required", &[]);
    let edited = ground
        .admin()
        .saw(1)
        .put(&one, group("production"))
        .await
        .expect(200);
    assert_eq!(
        (&edited["name"], &edited["version"]),
        (&json!("production"), &json!(2))
    );
    let stale = ground.admin().saw(1).put(&one, group("p")).await;
    stale.refused(412, "changed_meanwhile", &[]);
    for (selector, field) in [
        (json!({}), "selector"),
        (json!({"labels": "{env"}), "selector.labels"),
        (json!({"labels": "{env=~\"(\"}"}), "selector"),
        (json!({"name": "x"}), "selector.name"),
    ] {
        let body = json!({"name": "x", "selector": selector});
        let answer = ground.admin().post(list, body).await;
        answer.refused(422, "invalid_fields", &[field]);
    }
    ground.admin().delete(&one).await.expect(204);
    assert_eq!(ground.get(list).await["items"], json!([]));
}
