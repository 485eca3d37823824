//! Where collectors put samples: every series gets a dense local number, nothing allocates twice.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use model::{Labels, limits};

use crate::collector::Tick;
use crate::rate::{steps_per_unit, to_step};
use crate::root::ReadError;
use crate::status::{Availability, Status, StatusList};

/// A series that was not seen for this long loses its number when numbers are given anew.
const IDLE_MS: i64 = 10 * 60 * 1_000;
/// Numbers are given anew when more than this share of them is idle (one in so many).
const IDLE_SHARE: usize = 4;
const NONE: u32 = u32::MAX;

/// One value of one series in the current pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The local number of the series: an index into [`Sink::series`] within one epoch.
    pub series: u32,
    /// The value in the metric's base unit; always finite.
    pub value: f64,
}

/// What went into the sink since the program started, for the agent's own report.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SinkCounters {
    /// Samples refused because the same series had one in the same pass.
    pub doubled: u64,
    /// Samples refused because the host has more series than allowed.
    pub over_limit: u64,
    /// Samples refused because the value was not finite or a label was malformed.
    pub malformed: u64,
}

/// The latest words about a thing, such as the first line of a check's output.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// The collector.
    pub collector: &'static str,
    /// What it is about, e.g. the check's name.
    pub key: String,
    /// The words.
    pub text: String,
}

#[derive(Debug)]
struct Entry {
    labels: Labels,
    /// Name, then names and values of the labels in the caller's order, each ended by 0xFF.
    key: Box<[u8]>,
    next: u32,
    pass: u64,
    seen_ms: i64,
    /// How finely its values are told, where they are computed.
    steps_per_unit: Option<f64>,
}

/// The samples of one pass, and the dictionary of all series.
#[derive(Debug, Default)]
pub struct Sink {
    entries: Vec<Entry>,
    heads: HashMap<u64, u32, BuildHasherDefault<Same>>,
    samples: Vec<Sample>,
    status: StatusList,
    notes: Vec<Note>,
    note_generation: u64,
    key: Vec<u8>,
    pass: u64,
    now_ms: i64,
    epoch: u32,
    counters: SinkCounters,
    over_limit_metric: Option<&'static str>,
}

impl Sink {
    /// An empty sink.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a pass: the samples of the last one are dropped, the series stay.
    pub fn begin(&mut self, now: &Tick) {
        self.samples.clear();
        self.pass += 1;
        self.now_ms = now.now_ms;
        let idle = |entry: &&Entry| now.now_ms - entry.seen_ms > IDLE_MS;
        let idle = self.entries.iter().filter(idle).count();
        if idle > 0 && idle >= self.entries.len() / IDLE_SHARE {
            self.renumber();
        }
    }

    /// Puts one sample. Always give the labels of a metric in the same (alphabetical) order.
    pub fn put(&mut self, metric: &'static str, labels: &[(&str, &str)], value: f64) {
        if !value.is_finite() {
            self.counters.malformed += 1;
            return;
        }
        self.build_key(metric, labels);
        let hash = hash(&self.key);
        let series = match self.find(hash) {
            Some(series) => series,
            None => match self.add(hash, metric, labels) {
                Some(series) => series,
                None => return,
            },
        };
        let (pass, now_ms) = (self.pass, self.now_ms);
        let Some(entry) = self.entries.get_mut(series as usize) else {
            return;
        };
        if entry.pass == pass {
            self.counters.doubled += 1;
            return;
        }
        entry.pass = pass;
        entry.seen_ms = now_ms;
        let value = entry
            .steps_per_unit
            .map_or(value, |steps| to_step(value, steps));
        self.samples.push(Sample { series, value });
    }

    /// Puts a value if there is one.
    pub fn put_some(&mut self, metric: &'static str, labels: &[(&str, &str)], value: Option<f64>) {
        if let Some(value) = value {
            self.put(metric, labels, value);
        }
    }

    /// Records that a signal (collector, signal) is measured, or why not; `key` says which of many.
    pub fn status(
        &mut self,
        signal: (&'static str, &'static str),
        key: &str,
        result: Result<(), ReadError>,
    ) {
        let now = result.map_or_else(Availability::from, |()| Availability::Available);
        self.status.set(signal, key, now);
    }

    /// Records a state in words.
    pub fn status_is(&mut self, signal: (&'static str, &'static str), key: &str, is: Availability) {
        self.status.set(signal, key, is);
    }

    /// Records the latest words about a thing; empty words forget it.
    pub fn note(&mut self, collector: &'static str, key: &str, text: &str) {
        let is = |note: &&mut Note| note.collector == collector && note.key == key;
        match self.notes.iter_mut().find(is) {
            Some(note) if note.text == text => return,
            Some(note) => text.clone_into(&mut note.text),
            None if text.is_empty() => return,
            None => {
                let (key, text) = (key.to_owned(), text.to_owned());
                self.notes.push(Note {
                    collector,
                    key,
                    text,
                });
            }
        }
        self.notes.retain(|note| !note.text.is_empty());
        self.note_generation += 1;
    }

    /// The latest words about things.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Changes when a note did.
    #[must_use]
    pub const fn note_generation(&self) -> u64 {
        self.note_generation
    }

    /// Forgets the state of a thing that is gone.
    pub fn status_gone(&mut self, signal: (&'static str, &'static str), key: &str) {
        self.status.forget(signal, key);
    }

    /// The samples of this pass.
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// How many series have a number; numbers are `0..series_count()`.
    #[must_use]
    pub fn series_count(&self) -> usize {
        self.entries.len()
    }

    /// The labels of a series; the same within one [`Sink::epoch`].
    #[must_use]
    pub fn series(&self, number: u32) -> Option<&Labels> {
        self.entries.get(number as usize).map(|entry| &entry.labels)
    }

    /// Changes when series were numbered anew: the whole dictionary must be sent again.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The states of all signals.
    #[must_use]
    pub fn statuses(&self) -> &[Status] {
        self.status.entries()
    }

    /// Changes when a state did.
    #[must_use]
    pub const fn status_generation(&self) -> u64 {
        self.status.generation()
    }

    /// What was refused so far.
    #[must_use]
    pub const fn counters(&self) -> SinkCounters {
        self.counters
    }

    /// The metric that last broke the limit of series per host.
    #[must_use]
    pub const fn over_limit_metric(&self) -> Option<&'static str> {
        self.over_limit_metric
    }

    /// The value of a series in this pass, by its labels; for tests and local display.
    #[must_use]
    pub fn value(&self, metric: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let wanted = Labels::metric(metric, labels).ok()?;
        let is = |sample: &&Sample| self.series(sample.series) == Some(&wanted);
        self.samples.iter().find(is).map(|sample| sample.value)
    }

    fn build_key(&mut self, metric: &str, labels: &[(&str, &str)]) {
        self.key.clear();
        self.key.extend_from_slice(metric.as_bytes());
        for (name, value) in labels {
            // 0xFF never occurs in UTF-8, so no two sets of labels share a key.
            self.key.push(0xFF);
            self.key.extend_from_slice(name.as_bytes());
            self.key.push(0xFF);
            self.key.extend_from_slice(value.as_bytes());
        }
    }

    fn find(&self, hash: u64) -> Option<u32> {
        let mut at = *self.heads.get(&hash)?;
        while let Some(entry) = self.entries.get(at as usize) {
            if *entry.key == *self.key {
                return Some(at);
            }
            at = entry.next;
        }
        None
    }

    fn add(&mut self, hash: u64, metric: &'static str, pairs: &[(&str, &str)]) -> Option<u32> {
        if self.entries.len() >= limits::SERIES_PER_HOST_MAX {
            self.counters.over_limit += 1;
            self.over_limit_metric = Some(metric);
            return None;
        }
        let Ok(labels) = Labels::metric(metric, pairs) else {
            self.counters.malformed += 1;
            return None;
        };
        let number = u32::try_from(self.entries.len()).ok()?;
        let next = self.heads.insert(hash, number).unwrap_or(NONE);
        let key = self.key.clone().into_boxed_slice();
        self.entries.push(Entry {
            labels,
            key,
            next,
            pass: 0,
            seen_ms: self.now_ms,
            steps_per_unit: steps_per_unit(metric),
        });
        Some(number)
    }

    fn renumber(&mut self) {
        let now_ms = self.now_ms;
        self.entries
            .retain(|entry| now_ms - entry.seen_ms <= IDLE_MS);
        self.heads.clear();
        for (number, entry) in (0_u32..).zip(&mut self.entries) {
            entry.next = self.heads.insert(hash(&entry.key), number).unwrap_or(NONE);
        }
        self.epoch += 1;
    }
}

/// FNV-1a over eight bytes at a time; the table compares keys, so a collision costs one step.
fn hash(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    let mut sum = 0xCBF2_9CE4_8422_2325_u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let word = chunk.try_into().map_or(0, u64::from_le_bytes);
        sum = (sum ^ word).wrapping_mul(PRIME);
        sum ^= sum >> 29;
    }
    for &byte in chunks.remainder() {
        sum = (sum ^ u64::from(byte)).wrapping_mul(PRIME);
    }
    sum ^ (sum >> 32)
}

/// Keys of the table are hashes already.
#[derive(Debug, Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 << 8) | u64::from(byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(now_ms: i64) -> Tick {
        Tick {
            now_ms,
            ..Tick::default()
        }
    }

    #[test]
    fn series_keep_their_number_and_double_samples_are_refused() {
        let mut sink = Sink::new();
        for pass in 0..3 {
            sink.begin(&tick(pass * 1_000));
            sink.put("up", &[], 1.0);
            sink.put("load", &[("cpu", "0")], 0.5);
            sink.put("load", &[("cpu", "1")], 0.7);
            sink.put("load", &[("cpu", "1")], 0.9);
            sink.put("load", &[("cpu", "2")], f64::NAN);
            let numbers: Vec<u32> = sink.samples().iter().map(|s| s.series).collect();
            assert_eq!(numbers, [0, 1, 2]);
        }
        assert_eq!(sink.value("load", &[("cpu", "1")]), Some(0.7));
        assert_eq!(sink.series(2).unwrap().to_string(), r#"load{cpu="1"}"#);
        let counters = sink.counters();
        assert_eq!((counters.doubled, counters.malformed), (3, 3));
        assert_eq!((sink.series_count(), sink.epoch()), (3, 0));
    }

    #[test]
    fn idle_series_lose_their_number_with_a_new_epoch() {
        let mut sink = Sink::new();
        sink.begin(&tick(0));
        sink.put("gone", &[], 1.0);
        sink.put("stays", &[], 1.0);
        for step in 1..=13 {
            sink.begin(&tick(step * 60_000));
            sink.put("stays", &[], 2.0);
        }
        assert_eq!((sink.series_count(), sink.epoch()), (1, 1));
        assert_eq!(
            sink.samples(),
            [Sample {
                series: 0,
                value: 2.0
            }]
        );
    }

    #[test]
    fn more_series_than_a_host_may_have_are_refused_by_name() {
        let mut sink = Sink::new();
        sink.begin(&tick(0));
        for n in 0..=limits::SERIES_PER_HOST_MAX {
            sink.put("many", &[("n", &n.to_string())], 0.0);
        }
        assert_eq!(sink.counters().over_limit, 1);
        assert_eq!(sink.over_limit_metric(), Some("many"));
    }

    #[test]
    fn states_change_their_generation_only_when_they_change() {
        let mut sink = Sink::new();
        sink.status(("cpu", "pressure"), "", Err(ReadError::NotAvailable));
        sink.status(("cpu", "pressure"), "", Err(ReadError::NotAvailable));
        assert_eq!((sink.status_generation(), sink.statuses().len()), (1, 1));
        sink.status(("cpu", "pressure"), "", Ok(()));
        assert_eq!(sink.status_generation(), 2);
        sink.status_gone(("cpu", "pressure"), "");
        assert_eq!((sink.status_generation(), sink.statuses().len()), (3, 0));
    }
}
