//! Runs the text of a case: rules, samples, time and restarts in; transitions and marks out.

use std::sync::Arc;

use model::rule::{Alternative, Builtin, Condition, Level, Rule, Signal, Span, TargetSpec};
use model::{Selector, Severity, Text};

use crate::{
    CELL_CANNOT_JUDGE, CELL_FLAPPING, CELL_STATE, Engine, Event, Fired, HostIx, HostSpec, Mark,
    PairIx, PairKey, PairSpec, Sample, Snapshot, Status, WalPosition, compile,
};

const START_MS: i64 = 1_700_000_000_000;
const SECOND_MS: u64 = 1_000;

/// One run of a case: an engine with a pair on samples and, where asked, a pair on silence.
struct Script {
    rule: Rule,
    silence: Rule,
    interval_ms: u32,
    /// Milliseconds since the start: the script's time.
    cursor_ms: u64,
    /// Up to where ticks were given.
    ticked_ms: u64,
    /// When the server process started; its monotonic clock counts from here.
    started_ms: u64,
    live: Option<Live>,
    said: Vec<String>,
    /// Batches since `save`.
    log: Vec<Vec<Sample>>,
    saved: Option<Vec<u8>>,
    said_since_save: usize,
}

struct Live {
    engine: Engine,
    host: HostIx,
    pair: PairIx,
    silence: Option<PairIx>,
}

pub(super) fn run_case(input: &str) -> Result<Vec<String>, String> {
    let mut script = Script {
        rule: empty_rule("case"),
        silence: empty_rule("silence"),
        interval_ms: 10_000,
        cursor_ms: 0,
        ticked_ms: 0,
        started_ms: 0,
        live: None,
        said: Vec::new(),
        log: Vec::new(),
        saved: None,
        said_since_save: 0,
    };
    for line in super::lines(input) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        script
            .line(word, rest.trim())
            .map_err(|error| format!("`{line}`: {error}"))?;
    }
    Ok(script.said)
}

fn empty_rule(key: &str) -> Rule {
    Rule {
        key: key.into(),
        title: Text::same(key),
        help: Text::default(),
        enabled: true,
        group: "case".into(),
        target: TargetSpec {
            kind: "host".into(),
            by: Vec::new(),
        },
        scope: model::rule::Scope::default(),
        signals: std::collections::BTreeMap::new(),
        levels: Vec::new(),
        clear_count: 1,
        notify_from: Severity::Major,
        notify_on_fall: false,
        flap_guard: true,
    }
}

impl Script {
    fn line(&mut self, word: &str, rest: &str) -> Result<(), String> {
        match word {
            "interval" => self.interval_ms = u32::try_from(ms(rest)?).unwrap(),
            "level" => {
                let level = read_level(rest)?;
                self.rule
                    .levels
                    .retain(|old| old.severity != level.severity);
                add_signals(&mut self.rule, &level);
                self.rule.levels.push(level);
                self.reprogram()?;
            }
            "drop" => {
                let severity: Severity = rest.parse().map_err(|e| format!("{e}"))?;
                self.rule.levels.retain(|old| old.severity != severity);
                self.reprogram()?;
            }
            "silent" => {
                let level = read_level(rest)?;
                add_signals(&mut self.silence, &level);
                self.silence.levels.push(level);
            }
            "clear_by" => {
                let (name, by) = rest.split_once(' ').ok_or("signal and distance")?;
                let by = serde_json::from_str(&format!("\"{by}\"")).map_err(|e| e.to_string())?;
                self.rule
                    .signals
                    .entry(name.into())
                    .or_insert_with(|| series(name))
                    .clear_by = by;
                self.reprogram()?;
            }
            "clear_count" => {
                self.rule.clear_count = rest.parse().map_err(|e| format!("{e}"))?;
                self.reprogram()?;
            }
            "flap_guard" => self.rule.flap_guard = rest == "on",
            _ => return self.step(word, rest),
        }
        Ok(())
    }

    fn step(&mut self, word: &str, rest: &str) -> Result<(), String> {
        match word {
            "run" => self.run(rest)?,
            "at" => {
                let (time, values) = rest.split_once(' ').ok_or("time and values")?;
                self.at(ms(time)?, values)?;
            }
            "batch" => self.batch_of_times(rest)?,
            "skip" => {
                self.cursor_ms += ms(rest)?;
                self.tick_until(self.cursor_ms);
            }
            "talk" => {
                let end = self.cursor_ms + ms(rest)?;
                while self.cursor_ms < end {
                    self.cursor_ms += u64::from(self.interval_ms);
                    self.tick_until(self.cursor_ms);
                    self.hear(self.cursor_ms);
                }
            }
            "stall" => {
                self.cursor_ms += ms(rest)?;
                self.ticked_ms = self.cursor_ms;
                self.tick(self.cursor_ms);
            }
            "restart" => {
                let bytes = self
                    .live()
                    .engine
                    .snapshot(WalPosition::default(), START_MS);
                self.start_from(&bytes)?;
            }
            "save" => {
                let now_ms = START_MS + i64::try_from(self.cursor_ms).unwrap();
                let bytes = self.live().engine.snapshot(WalPosition::default(), now_ms);
                self.saved = Some(bytes);
                self.log.clear();
                self.said_since_save = self.said.len();
            }
            "crash" => self.crash()?,
            "assume" => {
                let severity = rest.parse().map_err(|e| format!("{e}"))?;
                let live = self.live();
                let pair = live.silence.unwrap_or(live.pair);
                live.engine.assume(pair, severity);
            }
            "show" => self.show(),
            _ => return Err("unknown word".into()),
        }
        Ok(())
    }

    /// `run used 50% 85%x4 _ ; free 3x6`: one batch an interval, `_` is no sample.
    fn run(&mut self, rest: &str) -> Result<(), String> {
        let mut columns = Vec::new();
        for part in rest.split(';') {
            let mut words = part.split_whitespace();
            let name = words.next().ok_or("a signal")?;
            let mut values = Vec::new();
            for word in words {
                let (value, times) = match word.split_once('x') {
                    Some((value, times)) => (value, times.parse().map_err(|_| "count")?),
                    None => (word, 1),
                };
                values.extend(std::iter::repeat_n(number(value)?, times));
            }
            columns.push((self.signal(name)?, values));
        }
        let steps = columns.iter().map(|(_, values)| values.len()).max();
        for step in 0..steps.unwrap_or(0) {
            let at_ms = START_MS + i64::try_from(self.cursor_ms).unwrap();
            let samples = columns.iter().filter_map(|(series, values)| {
                let value = (*values.get(step)?)?;
                Some(Sample {
                    series: *series,
                    at_ms,
                    value,
                })
            });
            let samples: Vec<Sample> = samples.collect();
            self.tick_until(self.cursor_ms);
            if !samples.is_empty() {
                self.send(samples);
            }
            self.cursor_ms += u64::from(self.interval_ms);
        }
        Ok(())
    }

    /// `at 35s used=90% free=3GiB`: one batch of one sample time; the script's time stays.
    fn at(&mut self, at_ms: u64, values: &str) -> Result<(), String> {
        let at_ms = START_MS + i64::try_from(at_ms).unwrap();
        let mut samples = Vec::new();
        for word in values.split_whitespace() {
            let (name, value) = word.split_once('=').ok_or("signal=value")?;
            samples.push(Sample {
                series: self.signal(name)?,
                at_ms,
                value: number(value)?.ok_or("a value")?,
            });
        }
        self.send(samples);
        Ok(())
    }

    /// `batch used 20s=85% 0s=90%`: one batch with many sample times, in this order.
    fn batch_of_times(&mut self, rest: &str) -> Result<(), String> {
        let mut samples = Vec::new();
        for part in rest.split(';') {
            let mut words = part.split_whitespace();
            let series = self.signal(words.next().ok_or("a signal")?)?;
            for word in words {
                let (time, value) = word.split_once('=').ok_or("time=value")?;
                samples.push(Sample {
                    series,
                    at_ms: START_MS + i64::try_from(ms(time)?).unwrap(),
                    value: number(value)?.ok_or("a value")?,
                });
            }
        }
        self.send(samples);
        Ok(())
    }

    fn send(&mut self, samples: Vec<Sample>) {
        self.hear(self.cursor_ms);
        let latest_ms = START_MS + i64::try_from(self.cursor_ms).unwrap() + 60_000;
        let mut events = Vec::new();
        let live = self.live();
        live.engine
            .ingest(live.host, &samples, latest_ms, &mut events);
        self.log.push(samples);
        self.say(&events);
    }

    fn hear(&mut self, at_ms: u64) {
        let mut events = Vec::new();
        let mono_ms = at_ms - self.started_ms;
        let now_ms = START_MS + i64::try_from(at_ms).unwrap();
        let live = self.live();
        live.engine.heard(live.host, mono_ms, now_ms, &mut events);
        self.say(&events);
    }

    fn tick_until(&mut self, until_ms: u64) {
        while self.ticked_ms < until_ms {
            self.ticked_ms += SECOND_MS;
            self.tick(self.ticked_ms);
        }
    }

    fn tick(&mut self, at_ms: u64) {
        let mut events = Vec::new();
        let mono_ms = at_ms - self.started_ms;
        let now_ms = START_MS + i64::try_from(at_ms).unwrap();
        self.live().engine.tick(mono_ms, now_ms, &mut events);
        self.say(&events);
    }

    fn live(&mut self) -> &mut Live {
        if self.live.is_none() {
            self.live = Some(self.start(None).expect("the rule compiles"));
        }
        self.live.as_mut().unwrap()
    }

    fn start(&self, snapshot: Option<Snapshot>) -> Result<Live, String> {
        let mut engine = Engine::new();
        if let Some(snapshot) = snapshot {
            engine.restore(snapshot);
        }
        let host = engine.add_host(HostSpec {
            key: 1,
            interval_ms: self.interval_ms,
        });
        let add = |engine: &mut Engine, rule: &Rule, (key, group)| {
            let program = Arc::new(compile(rule).map_err(|error| error.to_string())?);
            Ok::<_, String>(engine.add_pair(PairSpec {
                key: PairKey(key),
                host,
                group,
                program,
            }))
        };
        let pair = add(&mut engine, &self.rule, (1, 0))?;
        for (series, _) in (0_u32..).zip(self.rule.signals.keys()) {
            engine.bind(series, pair, u8::try_from(series).unwrap());
        }
        let silence = match self.silence.levels.is_empty() {
            true => None,
            false => Some(add(&mut engine, &self.silence, (2, 1))?),
        };
        Ok(Live {
            engine,
            host,
            pair,
            silence,
        })
    }

    fn start_from(&mut self, bytes: &[u8]) -> Result<(), String> {
        let snapshot = Snapshot::decode(bytes).map_err(|error| error.to_string())?;
        self.live = Some(self.start(Some(snapshot))?);
        self.started_ms = self.cursor_ms;
        self.ticked_ms = self.cursor_ms;
        self.tick(self.cursor_ms);
        Ok(())
    }

    /// Starts from the saved snapshot and judges the batches since: what replay says must have been
    /// said before, and nothing that samples said may be missing.
    fn crash(&mut self) -> Result<(), String> {
        let bytes = self.saved.clone().ok_or("nothing saved")?;
        let from_samples = |line: &&String| !line.contains("silence") && !line.contains("no-data");
        let mut before: Vec<String> = self.said[self.said_since_save..].to_vec();
        let kept = self.said.len();
        self.start_from(&bytes)?;
        for samples in std::mem::take(&mut self.log) {
            let mut events = Vec::new();
            let live = self.live();
            live.engine
                .ingest(live.host, &samples, i64::MAX, &mut events);
            self.say(&events);
        }
        let again = self.said.split_off(kept);
        before.retain(|line| from_samples(&line));
        if again != before {
            return Err(format!("replay said {again:?}, it was {before:?}"));
        }
        Ok(())
    }

    fn reprogram(&mut self) -> Result<(), String> {
        let program = Arc::new(compile(&self.rule).map_err(|error| error.to_string()))
            .as_ref()
            .clone();
        if let Some(live) = &mut self.live {
            live.engine.set_program(live.pair, Arc::new(program?));
        }
        Ok(())
    }

    /// The series of a signal; `-` is one that nothing judges.
    fn signal(&self, name: &str) -> Result<u32, String> {
        if name == "-" {
            return Ok(1_000);
        }
        let at = self.rule.signals.keys().position(|key| key == name);
        let at = at.ok_or_else(|| format!("no signal `{name}`"))?;
        Ok(u32::try_from(at).unwrap())
    }

    fn show(&mut self) {
        let cursor = self.cursor_ms;
        let live = self.live();
        let view = live.engine.pair(live.pair).unwrap();
        let status = match view.state.status() {
            Status::Waiting => "waiting",
            Status::Judged => "judged",
            Status::NoData => "no-data",
            Status::CannotJudge => "cannot-judge",
        };
        let board = live.engine.board();
        let cell = board.row(live.host.0).unwrap()[0];
        let mut marks = String::new();
        if cell & CELL_FLAPPING != 0 {
            marks.push_str(" flapping");
        }
        if cell & CELL_CANNOT_JUDGE != 0 {
            marks.push_str(" cannot-judge");
        }
        let severity = view.state.severity();
        let state = cell & CELL_STATE;
        let line = format!(
            "{} shows {severity} {status} cell {state}{marks}",
            seconds(cursor)
        );
        self.said.push(line);
    }

    fn say(&mut self, events: &[Event]) {
        for event in events {
            let pair = match event {
                Event::Fired(fired) => fired.pair,
                Event::Mark(mark) => mark.pair,
            };
            let (name, rule) = match self.live().silence == Some(pair) {
                true => ("silence ", self.silence.clone()),
                false => ("", self.rule.clone()),
            };
            let line = match event {
                Event::Fired(fired) => fired_line(fired, &rule),
                Event::Mark(Mark { kind, at_ms, .. }) => {
                    let kind = format!("{kind:?}");
                    (*at_ms, format!("mark {}", dashed(&kind)))
                }
            };
            let at = seconds(u64::try_from(line.0 - START_MS).unwrap());
            self.said.push(format!("{at} {name}{}", line.1));
        }
    }
}

fn fired_line(fired: &Fired, rule: &Rule) -> (i64, String) {
    assert_ne!(fired.from, fired.to, "a transition without a change");
    let level = rule
        .levels
        .iter()
        .find(|l| l.severity == fired.because.level);
    let because = level.map_or(String::new(), |level| {
        let alternative = &level.any[usize::from(fired.because.alternative)];
        let all: Vec<String> = alternative.all.iter().map(ToString::to_string).collect();
        all.join(", ")
    });
    let mut values = String::new();
    for (name, value) in rule.signals.keys().zip(fired.values) {
        values.push_str(&format!(" {name}={}", (value * 1e6).round() / 1e6));
    }
    let flapping = if fired.flapping { " flapping" } else { "" };
    let line = format!(
        "{} -> {} ({because}){values}{flapping}",
        fired.from, fired.to
    );
    (fired.at_ms, line)
}

fn dashed(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

fn seconds(ms: u64) -> String {
    match ms % 1_000 {
        0 => format!("{}s", ms / 1_000),
        rest => format!("{}.{rest:03}s", ms / 1_000),
    }
}

/// `warning: used > 80%, free < 20GiB | full < 1h for 30s count 2`.
fn read_level(text: &str) -> Result<Level, String> {
    let (severity, rest) = text.split_once(':').ok_or("level severity: conditions")?;
    let (rest, count) = match rest.rsplit_once(" count ") {
        Some((rest, count)) => (rest, count.trim().parse().map_err(|_| "count")?),
        None => (rest, 1),
    };
    let (rest, duration) = match rest.rsplit_once(" for ") {
        Some((rest, duration)) => (rest, ms(duration)?),
        None => (rest, 0),
    };
    let mut any = Vec::new();
    for alternative in rest.split('|') {
        let all: Result<Vec<Condition>, _> =
            alternative.split(',').map(|c| c.trim().parse()).collect();
        any.push(Alternative {
            all: all.map_err(|error| error.to_string())?,
        });
    }
    Ok(Level {
        severity: severity.trim().parse().map_err(|e| format!("{e}"))?,
        any,
        duration: Span { ms: duration },
        count,
    })
}

fn add_signals(rule: &mut Rule, level: &Level) {
    for condition in level.any.iter().flat_map(|alternative| &alternative.all) {
        let name = condition.signal.as_str();
        let signal = match name {
            "missed" => builtin(Builtin::MissedIntervals),
            "silent" => builtin(Builtin::SilentSeconds),
            _ => series(name),
        };
        rule.signals.entry(name.to_owned()).or_insert(signal);
    }
}

fn series(name: &str) -> Signal {
    Signal {
        series: Some(Selector::metric(name)),
        builtin: None,
        unit: String::new(),
        clear_by: model::rule::Hysteresis::default(),
    }
}

fn builtin(builtin: Builtin) -> Signal {
    Signal {
        series: None,
        builtin: Some(builtin),
        ..series("")
    }
}

fn ms(text: &str) -> Result<u64, String> {
    stdx::parse_duration_ms(text).map_err(|error| error.to_string())
}

fn number(text: &str) -> Result<Option<f64>, String> {
    match text {
        "_" => Ok(None),
        "nan" => Ok(Some(f64::NAN)),
        _ => {
            let quantity = stdx::parse_quantity(text).map_err(|error| error.to_string())?;
            Ok(Some(quantity.value))
        }
    }
}
