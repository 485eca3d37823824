//! Channels, recipients and the ledger over the API, on a real records store and a real receiver.

use std::sync::Arc;

use db::Tx;
use model::flow::{Dispatch, DispatchEvent, Hold};
use model::{CiId, ProblemId, RuleId, Severity, Target, Text};
use notify::Peer;
use serde_json::{Value, json};
use stdx::Env;
use testkit::{HttpReply, HttpSink, Store};
use web::testing::{Asked, Asker};
use web::{OutgoingClient, OutgoingPolicy};

use crate::courier::Lane;
use crate::ports::{HostFacts, Hosts, LogHealth};
use crate::{Context, Sealer, Site, service};

const NOW_MS: i64 = 1_795_111_927_000;
const CHANNELS: &str = "/api/v1/channels";
const RECIPIENTS: &str = "/api/v1/recipients";

#[derive(Debug)]
struct NoHosts;

impl Hosts for NoHosts {
    fn host(&self, _: CiId) -> Option<Arc<HostFacts>> {
        None
    }
}

struct Ground {
    asked: Asked,
    store: Store,
    context: Context,
    sink: HttpSink,
}

impl Ground {
    async fn new() -> Self {
        let (env, _) = Env::simulated(NOW_MS, 5);
        let store = testkit::sqlite_store(&env).await;
        let policy = OutgoingPolicy {
            allow_local: true,
            ..OutgoingPolicy::default()
        };
        let context = Context {
            sealer: Sealer::new(&[7; 32]),
            hosts: Arc::new(NoHosts),
            peer: Peer {
                http: OutgoingClient::new(policy).unwrap(),
                env: env.clone(),
            },
            health: Arc::new(LogHealth),
            site: Site::default(),
        };
        let mounted = super::routes(store.db.clone(), context.clone());
        Self {
            asked: Asked::new(mounted, env),
            store,
            context,
            sink: HttpSink::start(),
        }
    }

    fn admin(&self) -> Asker<'_> {
        self.asked.administrator()
    }

    async fn get(&self, path: &str) -> Value {
        self.asked.viewer().get(path).await.expect(200)
    }

    fn hook(&self) -> Value {
        let settings = json!({"url": self.sink.url("/hook"), "secret": "s3cret-value"});
        json!({"kind": "webhook", "name": "gateway", "settings": settings})
    }

    /// A webhook, made over the API; its answer.
    async fn channel(&self) -> Value {
        self.admin().post(CHANNELS, self.hook()).await.expect(201)
    }

    /// A recipient of everything from minor on that channel.
    async fn recipient(&self, channel: &Value) -> Value {
        self.admin()
            .post(RECIPIENTS, recipient(channel))
            .await
            .expect(201)
    }

    async fn tell(&self, dispatches: Vec<Dispatch>) {
        let context = self.context.clone();
        let told: crate::Result<()> = self
            .store
            .db
            .write(move |tx: &mut Tx| {
                Box::pin(async move { service::take(tx, &context, &dispatches).await })
            })
            .await;
        told.unwrap();
    }
}

fn recipient(channel: &Value) -> Value {
    json!({
        "name": "관제실", "shared": true,
        "rules": [{"from": "minor", "channels": [channel["id"]], "labels": "{env!=\"dev\"}"}],
    })
}

fn dispatch(problem: u128, severity: Severity, hold: Option<Hold>) -> Dispatch {
    Dispatch {
        problem: ProblemId::from_bits(problem),
        number: 1,
        event: DispatchEvent::Opened,
        seq: 1,
        severity,
        previous: Severity::Normal,
        rule: RuleId::from_bits(1),
        rule_key: "disk-used".into(),
        title: Text::same("disk"),
        target: Target::host(CiId::from_bits(1)),
        host: "web01".into(),
        observed: Vec::new(),
        because: "used > 95%".into(),
        at_ms: NOW_MS,
        opened_ms: NOW_MS,
        hold,
        note: String::new(),
    }
}

fn path_of(list: &str, one: &Value) -> String {
    format!("{list}/{}", one["id"].as_str().unwrap())
}

fn texts<'a>(page: &'a Value, key: &str) -> Vec<&'a str> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item[key].as_str().unwrap_or("-"))
        .collect()
}

#[tokio::test]
async fn kinds_describe_themselves_in_the_callers_language() {
    let ground = Ground::new().await;
    let page = ground.get("/api/v1/channel-types").await;
    assert_eq!(texts(&page, "kind"), ["mail", "slack", "webhook"]);
    let fields = page["items"][0]["fields"].as_array().unwrap();
    let field = |key: &str| fields.iter().find(|field| field["key"] == key).unwrap();
    assert_eq!(
        (&field("password")["kind"], &field("port")["max"]),
        (&json!("secret"), &json!(65_535))
    );
    assert_eq!(field("security")["choices"].as_array().unwrap().len(), 3);
    let english = ground.asked.viewer().header("accept-language", "en");
    let english = english.get("/api/v1/channel-types").await.expect(200);
    assert_ne!(english["items"][0]["title"], page["items"][0]["title"]);
    for page in [page, english] {
        assert!(
            !page.to_string().contains("notice."),
            "a text is missing: {page}"
        );
    }
}

#[tokio::test]
async fn secrets_go_in_and_never_come_out() {
    let ground = Ground::new().await;
    let operator = ground.asked.operator().post(CHANNELS, ground.hook()).await;
    operator.refused(403, "forbidden", &[]);
    let made = ground.admin().post(CHANNELS, ground.hook()).await;
    assert_eq!(made.expect(201)["secrets"], json!(["secret"]));
    let one = path_of(CHANNELS, &made.json());
    let mut edit = ground.hook();
    edit.as_object_mut().unwrap().remove("kind");
    (edit["enabled"], edit["name"]) = (json!(true), json!("sms"));
    edit["settings"].as_object_mut().unwrap().remove("secret");
    let edited = ground.admin().saw(1).put(&one, edit).await;
    assert_eq!(
        edited.expect(200)["secrets"],
        json!(["secret"]),
        "left out is kept"
    );
    let (got, list) = (
        ground.asked.viewer().get(&one).await,
        ground.get(CHANNELS).await,
    );
    for text in [&made.text, &edited.text, &got.text, &list.to_string()] {
        assert!(!text.contains("s3cret"), "{text}");
    }
    let audit = format!("{:?}", ground.asked.audit());
    assert!(
        audit.contains("gateway") && !audit.contains("s3cret"),
        "{audit}"
    );
}

#[tokio::test]
async fn a_channel_is_edited_only_by_who_saw_its_last_form_and_retired() {
    let ground = Ground::new().await;
    let made = ground.channel().await;
    let one = path_of(CHANNELS, &made);
    let url = ground.sink.url("/other");
    let edit = json!({"name": "sms", "enabled": false, "settings": {"url": url}});
    let blind = ground.admin().put(&one, edit.clone()).await;
    blind.refused(428, "if_match_required", &[]);
    let saw = ground.admin().saw(1);
    let edited = saw.put(&one, edit.clone()).await;
    assert_eq!(
        (&edited.expect(200)["name"], edited.header("etag")),
        (&json!("sms"), "\"2\"")
    );
    saw.put(&one, edit)
        .await
        .refused(412, "changed_meanwhile", &[]);
    ground.admin().delete(&one).await.expect(204);
    assert_eq!(ground.get(CHANNELS).await["items"], json!([]));
    let all = ground.get(&format!("{CHANNELS}?retired=true")).await;
    assert_eq!(texts(&all, "name"), ["sms"]);
    let nobody = ground
        .asked
        .viewer()
        .get(&format!("{CHANNELS}/chn_x"))
        .await;
    nobody.refused(404, "not_found", &[]);
}

#[tokio::test]
async fn wrong_settings_are_named() {
    let ground = Ground::new().await;
    for (path, value, field) in [
        ("/kind", json!("pigeon"), "kind"),
        ("/name", json!(" "), "name"),
        ("/settings/url", json!("gateway"), "settings.url"),
        ("/settings/secret", json!("whsec_!"), "settings.secret"),
        ("/settings", json!({"colour": "red"}), "settings.colour"),
        ("/settings", json!({"url": 7}), "settings.url"),
        ("/settings", json!([]), "settings"),
    ] {
        let mut body = ground.hook();
        *body.pointer_mut(path).unwrap() = value;
        let answer = ground.admin().post(CHANNELS, body).await;
        answer.refused(422, "invalid_fields", &[field]);
    }
    let mut body = ground.hook();
    body["fallback"] = json!(model::ChannelId::from_bits(9));
    let answer = ground.admin().post(CHANNELS, body).await;
    answer.refused(422, "invalid_fields", &["fallback"]);
}

#[tokio::test]
async fn a_test_message_says_what_came_of_it() {
    let ground = Ground::new().await;
    let made = ground.channel().await;
    let path = format!("{}/test", path_of(CHANNELS, &made));
    let operator = ground.asked.operator().post(&path, json!({})).await;
    operator.refused(403, "forbidden", &[]);
    ground
        .admin()
        .post(&path, json!({"lang": "en"}))
        .await
        .expect(204);
    assert_eq!(ground.sink.requests().len(), 1);
    ground.sink.reply(HttpReply::Status(500));
    let failed = ground.admin().post(&path, json!({})).await;
    failed.refused(502, "not_delivered", &[]);
    assert!(failed.text.contains("500"), "{}", failed.text);
    let wrong = ground.admin().post(&path, json!({"lang": "fr"})).await;
    wrong.refused(422, "invalid_fields", &["lang"]);
}

#[tokio::test]
async fn a_recipient_is_edited_only_by_who_saw_the_last_form_and_retired() {
    let ground = Ground::new().await;
    let channel = ground.channel().await;
    let made = ground.recipient(&channel).await;
    assert_eq!(
        (&made["lang"], &made["zone"]),
        (&json!("ko"), &json!("Asia/Seoul"))
    );
    assert_eq!(made["rules"][0]["labels"], "{env!=\"dev\"}");
    let one = path_of(RECIPIENTS, &made);
    let mut edit = recipient(&channel);
    edit["name"] = json!("야간 당직");
    let blind = ground.admin().put(&one, edit.clone()).await;
    blind.refused(428, "if_match_required", &[]);
    let saw = ground.admin().saw(1);
    let edited = saw.put(&one, edit.clone()).await.expect(200);
    assert_eq!(edited["name"], "야간 당직");
    saw.put(&one, edit)
        .await
        .refused(412, "changed_meanwhile", &[]);
    let operator = ground.asked.operator();
    let operator = operator.post(RECIPIENTS, recipient(&channel)).await;
    operator.refused(403, "forbidden", &[]);
    ground.admin().delete(&one).await.expect(204);
    assert_eq!(ground.get(RECIPIENTS).await["items"], json!([]));
}

#[tokio::test]
async fn a_wrong_recipient_names_its_field() {
    let ground = Ground::new().await;
    let channel = ground.channel().await;
    let nowhere = json!([model::ChannelId::from_bits(9)]);
    let unknown = json!({"from": "info", "channels": [], "day": 1});
    for (path, value, field) in [
        ("/name", json!(""), "name"),
        ("/zone", json!("Mars"), "zone"),
        ("/lang", json!("fr"), "lang"),
        ("/user", json!("kim"), "user"),
        (
            "/addresses",
            json!({"pigeon": "roof", "mail": "a@b.c"}),
            "addresses.pigeon",
        ),
        ("/rules/0/from", json!("loud"), "rules[0].from"),
        ("/rules/0/channels", nowhere, "rules[0].channels"),
        ("/rules/0/channels", json!([]), "rules"),
        ("/rules/0/labels", json!("{env"), "rules[0].labels"),
        ("/rules/0", unknown, "rules[0].day"),
    ] {
        let mut body = recipient(&channel);
        for key in ["zone", "lang", "user", "addresses"] {
            if path == format!("/{key}") {
                body[key] = Value::Null;
            }
        }
        *body.pointer_mut(path).unwrap() = value;
        let answer = ground.admin().post(RECIPIENTS, body).await;
        answer.refused(422, "invalid_fields", &[field]);
    }
}

/// A ledger with an undelivered notice, one below the severity, and one held by a maintenance.
async fn failed(ground: &Ground) -> (Value, Value, Lane) {
    let channel = ground.channel().await;
    let somebody = ground.recipient(&channel).await;
    let hold = Hold::Maintenance {
        name: "M-12".into(),
    };
    let told = vec![
        dispatch(1, Severity::Major, None),
        dispatch(2, Severity::Info, None),
        dispatch(3, Severity::Major, Some(hold)),
    ];
    ground.tell(told).await;
    ground.sink.reply(HttpReply::Status(410));
    let id = channel["id"].as_str().unwrap().parse().unwrap();
    let mut lane = Lane::new(ground.store.db.clone(), ground.context.clone(), id);
    lane.run_due().await.unwrap();
    (channel, somebody, lane)
}

#[tokio::test]
async fn the_ledger_is_read_by_problem_recipient_channel_and_reason() {
    let ground = Ground::new().await;
    let (channel, somebody, _lane) = failed(&ground).await;
    let problem = |bits| format!("problem={}", ProblemId::from_bits(bits));
    let whose = |key: &str, one: &Value| format!("{key}={}", one["id"].as_str().unwrap());
    for (query, expected) in [
        (problem(1), vec!["undelivered"]),
        (problem(1) + "&reason=sent", vec![]),
        (problem(2), vec!["below_severity", "nobody"]),
        ("reason=held_maintenance".into(), vec!["held_maintenance"]),
        (
            whose("recipient", &somebody),
            vec!["below_severity", "undelivered"],
        ),
        (whose("channel", &channel), vec!["undelivered"]),
        (format!("from_ms={}", NOW_MS + 1), vec![]),
    ] {
        let page = ground.get(&format!("/api/v1/ledger?{query}")).await;
        assert_eq!(texts(&page, "reason"), expected, "{query}: {page}");
    }
    let page = ground.get("/api/v1/ledger?limit=2").await;
    let next = page["next"].as_str().unwrap();
    let rest = ground
        .get(&format!("/api/v1/ledger?limit=2&cursor={next}"))
        .await;
    assert_eq!((texts(&rest, "reason").len(), rest.get("next")), (2, None));
    let held = ground.get("/api/v1/ledger?reason=held_maintenance").await;
    assert_eq!(held["items"][0]["detail"], "M-12");
    assert!(!held.to_string().contains("notice.reason"), "{held}");
    for query in ["reason=mood", "cursor=zz", "problem=P-1"] {
        let field = query.split('=').next().unwrap();
        let answer = ground
            .asked
            .viewer()
            .get(&format!("/api/v1/ledger?{query}"))
            .await;
        answer.refused(422, "invalid_fields", &[field]);
    }
}

#[tokio::test]
async fn an_undelivered_notice_is_tried_again_and_the_channel_counts_as_good() {
    let ground = Ground::new().await;
    let (_, _, mut lane) = failed(&ground).await;
    let failed = ground.get("/api/v1/ledger?reason=undelivered").await;
    let path = format!("{}/retry", path_of("/api/v1/ledger", &failed["items"][0]));
    let viewer = ground.asked.viewer().post(&path, json!({})).await;
    viewer.refused(403, "forbidden", &[]);
    let health = ground.get("/api/v1/channel-health").await;
    assert_eq!(texts(&health, "state"), ["failing"]);
    assert_eq!(health["items"][0]["failures"], 1);
    let operator = ground.asked.operator();
    operator.post(&path, json!({})).await.expect(204);
    operator
        .post(&path, json!({}))
        .await
        .refused(404, "not_found", &[]);
    ground.sink.reply(HttpReply::Status(200));
    lane.run_due().await.unwrap();
    let page = ground.get("/api/v1/ledger?reason=sent").await;
    assert_eq!(texts(&page, "reason"), ["sent"]);
    let channels = ground.get(CHANNELS).await;
    assert_eq!(channels["items"][0]["health"]["state"], "good");
}
