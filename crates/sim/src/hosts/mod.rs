//! The fake hosts: each has an agent that measures, queues, and sends over a link that fails.
//!
//! What an agent owes the server follows architecture.md: it keeps every batch until it is
//! acknowledged, sends live ones in the order of their time, and its backlog beside, slowly.

mod signal;

use std::collections::VecDeque;

use judge::Sample;
use model::{CiId, Labels};

pub(crate) use signal::{Measure, Signal};

use crate::dice::Dice;

/// One scrape of one host.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) host: CiId,
    /// When it was measured, on the agent's idea of the server's clock.
    pub(crate) at_ms: i64,
    pub(crate) samples: Vec<Sample>,
}

/// A batch on its way, fresh or from the backlog.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) batch: Batch,
    pub(crate) live: bool,
}

/// What became of an agent's sending.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outage {
    /// It neither measures nor sends: the machine is off.
    Off,
    /// It measures and cannot send.
    Cut,
}

/// One series of a host.
#[derive(Debug)]
struct Series {
    number: u32,
    signal: Signal,
    /// The free bytes beside a used ratio.
    free: Option<u32>,
}

/// One fake host with its agent.
#[derive(Debug)]
pub(crate) struct FakeHost {
    pub(crate) ci: CiId,
    pub(crate) name: String,
    pub(crate) interval_ms: i64,
    pub(crate) outage: Option<(Outage, i64)>,
    pub(crate) retired: bool,
    /// How far its idea of the time is off, milliseconds.
    pub(crate) skew_ms: i64,
    /// When it will measure next, virtual milliseconds.
    due_ms: i64,
    series: Vec<Series>,
    /// Measured and not acknowledged: sent as backlog when the link is there.
    backlog: VecDeque<Batch>,
    /// Overtaken by the next one: sent after it.
    held: Option<Batch>,
    dice: Dice,
}

/// Batches of a backlog that one agent sends in a second.
const BACKLOG_PER_SECOND: usize = 3;

impl FakeHost {
    /// A host with its series, which `number` gives numbers to.
    pub(crate) fn new(
        (seed, nth): (u64, u32),
        ci: CiId,
        start_ms: i64,
        mut number: impl FnMut(CiId, Labels) -> u32,
    ) -> Self {
        let dice = Dice::new(seed, ("host", nth));
        let interval_ms = if nth % 5 == 4 { 30_000 } else { 10_000 };
        let mut series = Vec::new();
        let mut add = |metric: &str, label: Option<(&str, &str)>, measure| {
            let pairs: Vec<(&str, &str)> = label.into_iter().collect();
            let labels = Labels::metric(metric, &pairs).expect("labels");
            let free = (metric == "disk_used_ratio").then(|| {
                let labels = Labels::metric("disk_free_bytes", &pairs).expect("labels");
                number(ci, labels)
            });
            let signal = Signal::new(measure, Dice::new(seed, ("series", nth, series.len())));
            series.push(Series {
                number: number(ci, labels),
                signal,
                free,
            });
        };
        add("cpu_used_ratio", None, Measure::Used);
        add("mem_used_ratio", None, Measure::Used);
        add("disk_used_ratio", Some(("mountpoint", "/")), Measure::Used);
        add(
            "disk_used_ratio",
            Some(("mountpoint", "/var")),
            Measure::Used,
        );
        add("nic_up", Some(("device", "eth0")), Measure::Up);
        add("proc_up", Some(("name", "nginx")), Measure::Up);
        Self {
            ci,
            name: format!("{}{nth:03}", if nth % 3 == 0 { "db" } else { "web" }),
            interval_ms,
            outage: None,
            retired: false,
            skew_ms: dice.between(-3_000, 3_000),
            due_ms: start_ms + dice.between(0, interval_ms),
            series,
            backlog: VecDeque::new(),
            held: None,
            dice,
        }
    }

    /// Whether the agent can send at this time.
    pub(crate) fn can_send(&self, now_ms: i64) -> bool {
        !self.retired && self.outage.is_none_or(|(_, until_ms)| until_ms <= now_ms)
    }

    fn can_measure(&self, now_ms: i64) -> bool {
        let off = self
            .outage
            .is_some_and(|(how, until)| how == Outage::Off && until > now_ms);
        !self.retired && !off
    }

    /// One second of the agent's life: what it sends. `every_min` is the distance of troubles.
    pub(crate) fn second(
        &mut self,
        now_ms: i64,
        (every_min, faults_permille): (i64, u64),
        server_is_up: bool,
    ) -> Vec<Sent> {
        let mut sent = Vec::new();
        let linked = server_is_up && self.can_send(now_ms);
        if now_ms >= self.due_ms {
            self.due_ms += self.interval_ms;
            if self.can_measure(now_ms) {
                let batch = self.measure(now_ms, every_min);
                match linked {
                    true => self.send(batch, faults_permille, &mut sent),
                    false => self.backlog.push_back(batch),
                }
            }
        }
        if linked {
            for _ in 0..BACKLOG_PER_SECOND {
                let Some(batch) = self.backlog.pop_front() else {
                    break;
                };
                sent.push(Sent { batch, live: false });
            }
        } else if let Some(held) = self.held.take() {
            self.backlog.push_back(held);
        }
        sent
    }

    /// What was sent and not acknowledged goes to the backlog.
    pub(crate) fn not_acknowledged(&mut self, batch: Batch) {
        self.backlog.push_back(batch);
    }

    fn measure(&mut self, now_ms: i64, every_min: i64) -> Batch {
        if self.dice.permille(2) {
            // The clock is measured anew: what was ahead may now be behind.
            self.skew_ms = self.dice.between(-8_000, 20_000);
        }
        let at_ms = now_ms + self.skew_ms;
        let mut samples = Vec::new();
        for one in &mut self.series {
            let value = one.signal.value(now_ms, every_min);
            samples.push(Sample {
                series: one.number,
                at_ms,
                value,
            });
            if let Some(series) = one.free {
                samples.push(Sample {
                    series,
                    at_ms,
                    value: Signal::free_bytes(value),
                });
            }
        }
        Batch {
            host: self.ci,
            at_ms,
            samples,
        }
    }

    /// Puts a live batch on the link, where it may be lost, doubled or overtaken.
    fn send(&mut self, batch: Batch, faults_permille: u64, sent: &mut Vec<Sent>) {
        let live = |batch| Sent { batch, live: true };
        let late = self.held.take();
        if !self.dice.permille(faults_permille) {
            sent.push(live(batch));
            sent.extend(late.map(live));
            return;
        }
        match self.dice.below(4) {
            // Lost: it comes again as backlog.
            0 => self.backlog.push_back(batch),
            // Its acknowledgement is lost: it comes again at once.
            1 => sent.extend([live(batch.clone()), live(batch)]),
            // The same, but much later.
            2 => {
                self.backlog.push_back(batch.clone());
                sent.push(live(batch));
            }
            // Overtaken by the next one.
            _ => self.held = Some(batch),
        }
        sent.extend(late.map(live));
    }
}
