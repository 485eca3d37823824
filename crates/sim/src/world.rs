//! The whole simulated world, step by step.

use model::CiId;
use watch::HostInfo;

use crate::check::{Before, Checks};
use crate::config::{Config, Report, Tally};
use crate::dice::Dice;
use crate::facts::Facts;
use crate::hosts::{FakeHost, Outage, Sent};
use crate::reference::Model;
use crate::server::{Installation, KillAt, Killed, PATHS};
use crate::sink::Mood;
use crate::trace::Trace;

/// Virtual seconds of a step.
const STEP_S: i64 = 5;
/// Steps between two looks at everything that is open.
const LOOK_EVERY: u32 = 6;
/// Steps after the trouble: longer than the flap guard holds and the longest wait between tries.
const CALM_STEPS: u32 = 300;

/// Everything there is.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) config: Config,
    pub(crate) installation: Installation,
    pub(crate) hosts: Vec<FakeHost>,
    pub(crate) facts: Facts,
    pub(crate) model: Model,
    pub(crate) trace: Trace,
    pub(crate) tally: Tally,
    pub(crate) dice: Dice,
    checks: Checks,
    start_ms: i64,
    down_until_ms: i64,
    before: Option<Before>,
    made: u32,
}

impl World {
    pub(crate) async fn new(seed: u64, config: Config) -> Self {
        let installation = Installation::new(seed, config.sabotage).await;
        let start_ms = installation.now_ms();
        let mut world = Self {
            seed,
            trace: Trace::new(config.verbose),
            config,
            installation,
            hosts: Vec::new(),
            facts: Facts::default(),
            model: Model::default(),
            tally: Tally::default(),
            dice: Dice::new(seed, "world"),
            checks: Checks::default(),
            start_ms,
            down_until_ms: 0,
            before: None,
            made: 0,
        };
        world.installation.start().await;
        world.facts.up_since_ms = start_ms;
        for _ in 0..world.config.hosts {
            world.add_host().await;
        }
        world
    }

    /// A new machine is installed and watched.
    pub(crate) async fn add_host(&mut self) {
        let nth = self.made;
        self.made += 1;
        let ci = CiId::from_bits(1_000 + u128::from(nth));
        let catalogue = self.installation.catalogue.clone();
        let now_ms = self.installation.now_ms();
        let number = |ci, labels| catalogue.add(ci, labels);
        let host = FakeHost::new((self.seed, nth), ci, now_ms, number);
        let info = HostInfo {
            ci,
            name: host.name.clone(),
            os: "linux".to_owned(),
            labels: [("env".to_owned(), "prod".to_owned())].into(),
            interval_ms: u32::try_from(host.interval_ms).unwrap_or(10_000),
        };
        self.hosts.push(host);
        self.facts.heard_ms.insert(ci, now_ms);
        self.installation.add_host(info).await;
    }

    /// The run: trouble, then calm, then the account.
    pub(crate) async fn run(mut self) -> Report {
        let trouble = self.config.steps;
        for step in 0..trouble + CALM_STEPS {
            self.trace.step = step;
            if step == trouble {
                self.heal();
            }
            self.step(step < trouble).await;
            if self.checks.is_broken() {
                return self.report();
            }
        }
        self.installation.feed_back().await;
        self.checks
            .account(&self.installation, &self.facts, &mut self.tally)
            .await;
        self.report()
    }

    fn report(mut self) -> Report {
        let mut violations = self.checks.take_violations();
        for violation in &mut violations {
            violation.step = self.trace.step;
        }
        Report {
            seed: self.seed,
            steps: self.trace.step.min(self.config.steps),
            violations,
            events: self.trace.last(),
            tally: self.tally,
        }
    }

    /// Everything becomes well; what is owed must now be paid.
    fn heal(&mut self) {
        self.trace.note("calm from here on");
        for path in PATHS {
            self.installation.sink.mood(path, Mood::Good);
        }
        for host in &mut self.hosts {
            host.outage = None;
        }
    }

    async fn step(&mut self, trouble: bool) {
        if trouble {
            self.fate();
        }
        for _ in 0..STEP_S {
            self.installation.clock.advance_ms(1_000);
            self.trace.second = (self.installation.now_ms() - self.start_ms) / 1_000;
            if !self.installation.is_up() && self.installation.now_ms() >= self.down_until_ms {
                self.restart().await;
            }
            if self.second(trouble).await.is_err() {
                self.kill().await;
            }
        }
        if !self.installation.is_up() {
            return;
        }
        if trouble && self.dice.permille(self.config.acts_permille) {
            self.act().await;
        }
        self.installation.spoil_problems().await;
        let told = self.installation.tell().await;
        if told.is_err() || self.installation.plan.is_some() {
            self.kill().await;
        }
        if self.trace.step % 60 == 59 && self.installation.is_up() {
            self.installation.feed_back().await;
        }
        let Self {
            checks,
            installation,
            facts,
            trace,
            ..
        } = self;
        checks.receipts(&installation.sink, facts, trace);
        self.checks
            .dispatches(&self.installation, &self.facts, &mut self.trace)
            .await;
        if self.trace.step.is_multiple_of(LOOK_EVERY) && self.installation.is_up() {
            self.checks
                .look(&self.installation, &mut self.facts, &self.model)
                .await;
        }
    }

    /// What the world does by itself: kills, moods of channels, outages of hosts.
    fn fate(&mut self) {
        if self.dice.permille(self.config.kills_permille) {
            self.installation.plan = self.dice.pick(&KillAt::ALL).copied();
        }
        if self.dice.permille(self.config.moods_permille)
            && let Some(path) = self.dice.pick(&PATHS)
        {
            let good = self.dice.permille(500);
            let bad = self.dice.pick(&Mood::BAD).copied().unwrap_or_default();
            let mood = if good { Mood::Good } else { bad };
            self.trace.note(format!("channel {path} is {mood:?}"));
            self.installation.sink.mood(path, mood);
        }
        let now_ms = self.installation.now_ms();
        if self.dice.permille(60) {
            let hosts = u64::try_from(self.hosts.len()).unwrap_or(0);
            let nth = usize::try_from(self.dice.below(hosts)).unwrap_or(0);
            let how = if self.dice.permille(500) {
                Outage::Off
            } else {
                Outage::Cut
            };
            let until_ms = now_ms + self.dice.between(5_000, 12 * 60_000);
            if let Some(host) = self.hosts.get_mut(nth) {
                self.trace
                    .note(format!("{} is {how:?} until {until_ms}", host.name));
                host.outage = Some((how, until_ms));
            }
        }
    }

    /// A second of every agent, of the judge and of the records.
    async fn second(&mut self, trouble: bool) -> Result<(), Killed> {
        let now_ms = self.installation.now_ms();
        let (every_min, faults) = match trouble {
            true => (
                self.config.trouble_every_min,
                self.config.link_faults_permille,
            ),
            false => (0, 0),
        };
        let mut killed = None;
        for at in 0..self.hosts.len() {
            let up = self.installation.is_up() && killed.is_none();
            let Some(host) = self.hosts.get_mut(at) else {
                break;
            };
            for sent in host.second(now_ms, (every_min, faults), up) {
                if killed.is_some() {
                    host.not_acknowledged(sent.batch);
                    continue;
                }
                let (taken, result) = self.installation.take(&sent, host.interval_ms);
                killed = result.err();
                if taken.judged {
                    learn(&mut self.model, &mut self.facts, &self.installation, &sent);
                    self.tally.samples += sent.batch.samples.len() as u64;
                }
                if taken.acknowledged {
                    self.tally.batches += 1;
                    self.facts.heard_ms.insert(host.ci, now_ms);
                } else {
                    host.not_acknowledged(sent.batch);
                }
            }
        }
        if let Some(killed) = killed {
            return Err(killed);
        }
        if !self.installation.is_up() {
            return Ok(());
        }
        self.installation.tick();
        self.installation.record().await
    }

    async fn kill(&mut self) {
        let at = self.installation.plan.unwrap_or(KillAt::Idle);
        self.tally.kills += 1;
        self.facts.kills_ms.push(self.installation.now_ms());
        self.before = Some(Before::of(&self.installation, &self.hosts, at).await);
        self.installation.kill().await;
        let down_ms = self.dice.between(1_000, 70_000);
        self.down_until_ms = self.installation.now_ms() + down_ms;
        self.trace
            .note(format!("server killed ({at:?}), down for {down_ms} ms"));
    }

    async fn restart(&mut self) {
        self.installation.start().await;
        self.facts.up_since_ms = self.installation.now_ms();
        self.trace.note("server started");
        if let Some(before) = self.before.take() {
            self.checks
                .restarted(&before, &self.installation, &self.hosts)
                .await;
        }
    }
}

fn learn(model: &mut Model, facts: &mut Facts, installation: &Installation, sent: &Sent) {
    let catalogue = &installation.catalogue;
    let batch = &sent.batch;
    if facts.retired.contains(&batch.host) {
        return;
    }
    model.take(&installation.rules, &batch.samples, |number| {
        catalogue.get(number)
    });
    facts
        .judged_ms
        .entry(batch.host)
        .or_default()
        .insert(batch.at_ms);
}
