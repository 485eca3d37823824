//! Agents, enrolment tokens and top processes over the API, on a real records store.

use std::collections::BTreeMap;
use std::sync::Arc;

use db::{BoxFuture, Tx};
use model::{AgentId, CiId, TokenId};
use serde_json::{Value, json};
use stdx::{Env, VirtualClock};
use testkit::{Store, TempDir};
use web::testing::Asked;

use super::Entrance;
use crate::agents::Enrolled;
use crate::live::{Arrival, Outbound};
use crate::*;

const NOW_MS: i64 = 1_700_000_000_000;

/// The rest of the server, as far as these endpoints look at it: the names of hosts.
struct Rest;

impl HostRegistry for Rest {
    fn enrol<'a>(
        &'a self,
        _: &'a HostFacts,
        _: &'a TokenGrant,
        _: Option<CiId>,
    ) -> BoxFuture<'a, Result<HostIdentity, RegistryRefused>> {
        Box::pin(async { Err(RegistryRefused("not here".into())) })
    }

    fn name(&self, host: CiId) -> BoxFuture<'_, Option<String>> {
        Box::pin(async move { (host.bits() < 9).then(|| format!("web{:02}", host.bits())) })
    }
}

impl SeriesResolver for Rest {
    fn resolve(&self, _: CiId, _: &str, _: &[(&str, &str)]) -> Result<u32, SeriesRefused> {
        Ok(0)
    }
}

impl Ingest for Rest {
    fn accept(&self, _: IngestBatch) -> BoxFuture<'_, Result<(), IngestRefused>> {
        Box::pin(async { Ok(()) })
    }
}

impl ConfigSource for Rest {
    fn config_for(&self, _: CiId) -> BoxFuture<'_, AgentConfig> {
        Box::pin(async { AgentConfig::default() })
    }
}

impl EventSink for Rest {
    fn event(&self, _: FleetEvent) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// A port that cannot be opened.
struct Shut;

impl Entrance for Shut {
    fn open(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async { Err("port 7701 is taken: choose another in the configuration".into()) })
    }
}

struct Ground {
    asked: Asked,
    fleet: Fleet,
    clock: Arc<VirtualClock>,
    env: Env,
    _keep: (Store, TempDir),
}

/// Three agents on web01 … web03, none connected.
async fn ground() -> Ground {
    let (env, clock) = Env::simulated(NOW_MS, 5);
    let store = testkit::sqlite_store(&env).await;
    let folder = TempDir::new();
    let rest = Arc::new(Rest);
    let ports = Ports {
        hosts: rest.clone(),
        series: rest.clone(),
        ingest: rest.clone(),
        config: rest.clone(),
        events: rest,
    };
    let options = FleetOptions {
        db: store.db.clone(),
        env: env.clone(),
        data_dir: folder.path().to_owned(),
        version: "0.1.0".into(),
        agent_programs: BTreeMap::new(),
        order_keys: String::new(),
    };
    let fleet = Fleet::start(options, ports).unwrap();
    let write = store.db.write(|tx: &mut Tx| Box::pin(enrol_three(tx)));
    write.await.unwrap();
    let entrance = Arc::new("monitor.example.com:7701".to_owned());
    let asked = Asked::new(super::routes(fleet.clone(), entrance), env.clone());
    Ground {
        asked,
        fleet,
        clock,
        env,
        _keep: (store, folder),
    }
}

async fn enrol_three(tx: &mut Tx) -> db::Result<()> {
    for number in 1..=3_u8 {
        let agent = Enrolled {
            id: agent(number),
            host: CiId::from_bits(number.into()),
            pin: wire::Pin([number; 32]),
            version: if number == 3 { "0.0.9" } else { "0.1.0" }.into(),
            address: format!("10.0.0.{number}:5000"),
            token: TokenId::from_bits(1),
        };
        agents::enrol(tx, &agent).await?;
    }
    Ok(())
}

fn agent(number: u8) -> AgentId {
    AgentId::from_bits(number.into())
}

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|one| one["host_name"].as_str().unwrap_or("-"))
        .collect()
}

fn arrival(number: u8) -> Arrival {
    Arrival {
        agent: agent(number),
        host: CiId::from_bits(number.into()),
        version: "0.1.0".into(),
        address: "10.0.0.1:5000".into(),
        queue: 1,
    }
}

#[tokio::test]
async fn agents_are_listed_with_what_is_known_of_them() {
    let ground = ground().await;
    let live = &ground.fleet.shared().live;
    let (_place, _inbox) = live.arrive(arrival(2));
    let warning = AgentWarning {
        code: "queue".into(),
        subject: String::new(),
        text: "the queue is nearly full".into(),
        at_ms: NOW_MS,
    };
    live.warn(agent(3), warning);
    let host = CiId::from_bits(1);
    for (query, expected) in [
        (String::new(), vec!["web01", "web02", "web03"]),
        ("connected=true".into(), vec!["web02"]),
        ("warned=true".into(), vec!["web03"]),
        ("version=0.0.9".into(), vec!["web03"]),
        (format!("host={host}"), vec!["web01"]),
    ] {
        let path = format!("/api/v1/agents?{query}");
        let page = ground.asked.viewer().get(&path).await.expect(200);
        assert_eq!(names(&page), expected, "{query}");
    }
    let first = ground
        .asked
        .viewer()
        .get("/api/v1/agents?limit=2")
        .await
        .expect(200);
    let next = first["next"].as_str().unwrap();
    let path = format!("/api/v1/agents?limit=2&cursor={next}");
    let second = ground.asked.viewer().get(&path).await.expect(200);
    assert_eq!((names(&second), second.get("next")), (vec!["web03"], None));
    assert_eq!(second["items"][0]["warnings"][0]["code"], "queue");
    let wrong = ground.asked.viewer().get("/api/v1/agents?host=web01").await;
    wrong.refused(422, "invalid_fields", &["host"]);
}

#[tokio::test]
async fn a_retired_agent_is_sent_away_and_only_an_administrator_does_it() {
    let ground = ground().await;
    let (_place, mut inbox) = ground.fleet.shared().live.arrive(arrival(2));
    let path = format!("/api/v1/agents/{}/retire", agent(2));
    let operator = ground.asked.operator().post(&path, json!({})).await;
    operator.refused(403, "forbidden", &[]);
    let body = ground
        .asked
        .administrator()
        .post(&path, json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&body["retired"], &body["host_name"]),
        (&json!(true), &json!("web02"))
    );
    assert!(matches!(
        inbox.recv().await,
        Some(Outbound::End(wire::GoodbyeCode::Retired, _))
    ));
    let page = ground
        .asked
        .viewer()
        .get("/api/v1/agents")
        .await
        .expect(200);
    assert_eq!(names(&page), ["web01", "web03"]);
    let all = ground
        .asked
        .viewer()
        .get("/api/v1/agents?retired=true")
        .await
        .expect(200);
    assert_eq!(names(&all), ["web01", "web02", "web03"]);
    let nobody = format!("/api/v1/agents/{}", agent(9));
    ground
        .asked
        .viewer()
        .get(&nobody)
        .await
        .refused(404, "not_found", &[]);
}

#[tokio::test]
async fn a_server_is_added_by_one_line_that_is_shown_once() {
    let ground = ground().await;
    let list = "/api/v1/enrolment-tokens";
    let wanted = json!({"label": "web", "uses": 2, "valid_s": 60, "labels": {"env": "prod"}});
    let operator = ground.asked.operator().post(list, wanted.clone()).await;
    operator.refused(403, "forbidden", &[]);
    let made = ground
        .asked
        .administrator()
        .post(list, wanted)
        .await
        .expect(201);
    let (line, secret) = (
        made["install_line"].as_str().unwrap(),
        made["secret"].as_str().unwrap(),
    );
    assert_eq!(
        line,
        ground
            .fleet
            .install_line("monitor.example.com:7701", secret)
    );
    assert!(
        line.contains("https://monitor.example.com:7701/i/"),
        "{line}"
    );
    assert_eq!(made["expires_ms"], NOW_MS + 60_000);
    let page = ground.asked.viewer().get(list).await;
    assert!(!page.text.contains(secret), "the secret is shown once");
    assert!(
        !ground
            .asked
            .audit()
            .iter()
            .any(|entry| entry.detail.contains(secret))
    );
    let row = page.expect(200)["items"][0].clone();
    assert_eq!(
        (&row["uses_left"], &row["state"]),
        (&json!(2), &json!("good"))
    );
    assert_eq!(row["labels"], json!({"env": "prod"}));
    ground.clock.advance_ms(60_000);
    let page = ground.asked.viewer().get(list).await.expect(200);
    assert_eq!(page["items"][0]["state"], "expired");
    let one = format!("{list}/{}", made["id"].as_str().unwrap());
    ground.asked.administrator().delete(&one).await.expect(204);
    ground
        .asked
        .administrator()
        .delete(&one)
        .await
        .refused(404, "not_found", &[]);
    let page = ground.asked.viewer().get(list).await.expect(200);
    assert_eq!(page["items"], json!([]));
}

#[tokio::test]
async fn a_wrong_token_says_everything_that_is_wrong() {
    let ground = ground().await;
    let list = "/api/v1/enrolment-tokens";
    let wrong = json!({"label": " ", "uses": 0, "valid_s": 1, "labels": {"a-b": "x"}});
    let answer = ground.asked.administrator().post(list, wrong).await;
    answer.refused(
        422,
        "invalid_fields",
        &["label", "uses", "valid_s", "labels"],
    );
    for labels in [json!({"__name__": "up"}), json!({"env": ""})] {
        let body = json!({"label": "web", "labels": labels});
        let answer = ground.asked.administrator().post(list, body).await;
        answer.refused(422, "invalid_fields", &["labels"]);
    }
    let shut = super::routes(ground.fleet.clone(), Arc::new(Shut));
    let asked = Asked::new(shut, ground.env.clone());
    let answer = asked
        .administrator()
        .post(list, json!({"label": "web"}))
        .await;
    answer.refused(503, "unavailable", &[]);
    let page = ground.asked.viewer().get(list).await.expect(200);
    assert_eq!(page["items"], json!([]), "no token without a way in");
}

#[tokio::test]
async fn a_hosts_agent_is_asked_for_its_busiest_processes() {
    let ground = ground().await;
    let path = format!("/api/v1/hosts/{}/top?count=1", CiId::from_bits(2));
    let away = ground.asked.viewer().get(&path).await;
    away.refused(409, "agent_not_connected", &[]);
    let (_place, mut inbox) = ground.fleet.shared().live.arrive(arrival(2));
    let answering = tokio::spawn(async move {
        for turn in 0..2 {
            let Some(Outbound::Top(count, answer)) = inbox.recv().await else {
                panic!("something else was asked");
            };
            assert_eq!(count, 1);
            let process = TopProcess {
                pid: 7,
                user: "root".into(),
                name: "cp".into(),
                command: "cp -r / /mnt".into(),
                cpu_ratio: 0.9,
                resident_bytes: 4_096,
            };
            let top = TopProcesses {
                by_cpu: vec![process],
                by_memory: Vec::new(),
            };
            let said = if turn == 0 {
                Ok(top)
            } else {
                Err("no /proc".to_owned())
            };
            answer.send(said).unwrap();
        }
    });
    let body = ground.asked.viewer().get(&path).await.expect(200);
    assert_eq!(
        (&body["by_cpu"][0]["name"], &body["by_memory"]),
        (&json!("cp"), &json!([]))
    );
    let refused = ground.asked.viewer().get(&path).await;
    refused.refused(502, "agent_refused", &[]);
    answering.await.unwrap();
    let wrong = ground.asked.viewer().get("/api/v1/hosts/web02/top").await;
    wrong.refused(404, "not_found", &[]);
}
