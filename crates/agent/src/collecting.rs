//! The collecting thread: a pass every interval, kept on disk, then handed to the connection.
//!
//! Takes: the server's configuration, wishes for a pass. Leaves: records in the queue, fresh passes,
//! what was discovered. Never: waits for the network.

use std::sync::Arc;

use collect::{Collectors, Discovered, Sink, Status, Tick};
use prost::Message as _;

use crate::anchor::{Quality, Reading};
use crate::error::AgentError;
use crate::queue::Moment;
use crate::settings::write_whole;
use crate::shared::{Fresh, Shared, readable, wait};

/// How often it is looked what exists on this host, in milliseconds.
const DISCOVER_MS: u64 = 5 * 60 * 1_000;
/// How often the offset of the host's clock is written down, in milliseconds.
const OFFSET_MS: u64 = 10 * 60 * 1_000;
/// A wish for a pass is not heeded sooner than this after the last one, in milliseconds.
const WISH_MS_MIN: u64 = 1_000;
const INTERVAL_MS_MIN: u32 = 1_000;
const INTERVAL_MS_MAX: u32 = 3_600_000;
const CONFIG_FILE: &str = "config.pb";
pub(crate) const OFFSET_FILE: &str = "clock-offset-ms";

/// The collecting thread's own things.
pub(crate) struct Collecting {
    shared: Arc<Shared>,
    collectors: Collectors,
    sink: Sink,
    interval_ms: u32,
    /// Where in the interval this agent's passes lie, so that a thousand agents spread out.
    phase_ms: i64,
    last_pass_ns: Option<u64>,
    last_time_ms: i64,
    discovered_ns: Option<u64>,
    offset_ns: u64,
    status_generation: Option<u64>,
    note_generation: u64,
    config_revision: u64,
    /// A pass is wanted before its time.
    wished: bool,
}

impl Collecting {
    pub(crate) fn new(shared: Arc<Shared>, mut collectors: Collectors) -> Self {
        let bell = Arc::downgrade(&shared);
        let wake: collect::Wake = Arc::new(move || {
            if let Some(shared) = bell.upgrade() {
                shared.hand().urgent = true;
                shared.collector.wake();
            }
        });
        collectors.set_wake(&wake);
        let interval_ms = shared.settings.interval_ms;
        let spread = shared
            .settings
            .agent_id
            .bytes()
            .fold(5_381_u64, |sum, byte| {
                sum.wrapping_mul(33) ^ u64::from(byte)
            });
        let mut collecting = Self {
            collectors,
            sink: Sink::new(),
            interval_ms,
            phase_ms: i64::try_from(spread % 3_600_000).unwrap_or(0),
            last_pass_ns: None,
            last_time_ms: i64::MIN,
            discovered_ns: None,
            offset_ns: shared.env.clock.mono_ns(),
            status_generation: None,
            note_generation: 0,
            config_revision: 0,
            wished: false,
            shared,
        };
        collecting.recall_config();
        collecting
    }

    /// Collects until the agent stops.
    pub(crate) fn run(&mut self) {
        self.pass();
        while !self.shared.is_stopping() {
            let wait_ms = self.until_next_ms();
            if wait_ms > 0 {
                wait(&mut [readable(self.shared.collector.fd())], wait_ms);
                self.shared.collector.settle();
            }
            self.heed();
            if self.until_next_ms() == 0 {
                self.pass();
            }
        }
        self.save_offset();
    }

    fn since_ms(&self, then_ns: u64) -> u64 {
        self.shared.env.clock.mono_ns().saturating_sub(then_ns) / 1_000_000
    }

    /// Milliseconds until the next pass: at this agent's place in the interval of server time.
    fn until_next_ms(&self) -> u64 {
        let Some(last_ns) = self.last_pass_ns else {
            return 0;
        };
        let interval_ms = i64::from(self.interval_ms);
        let (now_ms, _) = self
            .shared
            .hand()
            .clock
            .time_ms(Reading::now(&*self.shared.env.clock));
        if self.wished {
            return WISH_MS_MIN.saturating_sub(self.since_ms(last_ns));
        }
        let since_ms = i64::try_from(self.since_ms(last_ns)).unwrap_or(i64::MAX);
        // Seen from the last pass, so that a jump of the clock neither skips nor crowds passes.
        let last_ms = now_ms.saturating_sub(since_ms);
        let mut step_ms = interval_ms - (last_ms - self.phase_ms).rem_euclid(interval_ms);
        if step_ms < interval_ms / 2 {
            step_ms += interval_ms;
        }
        u64::try_from(step_ms - since_ms).unwrap_or(0)
    }

    /// Takes what the connection has left: a configuration, a wish for a pass.
    fn heed(&mut self) {
        let mut hand = self.shared.hand();
        let config = hand.config.take();
        let mut wished = std::mem::take(&mut hand.collect_now);
        let urgent = std::mem::take(&mut hand.urgent);
        drop(hand);
        if urgent {
            self.urgent();
        }
        if let Some(config) = config
            && self.configure(&config)
        {
            // What is watched from now on is measured now.
            wished = true;
            let path = self.shared.data_dir.join(CONFIG_FILE);
            if let Err(error) = write_whole(&path, &config.encode_to_vec()) {
                self.shared.log("WARN", format_args!("{error}"));
            }
        }
        self.wished |= wished;
    }

    /// Goes on with the last configuration when the server is not there.
    fn recall_config(&mut self) {
        let bytes = std::fs::read(self.shared.data_dir.join(CONFIG_FILE)).unwrap_or_default();
        if let Ok(config) = wire::Config::decode(bytes.as_slice())
            && config.revision != 0
        {
            self.configure(&config);
        }
    }

    /// Puts a configuration in force; false when it is the one in force already.
    fn configure(&mut self, config: &wire::Config) -> bool {
        if config.revision == self.config_revision {
            return false;
        }
        self.config_revision = config.revision;
        let own_ms = self.shared.settings.interval_ms;
        let interval_ms = if config.interval_ms == 0 {
            own_ms
        } else {
            config.interval_ms
        };
        self.interval_ms = interval_ms.clamp(INTERVAL_MS_MIN, INTERVAL_MS_MAX);
        let json = if config.settings_json.is_empty() {
            "null"
        } else {
            &config.settings_json
        };
        let wrong = match serde_json::from_str(json) {
            Ok(settings) => match self.collectors.configure(&settings) {
                Ok(()) => String::new(),
                Err(errors) => {
                    let list: Vec<String> = errors.iter().map(ToString::to_string).collect();
                    list.join("; ")
                }
            },
            Err(error) => format!("settings from the server cannot be read: {error}"),
        };
        self.shared.warn("settings", "", &wrong);
        self.discovered_ns = None;
        true
    }

    fn pass(&mut self) {
        let clock = self.shared.env.clock.clone();
        let (moment, tick) = self.moment(Reading::now(&*clock));
        self.last_pass_ns = Some(tick.mono_ns);
        self.wished = false;
        self.collectors.collect(&tick, &*clock, &mut self.sink);
        self.keep(moment);
        self.tell_states();
        if self
            .discovered_ns
            .is_none_or(|then| self.since_ms(then) >= DISCOVER_MS)
        {
            self.discover();
        }
        if self.since_ms(self.offset_ns) >= OFFSET_MS {
            self.save_offset();
        }
    }

    /// A death or the like: a small pass of its own, at once.
    fn urgent(&mut self) {
        let (moment, tick) = self.moment(Reading::now(&*self.shared.env.clock));
        self.collectors.collect_urgent(&tick, &mut self.sink);
        if !self.sink.samples().is_empty() {
            self.keep(moment);
        }
        self.tell_states();
    }

    fn moment(&mut self, now: Reading) -> (Moment, Tick) {
        let hand = self.shared.hand();
        let (mut time_ms, quality) = hand.clock.time_ms(now);
        let clock_offset_s = hand.clock.clock_offset_s(now);
        drop(hand);
        // A correction of a few milliseconds must not put a pass before the last one; a real jump
        // of the server's clock is followed.
        if time_ms <= self.last_time_ms && self.last_time_ms - time_ms < 500 {
            time_ms = self.last_time_ms + 1;
        }
        self.last_time_ms = time_ms;
        let (mono_ns, interval_ms) = (now.mono_ns, self.interval_ms);
        let tick = Tick {
            now_ms: time_ms,
            mono_ns,
            clock_offset_s,
        };
        (
            Moment {
                time_ms,
                mono_ns,
                quality,
                interval_ms,
            },
            tick,
        )
    }

    /// On disk first, then to the connection. A full disk keeps nothing, but sending goes on.
    fn keep(&mut self, moment: Moment) {
        let samples = self
            .sink
            .samples()
            .iter()
            .map(|sample| (sample.series, sample.value));
        let samples: Vec<(u32, f64)> = samples.collect();
        let shared = self.shared.clone();
        let mut hand = shared.hand();
        hand.dictionary.follow(&self.sink);
        let epoch = hand.dictionary.epoch();
        let mut queue = shared.queue();
        let kept = queue.put(moment, &hand.dictionary, &samples);
        drop(hand);
        let (seq, on_disk, wrong) = match kept {
            Ok(seq) => (seq, true, String::new()),
            Err(error) => (queue.spool.skip(), false, in_words(&error)),
        };
        drop(queue);
        shared.warn("queue", "", &wrong);
        shared.offer(Fresh {
            seq,
            on_disk,
            epoch,
            moment,
            samples,
        });
    }

    fn tell_states(&mut self) {
        let generation = self.sink.status_generation();
        if self.status_generation != Some(generation) {
            self.status_generation = Some(generation);
            let entries = self.sink.statuses().iter().map(status_to_wire).collect();
            let mut hand = self.shared.hand();
            hand.statuses = (hand.statuses.0 + 1, wire::Statuses { entries });
            drop(hand);
            self.shared.link.wake();
        }
        let generation = self.sink.note_generation();
        if self.note_generation != generation {
            self.note_generation = generation;
            let entries = self.sink.notes().iter().map(|note| wire::Note {
                collector: note.collector.to_owned(),
                key: note.key.clone(),
                text: note.text.clone(),
            });
            let notes = wire::Notes {
                entries: entries.collect(),
            };
            let mut hand = self.shared.hand();
            hand.notes = (hand.notes.0 + 1, notes);
            drop(hand);
            self.shared.link.wake();
        }
        let over = self.sink.over_limit_metric().unwrap_or_default();
        if !over.is_empty() {
            let limit = model::limits::SERIES_PER_HOST_MAX;
            let text = format!(
                "more than {limit} series on this host: samples of `{over}` are \
                left out"
            );
            self.shared.warn("series-limit", over, &text);
        }
    }

    fn discover(&mut self) {
        self.discovered_ns = Some(self.shared.env.clock.mono_ns());
        let things = self
            .collectors
            .discover()
            .into_iter()
            .map(thing_to_wire)
            .collect();
        let found = wire::Discovered { things };
        let mut hand = self.shared.hand();
        if hand.discovered.0 == 0 || hand.discovered.1 != found {
            hand.discovered = (hand.discovered.0 + 1, found);
            drop(hand);
            self.shared.link.wake();
        }
    }

    /// Written down for the next run, which may begin without the server.
    fn save_offset(&mut self) {
        self.offset_ns = self.shared.env.clock.mono_ns();
        let hand = self.shared.hand();
        let now = Reading::now(&*self.shared.env.clock);
        let anchored = hand.clock.time_ms(now).1 == Quality::Anchored;
        let offset_ms = hand.clock.offset_ms();
        drop(hand);
        if let Some(offset_ms) = offset_ms.filter(|_| anchored) {
            let path = self.shared.data_dir.join(OFFSET_FILE);
            if let Err(error) = write_whole(&path, offset_ms.to_string().as_bytes()) {
                self.shared.log("WARN", format_args!("{error}"));
            }
        }
    }
}

fn in_words(error: &spool::SpoolError) -> String {
    use std::error::Error as _;
    let cause = error
        .source()
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    format!("samples are not kept on disk, only sent: {error}{cause}")
}

fn status_to_wire(status: &Status) -> wire::Status {
    let (availability, detail) = match &status.availability {
        collect::Availability::Available => (wire::Availability::Available, ""),
        collect::Availability::NotPermitted => (wire::Availability::NotPermitted, ""),
        collect::Availability::NotAvailable => (wire::Availability::NotAvailable, ""),
        collect::Availability::Failed(why) => (wire::Availability::Failed, why.as_str()),
    };
    wire::Status {
        collector: status.collector.to_owned(),
        signal: status.signal.to_owned(),
        key: status.key.clone(),
        availability: availability as i32,
        detail: detail.to_owned(),
    }
}

fn thing_to_wire(thing: Discovered) -> wire::Thing {
    wire::Thing {
        kind: thing.kind.to_string(),
        key: thing.key,
        title: thing.title,
        attributes: thing
            .attributes
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v))
            .collect(),
    }
}

/// The offset that an earlier run has measured.
pub(crate) fn recall_offset(data_dir: &std::path::Path) -> Option<i64> {
    std::fs::read_to_string(data_dir.join(OFFSET_FILE))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// The collectors of this machine, or of the copy at `root`.
pub(crate) fn collectors(root: &std::path::Path) -> Result<Collectors, AgentError> {
    let opened = if root == std::path::Path::new("/") {
        collect::Root::live()
    } else {
        collect::Root::at(root)
    };
    let opened = opened.map_err(|error| AgentError::System {
        what: "open the root folder",
        source: std::io::Error::other(error.to_string()),
    })?;
    Ok(Collectors::new(opened, collect::ALL))
}
