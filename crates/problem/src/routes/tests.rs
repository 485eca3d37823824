//! Problems, maintenances and silences over the API, on a real records store.

use std::sync::Arc;

use model::flow::{Observed, Transition};
use model::{CiId, RuleId, Severity, Target, TargetKind, Text};
use serde_json::{Value, json};
use stdx::Env;
use testkit::Store;
use web::testing::Asked;

use crate::ports::{HostFacts, Hosts, NoRepairs, Ports, RuleState, Rules};
use crate::service::apply;

const NOW_MS: i64 = 1_700_000_000_000;

#[derive(Debug)]
struct World;

impl Hosts for World {
    fn host(&self, ci: CiId) -> Option<Arc<HostFacts>> {
        Some(Arc::new(HostFacts {
            name: format!("web{:02}", ci.bits()),
            ..HostFacts::default()
        }))
    }
}

impl Rules for World {
    fn rule(&self, _: RuleId) -> RuleState {
        RuleState::Live
    }
}

fn transition(host: u128, key: &str, to: Severity) -> Transition {
    Transition {
        rule: RuleId::from_bits(7),
        rule_key: "disk-used".into(),
        title: Text {
            ko: "디스크 사용률".into(),
            en: "Disk used".into(),
        },
        group: "disk".into(),
        target: Target {
            ci: CiId::from_bits(host),
            kind: TargetKind::new("filesystem"),
            key: key.into(),
        },
        from: Severity::Normal,
        to,
        at_ms: NOW_MS - 60_000,
        flapping: false,
        observed: vec![Observed {
            signal: "used".into(),
            value: 0.97,
            unit: "ratio".into(),
        }],
        because: "used > 95%".into(),
        notify_from: Severity::Major,
        notify_on_fall: false,
    }
}

/// A store with three open problems: P-1 major and P-2 critical on web01, P-3 minor on web02.
async fn seeded() -> (Store, Asked) {
    let (env, _) = Env::simulated(NOW_MS, 5);
    let store = testkit::sqlite_store(&env).await;
    let ports = Ports {
        hosts: Arc::new(World),
        rules: Arc::new(World),
        repairs: Arc::new(NoRepairs),
    };
    let opened = vec![
        transition(1, "/", Severity::Major),
        transition(1, "/var", Severity::Critical),
        transition(2, "/", Severity::Minor),
    ];
    apply(&store.db, &ports, opened).await.unwrap();
    let asked = Asked::new(super::routes(store.db.clone()), env);
    (store, asked)
}

fn numbers(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|one| one["number"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn problems_are_listed_by_filter_order_and_page() {
    let (_store, asked) = seeded().await;
    let page = asked.viewer().get("/api/v1/problems").await.expect(200);
    assert_eq!(numbers(&page), ["P-2", "P-1", "P-3"]);
    let counts = json!({"info": 0, "warning": 0, "minor": 1, "major": 1, "critical": 1});
    assert_eq!(page["counts"], counts);
    let host = CiId::from_bits(1);
    for (query, expected) in [
        ("severity=major,critical", vec!["P-2", "P-1"]),
        ("sort=host", vec!["P-1", "P-2", "P-3"]),
        (&*format!("host={host}&sort=oldest"), vec!["P-1", "P-2"]),
        ("text=web02", vec!["P-3"]),
        ("state=closed", vec![]),
        ("acknowledged=true", vec![]),
        ("mark=acknowledged", vec![]),
        ("mine=me", vec![]),
        ("group=disk&severity=minor", vec!["P-3"]),
        ("group=cpu", vec![]),
    ] {
        let path = format!("/api/v1/problems?{query}");
        let page = asked.viewer().get(&path).await.expect(200);
        assert_eq!(numbers(&page), expected, "{query}");
    }
    let severe = "/api/v1/problems?severity=minor";
    let page = asked.viewer().get(severe).await.expect(200);
    assert_eq!(page["counts"], counts, "counts leave the severities out");
    let first = asked
        .viewer()
        .get("/api/v1/problems?limit=2")
        .await
        .expect(200);
    let next = first["next"].as_str().unwrap();
    let path = format!("/api/v1/problems?limit=2&cursor={next}");
    let second = asked.viewer().get(&path).await.expect(200);
    assert_eq!((numbers(&second), second.get("next")), (vec!["P-3"], None));
}

#[tokio::test]
async fn a_wrong_filter_is_refused_by_field() {
    let (_store, asked) = seeded().await;
    for (query, field) in [
        ("state=ajar", "state"),
        ("severity=fatal", "severity"),
        ("host=web01", "host"),
        ("rule=x", "rule"),
        ("mine=kim", "mine"),
        ("mark=red", "mark"),
        ("sort=size", "sort"),
        ("cursor=zz", "cursor"),
        ("limit=many", "limit"),
        ("severty=major", "severty"),
    ] {
        let path = format!("/api/v1/problems?{query}");
        let answer = asked.viewer().get(&path).await;
        answer.refused(422, "invalid_fields", &[field]);
    }
    let answer = asked.stranger().get("/api/v1/problems").await;
    answer.refused(401, "unauthenticated", &[]);
}

#[tokio::test]
async fn a_problem_is_found_by_id_and_by_number_with_everything_around_it() {
    let (_store, asked) = seeded().await;
    for path in ["P-1", "p-1", "1"] {
        let path = format!("/api/v1/problems/{path}");
        let body = asked.viewer().get(&path).await.expect(200);
        assert_eq!(body["problem"]["number"], "P-1");
        assert_eq!(body["problem"]["target"]["host_name"], "web01");
        assert_eq!(body["timeline"][0]["kind"], "opened");
        assert_eq!(body["related"][0]["number"], "P-2");
        let id = body["problem"]["id"].as_str().unwrap();
        let path = format!("/api/v1/problems/{id}");
        assert_eq!(asked.viewer().get(&path).await.expect(200), body);
    }
    for path in ["P-99", "P-x", "prb_00000000000000000000000009"] {
        let answer = asked
            .viewer()
            .get(&format!("/api/v1/problems/{path}"))
            .await;
        answer.refused(404, "not_found", &[]);
    }
}

#[tokio::test]
async fn an_operator_acts_and_a_viewer_may_not() {
    let (_store, asked) = seeded().await;
    let path = "/api/v1/problems/P-1/actions";
    let take = json!({"do": "acknowledge", "comment": "보고 있습니다"});
    let answer = asked.viewer().post(path, take.clone()).await;
    answer.refused(403, "forbidden", &[]);
    let body = asked.operator().post(path, take).await.expect(200);
    assert_eq!(body["acknowledged_by"], web::testing::user().to_string());
    assert_eq!(body["marks"], json!(["acknowledged"]));
    let mine = asked
        .operator()
        .get("/api/v1/problems?mine=me")
        .await
        .expect(200);
    assert_eq!(numbers(&mine), ["P-1"]);
    for (action, field, expected) in [
        (
            json!({"do": "assign", "to": "me"}),
            "assignee",
            json!(web::testing::user()),
        ),
        (json!({"do": "assign", "to": null}), "assignee", Value::Null),
        (
            json!({"do": "snooze", "until_ms": NOW_MS + 1}),
            "snoozed_until_ms",
            json!(NOW_MS + 1),
        ),
        (
            json!({"do": "unacknowledge"}),
            "acknowledged_by",
            Value::Null,
        ),
        (
            json!({"do": "close", "comment": "끝"}),
            "close_reason",
            json!("hand"),
        ),
        (
            json!({"do": "comment", "comment": "나중에"}),
            "closed_ms",
            json!(NOW_MS),
        ),
    ] {
        let body = asked
            .operator()
            .post(path, action.clone())
            .await
            .expect(200);
        assert_eq!(body[field], expected, "{action}");
    }
    let again = asked
        .operator()
        .post(path, json!({"do": "acknowledge"}))
        .await;
    again.refused(409, "closed", &[]);
    let lines = asked.audit();
    assert_eq!((lines[0].action, lines[0].status), ("problem.act", 403));
    assert!(
        lines[1].detail.contains("acknowledge"),
        "{}",
        lines[1].detail
    );
}

#[tokio::test]
async fn wrong_fields_of_an_action_are_told_in_the_callers_language() {
    let (_store, asked) = seeded().await;
    let path = "/api/v1/problems/P-1/actions";
    for (action, field) in [
        (json!({"do": "close"}), "comment"),
        (json!({"do": "snooze"}), "until_ms"),
        (json!({"do": "snooze", "until_ms": 1}), "until_ms"),
        (json!({"do": "assign", "to": "kim"}), "to"),
        (json!({"do": "repair"}), "do"),
        (json!({"comment": "x"}), "do"),
        (json!({"do": "close", "why": "x"}), "why"),
    ] {
        let answer = asked.operator().post(path, action.clone()).await;
        answer.refused(422, "invalid_fields", &[field]);
    }
    for (lang, words) in [("ko", "내용을 적어 주세요."), ("en", "Say something.")] {
        let asker = asked.operator().header("accept-language", lang);
        let body = asker.post(path, json!({"do": "close"})).await.expect(422);
        assert_eq!(body["fields"][0]["message"], words);
    }
}

#[tokio::test]
async fn many_problems_are_acted_on_and_those_that_refuse_are_named() {
    let (_store, asked) = seeded().await;
    let path = "/api/v1/problems/actions";
    let close = json!({"do": "close", "comment": "done"});
    asked
        .operator()
        .post("/api/v1/problems/P-3/actions", close)
        .await
        .expect(200);
    let body = json!({"ids": ["P-1", "P-1", "P-3", "P-99"], "do": "acknowledge"});
    let answer = asked.operator().post(path, body).await.expect(200);
    assert_eq!(answer["done"].as_array().unwrap().len(), 1, "{answer}");
    let refused = answer["refused"].as_array().unwrap();
    let whys: Vec<_> = refused
        .iter()
        .map(|one| one["why"].as_str().unwrap())
        .collect();
    assert_eq!(whys, ["there is no problem `P-99`", "P-3 is closed"]);
    let all = json!({"filter": {"severity": "critical"}, "do": "assign", "to": "me"});
    let answer = asked.operator().post(path, all).await.expect(200);
    assert_eq!(answer["done"].as_array().unwrap().len(), 1, "{answer}");
    for (body, field) in [
        (json!({"do": "acknowledge"}), "ids"),
        (json!({"ids": ["P-2"], "do": "comment"}), "comment"),
        (
            json!({"ids": ["P-2"], "do": "snooze", "until_ms": 1}),
            "until_ms",
        ),
        (json!({"ids": [], "filter": {}, "do": "acknowledge"}), "ids"),
        (
            json!({"filter": {"sort": "host"}, "do": "acknowledge"}),
            "filter",
        ),
        (
            json!({"filter": {"severty": "major"}, "do": "acknowledge"}),
            "filter.severty",
        ),
    ] {
        let answer = asked.operator().post(path, body).await;
        answer.refused(422, "invalid_fields", &[field]);
    }
    let viewer = asked
        .viewer()
        .post(path, json!({"ids": [], "do": "acknowledge"}))
        .await;
    viewer.refused(403, "forbidden", &[]);
}

fn maintenance(name: &str) -> Value {
    json!({
        "name": name,
        "reason": "커널 패치",
        "when": {"is": "once", "from_ms": NOW_MS - 1, "to_ms": NOW_MS + 3_600_000},
        "scope": {"hosts": [CiId::from_bits(1)], "labels": "{env=\"prod\"}"},
    })
}

#[tokio::test]
async fn a_maintenance_is_planned_edited_and_called_off() {
    let (_store, asked) = seeded().await;
    let list = "/api/v1/maintenances";
    let made = asked.operator().post(list, maintenance("patch")).await;
    let body = made.expect(201);
    assert_eq!(
        (&body["number"], &body["state"]),
        (&json!("M-1"), &json!("running"))
    );
    assert_eq!(
        (&body["owner"], made.header("etag")),
        (&json!("operator"), "\"1\"")
    );
    let one = format!("{list}/{}", body["id"].as_str().unwrap());
    let edit = maintenance("patch 2");
    let blind = asked.operator().put(&one, edit.clone()).await;
    blind.refused(428, "if_match_required", &[]);
    let edited = asked.operator().saw(1).put(&one, edit.clone()).await;
    assert_eq!(edited.expect(200)["name"], "patch 2");
    assert_eq!(edited.header("etag"), "\"2\"");
    let stale = asked.operator().saw(1).put(&one, edit.clone()).await;
    stale.refused(412, "changed_meanwhile", &[]);
    let forced = asked
        .operator()
        .header("if-match", "*")
        .put(&one, edit)
        .await;
    assert_eq!(forced.expect(200)["version"], 3);
    let ended = asked
        .operator()
        .post(&format!("{one}/cancel"), json!({}))
        .await
        .expect(200);
    assert_eq!(ended["state"], "cancelled");
    let open = asked.viewer().get(list).await.expect(200);
    assert_eq!(numbers(&open), Vec::<&str>::new());
    let past = asked
        .viewer()
        .get(&format!("{list}?past=true"))
        .await
        .expect(200);
    assert_eq!(numbers(&past), ["M-1"]);
    let viewer = asked.viewer().post(list, maintenance("x")).await;
    viewer.refused(403, "forbidden", &[]);
    asked
        .viewer()
        .get(&format!("{list}/mnt_x"))
        .await
        .refused(404, "not_found", &[]);
}

#[tokio::test]
async fn a_recurring_maintenance_shows_its_next_windows_and_says_what_is_wrong_with_it() {
    let (_store, asked) = seeded().await;
    let repeat = |at_min: u32, zone: &str| {
        let mut body = maintenance("weekly");
        body["when"] = json!({
            "is": "repeat", "days": {"weekly": [3]}, "at_min": at_min, "for_min": 60,
            "zone": zone, "from_ms": NOW_MS, "until_ms": NOW_MS + 40 * 86_400_000_i64,
        });
        body
    };
    let list = "/api/v1/maintenances";
    let made = asked
        .operator()
        .post(list, repeat(120, "Asia/Seoul"))
        .await
        .expect(201);
    assert_eq!(made["windows"].as_array().unwrap().len(), 3);
    // It is Wednesday 07:13 in Seoul; the next one begins at 02:00, 17:00 UTC of the day before.
    assert_eq!(made["windows"][0]["from_ms"], 1_700_586_000_000_i64);
    assert_eq!(made["when"], repeat(120, "Asia/Seoul")["when"]);
    for (body, field) in [
        (repeat(1_440, "Asia/Seoul"), "at_min"),
        (repeat(0, "Asia/Soul"), "zone"),
        (json!({"name": "x"}), "reason"),
    ] {
        let answer = asked.operator().post(list, body).await;
        answer.refused(422, "invalid_fields", &[field]);
    }
    let mut nothing = maintenance("x");
    nothing["scope"] = json!({});
    let answer = asked.operator().post(list, nothing).await;
    answer.refused(422, "invalid_fields", &["scope"]);
    let mut broken = maintenance("x");
    broken["scope"] = json!({"labels": "{env=prod}"});
    let answer = asked.operator().post(list, broken).await;
    answer.refused(422, "invalid_fields", &["scope.labels"]);
}

#[tokio::test]
async fn a_silence_is_made_edited_and_ended() {
    let (_store, asked) = seeded().await;
    let list = "/api/v1/silences";
    let silence =
        |to_ms: i64| json!({"selector": "{host=\"web01\"}", "reason": "교체", "to_ms": to_ms});
    let made = asked
        .operator()
        .post(list, silence(NOW_MS + 60_000))
        .await
        .expect(201);
    assert_eq!(
        (&made["number"], &made["state"]),
        (&json!("S-1"), &json!("running"))
    );
    assert_eq!(made["from_ms"], NOW_MS);
    let one = format!("{list}/{}", made["id"].as_str().unwrap());
    let longer = silence(NOW_MS + 120_000);
    asked
        .operator()
        .put(&one, longer.clone())
        .await
        .refused(428, "if_match_required", &[]);
    let edited = asked
        .operator()
        .saw(1)
        .put(&one, longer.clone())
        .await
        .expect(200);
    assert_eq!(edited["to_ms"], NOW_MS + 120_000);
    let stale = asked.operator().saw(1).put(&one, longer).await;
    stale.refused(412, "changed_meanwhile", &[]);
    let ended = asked
        .operator()
        .post(&format!("{one}/end"), json!({}))
        .await;
    assert_eq!(ended.expect(200)["state"], "cancelled");
    for (body, field) in [
        (silence(NOW_MS - 1), "to_ms"),
        (
            json!({"selector": "{}", "reason": "x", "to_ms": NOW_MS + 1}),
            "selector",
        ),
        (
            json!({"selector": "{a", "reason": "x", "to_ms": NOW_MS + 1}),
            "selector",
        ),
        (
            json!({"selector": "{a=\"b\"}", "reason": " ", "to_ms": NOW_MS + 1}),
            "reason",
        ),
    ] {
        let answer = asked.operator().post(list, body).await;
        answer.refused(422, "invalid_fields", &[field]);
    }
    let viewer = asked.viewer().post(list, silence(NOW_MS + 1)).await;
    viewer.refused(403, "forbidden", &[]);
    let past = asked
        .viewer()
        .get(&format!("{list}?past=true"))
        .await
        .expect(200);
    assert_eq!(numbers(&past), ["S-1"]);
}
