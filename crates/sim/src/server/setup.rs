//! A new installation: stores, rules, channels, recipients.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use db::{Db, Options};
use model::{ChannelId, CiId, Lang, RuleId, Severity};
use notice::model::Rule;
use notice::service::{ChannelEdit, RecipientEdit};
use stdx::Env;
use testkit::TempDir;
use watch::By;
use web::{OutgoingClient, OutgoingPolicy};

use super::Installation;
use crate::config::Sabotage;
use crate::dice::Dice;
use crate::ground::{Catalogue, Directory, Log};
use crate::rules::{SILENT, other_rules, specs};
use crate::sink::Sink;

/// 2026-11-20 08:40 in Seoul: working hours begin within the run.
const START_MS: i64 = 1_795_131_600_000;
/// The paths of the channels; the first falls back on the second.
pub(crate) const PATHS: [&str; 3] = ["/noc", "/duty", "/team"];
/// The server's own host.
pub(crate) const OWN: CiId = CiId::from_bits(1);

/// Who the people of the simulation are.
pub(crate) const PERSON: By<'static> = By {
    actor: "kim",
    why: "simulated",
};

pub(super) fn options(url: &str, env: &Env) -> Options {
    Options {
        ballast_bytes: 0,
        ..Options::new(url, env.clone())
    }
}

impl Installation {
    /// Makes one on tmpfs where there is one.
    pub(crate) async fn new(seed: u64, sabotage: Option<Sabotage>) -> Self {
        let (env, clock) = Env::simulated(START_MS, seed);
        let folder = TempDir::in_memory();
        let url = format!("sqlite://{}", folder.join("bongsu.db").display());
        let db = Db::open(options(&url, &env))
            .await
            .expect("a records store");
        let directory = Arc::new(Directory::default());
        let policy = OutgoingPolicy {
            allow_local: true,
            timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
        };
        let http = OutgoingClient::new(policy).expect("an HTTP client");
        let notices = notice::Context {
            sealer: notice::Sealer::new(&[7; 32]),
            hosts: directory.clone(),
            peer: notify::Peer {
                http,
                env: env.clone(),
            },
            health: Arc::new(notice::LogHealth),
            site: notice::Site::default(),
        };
        let mut installation = Self {
            sink: Sink::start(seed, env.clock.clone())
                .await
                .expect("a port on 127.0.0.1"),
            env,
            clock,
            db,
            url,
            log: Log::default(),
            catalogue: Arc::new(Catalogue::default()),
            directory,
            rules: Vec::new(),
            silent_rule: RuleId::from_bits(0),
            notices,
            channels: Vec::new(),
            sabotage,
            plan: None,
            running: None,
            dice: Dice::new(seed, "server"),
            _folder: folder,
        };
        installation.make_rules().await;
        installation.make_channels().await;
        installation.make_recipients().await;
        installation
    }

    async fn make_rules(&mut self) {
        let watch = self.watch();
        for spec in specs() {
            let made = watch
                .create_rule(spec.rule(), PERSON)
                .await
                .expect("a rule");
            self.rules.push((made.id, spec));
        }
        for rule in other_rules() {
            let made = watch.create_rule(rule, PERSON).await.expect("a rule");
            if made.rule.key == SILENT {
                self.silent_rule = made.id;
            }
        }
    }

    async fn make_channels(&mut self) {
        for (path, per_minute) in PATHS.iter().zip([60, 20, 4]).rev() {
            let url = [("url".to_owned(), self.sink.url(path))];
            let edit = ChannelEdit {
                name: (*path).to_owned(),
                enabled: true,
                settings: notify::Settings::new(url),
                fallback: self.channels.last().copied().filter(|_| *path == "/noc"),
                per_minute,
            };
            let made =
                notice::service::create_channel(&self.db, &self.notices, "webhook", edit, "kim");
            self.channels.push(made.await.expect("a channel").id);
        }
        self.channels.reverse();
    }

    async fn make_recipients(&mut self) {
        let &[noc, duty, team] = self.channels.as_slice() else {
            return;
        };
        let whole_day = |from, channels| rule(from, channels, (0, 0));
        let people = [
            ("noc", "noc", vec![whole_day(Severity::Info, vec![noc])]),
            // The same screen: told once.
            ("wall", "noc", vec![whole_day(Severity::Major, vec![noc])]),
            (
                "kim",
                "kim",
                vec![whole_day(Severity::Major, vec![duty, noc])],
            ),
            (
                "lee",
                "lee",
                vec![rule(Severity::Warning, vec![team], (9 * 60, 18 * 60))],
            ),
        ];
        for (name, address, rules) in people {
            let edit = RecipientEdit {
                name: name.to_owned(),
                shared: name == "wall",
                user: None,
                lang: Lang::Ko,
                zone: "Asia/Seoul".to_owned(),
                enabled: true,
                addresses: BTreeMap::from([("webhook".to_owned(), address.to_owned())]),
                rules,
            };
            let made = notice::service::create_recipient(&self.db, edit, "kim").await;
            made.expect("a recipient");
        }
    }
}

fn rule(from: Severity, channels: Vec<ChannelId>, (from_min, to_min): (u16, u16)) -> Rule {
    Rule {
        from,
        days: Vec::new(),
        from_min,
        to_min,
        channels,
        groups: Vec::new(),
        labels: None,
    }
}
