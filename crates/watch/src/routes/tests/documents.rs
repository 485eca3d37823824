//! Rule documents and looking back.

use serde_json::json;

use super::{Ground, HOUR_MS, NOW_MS, rule, texts};

#[tokio::test]
async fn documents_are_compared_applied_and_given_back() {
    let ground = Ground::new().await;
    ground.rule("disk-used").await;
    let path = "/api/v1/rule-document";
    let yaml = ground.asked.viewer().get(path).await;
    yaml.expect(200);
    assert!(yaml.header("content-type").starts_with("application/yaml"));
    let text = yaml
        .text
        .replace("95%", "97%")
        .replace("disk-used", "disk-full");
    let text = format!(
        "{}{}",
        yaml.text.replace("95%", "96%"),
        text.split("rules:\n").nth(1).unwrap()
    );
    let post = |query: &str, body: &str| {
        let request = axum::http::Request::builder()
            .method("POST")
            .uri(format!("{path}{query}"))
            .header("authorization", "Bearer administrator")
            .header("content-type", "application/yaml");
        ground
            .asked
            .send(request.body(body.to_owned().into()).unwrap())
    };
    let dry = post("?dry_run=true", &text).await.expect(200);
    assert_eq!(
        (&dry["created"], &dry["changed"][0]["key"]),
        (&json!(["disk-full"]), &json!("disk-used"))
    );
    assert_eq!(dry["changed"][0]["changes"][0]["what"], "levels.major.any");
    let page = ground.get("/api/v1/rules").await;
    assert_eq!(
        texts(&page, "/rule/key"),
        ["disk-used"],
        "a dry run changes nothing"
    );
    post("?why=review", &text).await.expect(200);
    let again = post("", &text).await.expect(200);
    assert_eq!(again["unchanged"], json!(["disk-used", "disk-full"]));
    let pruned = post("?prune=true", "version: 1\nrules: []\n")
        .await
        .expect(200);
    assert_eq!(pruned["retired"], json!(["disk-full", "disk-used"]));
    post("", "version: 7\nrules: []\n")
        .await
        .refused(422, "invalid_fields", &["document"]);
    let wrong = post("", "version: 1\nrulez: []\n").await;
    wrong.refused(422, "invalid_fields", &["document"]);
    assert!(wrong.text.contains("line 2"), "{}", wrong.text);
    let audit = ground.asked.audit();
    assert!(audit[1].detail.contains("\"dry_run\":true"), "{audit:?}");
}

#[tokio::test]
async fn a_rule_says_what_it_would_have_done() {
    let ground = Ground::new().await;
    ground.rule("disk-used").await;
    let path = "/api/v1/rule-backtest";
    let window = json!({"id": "disk-used", "from_ms": NOW_MS - 24 * HOUR_MS, "zone": "UTC"});
    let found = ground.asked.viewer().post(path, window).await.expect(200);
    assert_eq!(
        (&found["opened"], &found["hosts_hit"]),
        (&json!(4), &json!(1))
    );
    assert_eq!(
        (&found["opened_at_night"], &found["told"]),
        (&json!(1), &json!(4))
    );
    assert_eq!(found["changes"][0]["host_name"], "web01");
    let mut other = rule("draft");
    other["scope"] = json!({"hosts": ["db01"]});
    let draft = json!({"rule": other, "from_ms": NOW_MS - HOUR_MS});
    let found = ground.asked.viewer().post(path, draft).await.expect(200);
    assert_eq!(found["opened"], 0);
    for (body, field) in [
        (json!({"from_ms": 1}), "from_ms"),
        (json!({"from_ms": NOW_MS}), "to_ms"),
        (json!({"from_ms": NOW_MS - 1}), "rule"),
        (
            json!({"id": "disk-used", "from_ms": NOW_MS - 1, "zone": "Mars"}),
            "zone",
        ),
    ] {
        let answer = ground.asked.viewer().post(path, body).await;
        answer.refused(422, "invalid_fields", &[field]);
    }
}
