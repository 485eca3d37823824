//! Rules: pages, edits, switches, what ships, what is wrong with one.

use model::rule::Rule;
use serde_json::{Value, json};

use super::{Ground, rule, texts};

#[tokio::test]
async fn rules_are_made_and_paged() {
    let ground = Ground::new().await;
    let operator = ground
        .asked
        .operator()
        .post("/api/v1/rules", json!({"rule": rule("x")}))
        .await;
    operator.refused(403, "forbidden", &[]);
    let made = ground.rule("disk-used").await;
    ground.rule("disk-late").await;
    assert_eq!(
        (&made["origin"], &made["version"]),
        (&json!("user"), &json!(1))
    );
    let taken = json!({"rule": rule("disk-used")});
    ground
        .admin()
        .post("/api/v1/rules", taken)
        .await
        .refused(409, "taken", &[]);
    let page = ground.get("/api/v1/rules?text=used&limit=1").await;
    assert_eq!(
        texts(&page, "/rule/key"),
        ["disk-late"],
        "`used` is in its title"
    );
    let next = page["next"].as_str().unwrap();
    let path = format!("/api/v1/rules?limit=1&cursor={next}");
    let page = ground.get(&path).await;
    assert_eq!(
        (texts(&page, "/rule/key"), page.get("next")),
        (vec!["disk-used"], None)
    );
}

#[tokio::test]
async fn a_rule_is_edited_only_by_who_saw_its_last_form() {
    let ground = Ground::new().await;
    ground.rule("disk-used").await;
    let one = "/api/v1/rules/disk-used";
    let mut edit = rule("disk-used");
    edit["levels"][1]["any"][0]["all"][0] = json!("used > 97%");
    let edit = json!({"rule": edit, "why": "too loud"});
    ground
        .admin()
        .put(one, edit.clone())
        .await
        .refused(428, "if_match_required", &[]);
    let edited = ground.admin().saw(1).put(one, edit.clone()).await;
    assert_eq!(
        (edited.expect(200)["version"].clone(), edited.header("etag")),
        (json!(2), "\"2\"")
    );
    ground
        .admin()
        .saw(1)
        .put(one, edit)
        .await
        .refused(412, "changed_meanwhile", &[]);
    let history = ground.get(&format!("{one}/history")).await;
    assert_eq!(texts(&history, "/why"), ["too loud", ""]);
}

#[tokio::test]
async fn rules_are_switched_together_and_retired_alone() {
    let ground = Ground::new().await;
    ground.rule("disk-used").await;
    ground.rule("disk-late").await;
    let one = "/api/v1/rules/disk-used";
    let off = json!({"ids": ["disk-used", "disk-late"], "do": "disable", "why": "migration"});
    let path = "/api/v1/rules/actions";
    let changed = ground.admin().post(path, off.clone()).await.expect(200);
    assert_eq!(changed["changed"], 2);
    assert_eq!(
        ground.admin().post(path, off).await.expect(200)["changed"],
        0
    );
    let page = ground.get("/api/v1/rules?enabled=true").await;
    assert_eq!(page["items"], json!([]));
    let missing = json!({"ids": ["disk-used", "nothing"], "do": "enable"});
    ground
        .admin()
        .post(path, missing)
        .await
        .refused(404, "not_found", &[]);
    let revert = ground
        .admin()
        .post(&format!("{one}/revert"), json!({}))
        .await;
    revert.refused(409, "not_shipped", &[]);
    ground
        .admin()
        .delete(&format!("{one}?why=old"))
        .await
        .expect(204);
    let page = ground.get("/api/v1/rules").await;
    assert_eq!(texts(&page, "/rule/key"), ["disk-late"]);
}

#[tokio::test]
async fn a_default_shows_what_was_changed_and_goes_back() {
    let ground = Ground::new().await;
    let shipped: Rule = serde_json::from_value(rule("disk-used")).unwrap();
    let shipped = vec![("disk".to_owned(), shipped)];
    ground.watch.install_defaults(shipped).await.unwrap();
    let one = "/api/v1/rules/disk-used";
    let mut edit = rule("disk-used");
    edit["clear_count"] = json!(3);
    let asker = ground.admin().saw(1);
    let edited = asker.put(one, json!({"rule": edit})).await.expect(200);
    assert_eq!(
        (&edited["edited"], &edited["origin"]),
        (&json!(true), &json!("default"))
    );
    let change = json!([{"what": "clear_count", "before": "1", "after": "3"}]);
    assert_eq!(edited["changes"], change);
    let path = format!("{one}/revert");
    let back = ground.admin().post(&path, json!({})).await.expect(200);
    assert_eq!(
        (&back["edited"], &back["changes"]),
        (&json!(false), &json!([]))
    );
    let retired = ground.admin().delete(one).await;
    retired.refused(409, "shipped", &[]);
}

#[tokio::test]
async fn a_wrong_rule_is_told_field_by_field_before_it_is_saved() {
    let ground = Ground::new().await;
    let with = |path: &str, value: Value| {
        let mut rule = rule("disk-used");
        *rule.pointer_mut(path).unwrap() = value;
        rule
    };
    for (rule, fields) in [
        (rule("disk-used"), vec![]),
        (with("/key", json!("Disk Used")), vec!["key"]),
        (with("/title/ko", json!(" ")), vec!["title.ko"]),
        (
            with("/levels/1/any/0/all/0", json!("used > 70%")),
            vec!["levels[1].any"],
        ),
        (
            with("/levels/1/any/0/all/0", json!("free < 1")),
            vec!["levels[1].any"],
        ),
        (
            with("/levels/1/severity", json!("warning")),
            vec!["levels[1].severity"],
        ),
        (with("/levels", json!([])), vec!["levels"]),
        (
            with("/signals/used", json!({"unit": "ratio"})),
            vec!["signals.used"],
        ),
        (
            with("/signals/used/series", json!("{a=~\"(\"}")),
            vec!["signals.used.series"],
        ),
    ] {
        let body = json!({"rule": rule});
        let answer = ground
            .asked
            .viewer()
            .post("/api/v1/rule-check", body.clone())
            .await;
        let answer = answer.expect(200);
        let named = answer["errors"].as_array().unwrap().iter();
        let named: Vec<_> = named
            .map(|error| error["field"].as_str().unwrap())
            .collect();
        assert_eq!(named, fields, "{answer}");
        assert_eq!(answer["ok"], fields.is_empty());
        if !fields.is_empty() {
            let made = ground.admin().post("/api/v1/rules", body).await;
            let fields: Vec<_> = fields.iter().map(|field| format!("rule.{field}")).collect();
            let fields: Vec<_> = fields.iter().map(String::as_str).collect();
            made.refused(422, "invalid_fields", &fields);
        }
    }
    let unreadable = json!({"rule": {"key": "x", "colour": 1}});
    let answer = ground
        .asked
        .viewer()
        .post("/api/v1/rule-check", unreadable)
        .await
        .expect(200);
    assert_eq!(
        (&answer["ok"], &answer["errors"][0]["field"]),
        (&json!(false), &json!("colour"))
    );
}
