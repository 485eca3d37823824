//! Notices over both record stores and real receivers: told, paired, retried, bounded, never lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use db::{Db, Query as _, params};
use model::flow::{Dispatch, DispatchEvent, Hold, Message, Observed, encode};
use model::{
    ChannelId, CiId, Lang, ProblemId, RecipientId, RuleId, Severity, Target, TargetKind, Text,
};
use notice::courier::Lane;
use notice::model::{LedgerRow, Reason, Rule};
use notice::service::{self, ChannelEdit, RecipientEdit};
use notice::{Context, HostFacts, Hosts, LogHealth, Sealer, Site};
use notify::{Peer, Settings};
use stdx::{Env, VirtualClock};
use testkit::{HttpReply, HttpSink, SmtpSink, Store, on_both_stores, sqlite_store};
use web::{OutgoingClient, OutgoingPolicy};

const START_MS: i64 = 1_795_111_927_000;
const WAIT: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct NoHosts;

impl Hosts for NoHosts {
    fn host(&self, _: CiId) -> Option<Arc<HostFacts>> {
        None
    }
}

fn context(env: &Env) -> Context {
    let policy = OutgoingPolicy {
        allow_local: true,
        connect_timeout: Duration::from_secs(2),
        timeout: Duration::from_millis(400),
    };
    Context {
        sealer: Sealer::new(&[7; 32]),
        hosts: Arc::new(NoHosts),
        peer: Peer {
            http: OutgoingClient::new(policy).unwrap(),
            env: env.clone(),
        },
        health: Arc::new(LogHealth),
        site: Site {
            name: String::new(),
            console_url: "https://bongsu.example.com".into(),
        },
    }
}

/// A store with one webhook channel and one recipient on it.
struct Ground<'a> {
    db: &'a Db,
    context: Context,
    clock: Arc<VirtualClock>,
    sink: HttpSink,
    hook: ChannelId,
}

impl<'a> Ground<'a> {
    async fn new(store: &'a Store, env: &Env, clock: &Arc<VirtualClock>) -> Self {
        let (db, context, sink) = (&store.db, context(env), HttpSink::start());
        let hook = webhook(db, &context, &sink, None).await;
        recipient(db, "관제실", &[hook], &[]).await;
        Self {
            db,
            context,
            clock: clock.clone(),
            sink,
            hook,
        }
    }

    async fn take(&self, dispatches: &[Dispatch]) {
        let (context, dispatches) = (self.context.clone(), dispatches.to_vec());
        let taken: notice::Result<()> = self
            .db
            .write(move |tx| {
                Box::pin(async move { service::take(tx, &context, &dispatches).await })
            })
            .await;
        taken.unwrap();
    }

    fn lane(&self, channel: ChannelId) -> Lane {
        Lane::new(self.db.clone(), self.context.clone(), channel)
    }

    async fn send(&self) -> usize {
        self.lane(self.hook).run_due().await.unwrap()
    }

    async fn ledger(&self, problem: u128) -> Vec<LedgerRow> {
        let id = ProblemId::from_bits(problem);
        service::of_problem(&mut self.db.reader(), id)
            .await
            .unwrap()
    }

    async fn reasons(&self, problem: u128) -> Vec<Reason> {
        self.ledger(problem)
            .await
            .iter()
            .map(|row| row.reason)
            .collect()
    }

    /// What the receiver accepted or not, as `event number`.
    fn heard(&self) -> Vec<String> {
        let requests = self.sink.requests();
        requests
            .iter()
            .map(|request| event_of(&request.text()))
            .collect()
    }
}

fn event_of(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let number = &body["problem"]["number"];
    format!("{} {number}", body["event"].as_str().unwrap())
}

async fn webhook(
    db: &Db,
    context: &Context,
    sink: &HttpSink,
    fallback: Option<ChannelId>,
) -> ChannelId {
    let edit = ChannelEdit {
        name: "webhook".into(),
        enabled: true,
        settings: Settings::new([
            ("url", sink.url("/hook").as_str()),
            ("secret", "s3cret-value"),
        ]),
        fallback,
        per_minute: 20,
    };
    service::create_channel(db, context, "webhook", edit, "usr_admin")
        .await
        .unwrap()
        .id
}

async fn mail(db: &Db, context: &Context, sink: &SmtpSink) -> ChannelId {
    let port = sink.port().to_string();
    let edit = ChannelEdit {
        name: "mail".into(),
        enabled: true,
        settings: Settings::new([
            ("host", "127.0.0.1"),
            ("port", port.as_str()),
            ("security", "none"),
            ("from", "noc@example.com"),
        ]),
        fallback: None,
        per_minute: 20,
    };
    service::create_channel(db, context, "mail", edit, "usr_admin")
        .await
        .unwrap()
        .id
}

async fn recipient(
    db: &Db,
    name: &str,
    channels: &[ChannelId],
    addresses: &[(&str, &str)],
) -> RecipientId {
    let pairs = addresses
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let edit = RecipientEdit {
        name: name.into(),
        shared: true,
        user: None,
        lang: Lang::Ko,
        zone: "Asia/Seoul".into(),
        enabled: true,
        addresses: pairs.collect::<BTreeMap<_, _>>(),
        rules: vec![Rule {
            from: Severity::Major,
            days: Vec::new(),
            from_min: 0,
            to_min: 0,
            channels: channels.to_vec(),
            groups: Vec::new(),
            labels: None,
        }],
    };
    service::create_recipient(db, edit, "usr_admin")
        .await
        .unwrap()
        .id
}

fn dispatch(problem: u128, seq: i64, event: DispatchEvent) -> Dispatch {
    Dispatch {
        problem: ProblemId::from_bits(problem),
        number: i64::try_from(problem).unwrap(),
        event,
        seq,
        severity: Severity::Major,
        previous: Severity::Normal,
        rule: RuleId::from_bits(1),
        rule_key: "disk-used".into(),
        title: Text {
            ko: "디스크 사용률".into(),
            en: "Disk used".into(),
        },
        target: Target {
            ci: CiId::from_bits(1),
            kind: TargetKind::new("filesystem"),
            key: "/var".into(),
        },
        host: "web01".into(),
        observed: vec![Observed {
            signal: "used".into(),
            value: 0.96,
            unit: "ratio".into(),
        }],
        because: "used > 95%".into(),
        at_ms: START_MS,
        opened_ms: START_MS,
        hold: None,
        note: String::new(),
    }
}

use DispatchEvent::{Opened, Raised, Recovered};

/// Runs a test body on both stores, each with a clock of its own.
async fn on_both(test: impl AsyncFn(&Ground<'_>)) {
    let (env, clock) = Env::simulated(START_MS, 1);
    on_both_stores(&env, async |store| {
        clock.jump_to_ms(START_MS);
        test(&Ground::new(store, &env, &clock).await).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_told_once_and_its_recovery_is_paired() {
    on_both(async |ground| {
        let held = Dispatch {
            hold: Some(Hold::Maintenance {
                name: "M-12".into(),
            }),
            ..dispatch(1, 1, Opened)
        };
        ground.take(&[held, dispatch(2, 1, Opened)]).await;
        // Taken twice, decided once.
        ground.take(&[dispatch(2, 1, Opened)]).await;
        assert_eq!(ground.send().await, 1);
        assert_eq!(ground.send().await, 0);
        let rows = ground.ledger(1).await;
        assert_eq!(
            (rows[0].reason, rows[0].detail.as_str()),
            (Reason::HeldMaintenance, "M-12")
        );
        assert_eq!(ground.reasons(2).await, [Reason::Sent]);
        // The recovery is held by nothing and asks no rule: it is paired.
        let hold = Some(Hold::Silence { name: "S-1".into() });
        ground
            .take(&[Dispatch {
                hold,
                ..dispatch(2, 2, Recovered)
            }])
            .await;
        ground.take(&[dispatch(1, 2, Recovered)]).await;
        ground.send().await;
        assert_eq!(ground.heard(), ["opened 2", "recovered 2"]);
        assert_eq!(
            ground.reasons(1).await,
            [Reason::HeldMaintenance, Reason::NobodyTold]
        );
        let sent = ground.sink.requests().remove(0);
        let key = sent.header("webhook-id").unwrap().to_owned();
        assert!(key.starts_with("prb_") && sent.header("webhook-signature").is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_down_for_an_hour_loses_nothing_and_tells_nothing_stale() {
    on_both(async |ground| {
        ground.take(&[dispatch(1, 1, Opened)]).await;
        ground.send().await;
        ground.sink.reply(HttpReply::Status(503));
        ground
            .take(&[
                dispatch(1, 2, Raised),
                dispatch(2, 1, Opened),
                dispatch(3, 1, Opened),
            ])
            .await;
        let mut lane = ground.lane(ground.hook);
        for minute in 0..60 {
            lane.run_due().await.unwrap();
            ground.clock.advance_ms(60_000);
            if minute == 30 {
                ground
                    .take(&[dispatch(1, 3, Recovered), dispatch(3, 2, Recovered)])
                    .await;
            }
        }
        let tries = ground.sink.requests().len();
        assert!((10..90).contains(&tries), "{tries} tries in an hour of 503");
        let health = service::health(&mut ground.db.reader()).await.unwrap();
        assert!(health[0].failures > 3 && health[0].failing_since_ms == START_MS);
        assert!(health[0].last_error.contains("503"));
        ground.sink.reply(HttpReply::Status(200));
        // Its return is noticed within half a minute, and what waits for its back-off hurries.
        ground.clock.advance_ms(30_000);
        lane.run_due().await.unwrap();
        let heard = ground.heard().split_off(tries);
        let mut told = heard.clone();
        told.sort();
        assert_eq!(told, ["opened 2", "recovered 1"], "{heard:?}");
        assert_eq!(
            ground.reasons(1).await,
            [Reason::Sent, Reason::OverBefore, Reason::Sent]
        );
        assert_eq!(
            ground.reasons(3).await,
            [Reason::OverBefore, Reason::NotNeeded]
        );
        assert_eq!(ground.ledger(2).await[0].reason, Reason::Sent);
        let health = service::health(&mut ground.db.reader()).await.unwrap();
        assert_eq!((health[0].failures, health[0].failing_since_ms), (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_arrived_is_sent_again_with_its_key_and_paired() {
    on_both(async |ground| {
        for reply in [HttpReply::Hang, HttpReply::Close, HttpReply::Status(500)] {
            let problem = 10 + ground.sink.requests().len() as u128;
            ground.sink.reply_next([reply]);
            ground.take(&[dispatch(problem, 1, Opened)]).await;
            ground.send().await;
            assert!(ground.ledger(problem).await[0].unsure, "{reply:?}");
            ground.take(&[dispatch(problem, 2, Recovered)]).await;
            ground.clock.advance_ms(10_000);
            ground.send().await;
            assert_eq!(
                ground.reasons(problem).await,
                [Reason::Sent, Reason::Sent],
                "{reply:?}"
            );
            let requests = ground.sink.requests();
            let last: Vec<_> = requests[requests.len() - 3..].iter().collect();
            let key = |at: usize| last[at].header("webhook-id").unwrap();
            assert_eq!(key(0), key(1), "{reply:?}");
            assert_ne!(key(1), key(2));
            assert!(event_of(&last[2].text()).starts_with("recovered"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_refusal_goes_to_the_fallback_or_is_visibly_undelivered() {
    on_both(async |ground| {
        let smtp = SmtpSink::start();
        let mail = mail(ground.db, &ground.context, &smtp).await;
        let broken = HttpSink::start();
        broken.reply(HttpReply::Status(404));
        let hook = webhook(ground.db, &ground.context, &broken, Some(mail)).await;
        recipient(ground.db, "김당직", &[hook], &[("mail", "kim@example.com")]).await;
        ground.sink.reply(HttpReply::Status(410));
        ground.take(&[dispatch(1, 1, Opened)]).await;
        ground.send().await;
        ground.lane(hook).run_due().await.unwrap();
        ground.lane(mail).run_due().await.unwrap();
        let rows = ground.ledger(1).await;
        let of = |channel| {
            rows.iter()
                .find(|row| row.channel == Some(channel))
                .unwrap()
        };
        assert_eq!(of(ground.hook).reason, Reason::Undelivered);
        assert!(of(ground.hook).detail.contains("410"));
        assert_eq!(of(hook).reason, Reason::Fallback);
        assert_eq!(
            (of(mail).reason, of(mail).fallback_of),
            (Reason::Sent, Some(of(hook).id))
        );
        let waiting = service::undelivered(&mut ground.db.reader(), 10)
            .await
            .unwrap();
        assert_eq!(waiting.len(), 1);
        // The recovery goes where the notice went, and nowhere else.
        ground.take(&[dispatch(1, 2, Recovered)]).await;
        for channel in [ground.hook, hook, mail] {
            ground.lane(channel).run_due().await.unwrap();
        }
        let mails = smtp.mails();
        assert_eq!(
            (
                mails.len(),
                broken.requests().len(),
                ground.sink.requests().len()
            ),
            (2, 1, 1)
        );
        assert_eq!(mails[1].to, ["kim@example.com"]);
        // Somebody mended the address: the button sends it after all.
        ground.sink.reply(HttpReply::Status(200));
        service::retry(ground.db, waiting[0].id).await.unwrap();
        ground.send().await;
        assert_eq!(ground.sink.requests().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_killed_between_claim_and_answer_repeats_once_with_the_same_key() {
    on_both(async |ground| {
        ground.sink.reply_next([HttpReply::Late(200, 200)]);
        ground.take(&[dispatch(1, 1, Opened)]).await;
        let mut lane = ground.lane(ground.hook);
        let killed = tokio::spawn(async move { lane.run_due().await });
        let _ = ground.sink.wait_for(1, WAIT);
        killed.abort();
        let _ = killed.await;
        assert_eq!(ground.reasons(1).await, [Reason::Pending]);
        // Under the lease nobody else takes it, and its recovery waits behind it.
        ground.take(&[dispatch(1, 2, Recovered)]).await;
        assert_eq!(ground.send().await, 0);
        ground.clock.advance_ms(61_000);
        assert_eq!(ground.send().await, 2);
        assert_eq!(ground.heard(), ["opened 1", "opened 1", "recovered 1"]);
        let requests = ground.sink.requests();
        assert_eq!(
            requests[0].header("webhook-id"),
            requests[1].header("webhook-id")
        );
        assert_eq!(requests[0].body, requests[1].body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_is_told_in_a_few_messages_and_keeps_every_row() {
    on_both(async |ground| {
        let storm: Vec<_> = (1..=1_000)
            .map(|problem| dispatch(problem, 1, Opened))
            .collect();
        ground.take(&storm).await;
        let mut lane = ground.lane(ground.hook);
        assert_eq!(lane.run_due().await.unwrap(), 21);
        let requests = ground.sink.requests();
        let digest: serde_json::Value = serde_json::from_str(&requests[20].text()).unwrap();
        assert_eq!(
            (&digest["event"], &digest["digest"]["count"]),
            (&"digest".into(), &980.into())
        );
        assert!(
            digest["text"]["body"]
                .as_str()
                .unwrap()
                .contains("외 970건")
        );
        assert_eq!(ground.reasons(777).await, [Reason::Sent]);
        let over: Vec<_> = (1..=1_000)
            .map(|problem| dispatch(problem, 2, Recovered))
            .collect();
        ground.take(&over).await;
        ground.clock.advance_ms(5_000);
        assert_eq!(lane.run_due().await.unwrap(), 1);
        assert_eq!(ground.reasons(777).await, [Reason::Sent, Reason::Sent]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recoveries_reach_people_whose_rules_and_channels_changed_meanwhile() {
    on_both(async |ground| {
        let lee = recipient(ground.db, "이당직", &[ground.hook], &[("webhook", "010")]).await;
        ground.take(&[dispatch(1, 1, Opened)]).await;
        ground.send().await;
        service::retire_recipient(ground.db, lee, "usr_admin")
            .await
            .unwrap();
        ground.take(&[dispatch(1, 2, Recovered)]).await;
        ground.send().await;
        let mut heard = ground.heard();
        heard.sort();
        assert_eq!(
            heard,
            ["opened 1", "opened 1", "recovered 1", "recovered 1"]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_sealed_in_every_row_and_never_shown() {
    on_both(async |ground| {
        let mut reader = ground.db.reader();
        let sealed = reader
            .fetch_one("SELECT sealed FROM notice_channel", params![])
            .await
            .unwrap();
        assert!(sealed.str("sealed").unwrap().starts_with("v1:"));
        let edits = reader
            .fetch_all("SELECT after_json FROM core_change", params![])
            .await
            .unwrap();
        let all: String = edits
            .iter()
            .map(|row| row.text("after_json").unwrap())
            .collect();
        assert!(all.contains("/hook") && !all.contains("s3cret-value"));
        let channel = service::channel(&mut reader, &ground.context, ground.hook)
            .await
            .unwrap();
        assert!(!format!("{channel:?}").contains("s3cret-value"));
        let mut other = ground.context.clone();
        other.sealer = Sealer::new(&[8; 32]);
        assert!(
            service::channel(&mut reader, &other, ground.hook)
                .await
                .is_err()
        );
        // A form that leaves the secret empty keeps it; a stale edit is refused.
        let edit = ChannelEdit {
            name: "웹훅".into(),
            enabled: true,
            settings: Settings::new([("url", ground.sink.url("/other"))]),
            fallback: None,
            per_minute: 20,
        };
        let at = (ground.hook, 1);
        let edited = service::edit_channel(ground.db, &ground.context, at, edit.clone(), "usr_a");
        assert_eq!(edited.await.unwrap().settings.get("secret"), "s3cret-value");
        let stale = service::edit_channel(ground.db, &ground.context, at, edit, "usr_b").await;
        assert!(matches!(
            stale,
            Err(notice::NoticeError::Version { now: 2, of: 1 })
        ));
        service::test_send(
            ground.db,
            &ground.context,
            ground.hook,
            ("", Lang::En, "UTC"),
        )
        .await
        .unwrap();
        assert_eq!(ground.heard(), ["test null"]);
    })
    .await;
}

async fn leave(db: &Db, dispatch: &Dispatch) {
    let payload: serde_json::Value = serde_json::from_str(&encode(dispatch).unwrap()).unwrap();
    let left: db::Result<()> = db
        .write(move |tx| {
            Box::pin(async move {
                jobs::put(tx, jobs::Post::new(Dispatch::KIND, &payload)?)
                    .await
                    .map(|_| ())
            })
        })
        .await;
    left.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_channel_delays_nobody_else() {
    let env = Env::system();
    let store = sqlite_store(&env).await;
    let context = context(&env);
    let (good, bad) = (HttpSink::start(), HttpSink::start());
    bad.reply(HttpReply::Hang);
    let slow = webhook(&store.db, &context, &bad, None).await;
    let fast = webhook(&store.db, &context, &good, None).await;
    recipient(&store.db, "느림", &[slow], &[]).await;
    recipient(&store.db, "빠름", &[fast], &[]).await;
    let (trigger, down) = jobs::shutdown();
    let courier = tokio::spawn(notice::courier::run(store.db.clone(), context, down));
    let mut latencies_ms = Vec::new();
    for problem in 1..=20_usize {
        let before_ns = HttpSink::now_ns();
        leave(&store.db, &dispatch(problem as u128, 1, Opened)).await;
        let came = good.wait_for(problem, WAIT);
        latencies_ms.push((came[problem - 1].at_ns - before_ns) as f64 / 1e6);
    }
    latencies_ms.sort_by(f64::total_cmp);
    eprintln!("put to webhook beside a hung channel, ms: {latencies_ms:.1?}");
    assert!(latencies_ms[19] < 5_000.0);
    trigger.fire();
    courier.await.unwrap();
    store.db.close().await;
}
