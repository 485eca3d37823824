//! Notices over both record stores and real receivers: told, paired, retried, bounded, never lost.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where its ground gives way"
)]

mod failing;
mod telling;

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
