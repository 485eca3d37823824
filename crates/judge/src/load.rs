//! A measured load: nanoseconds a judged and an unjudged sample, and what a snapshot costs.

use std::sync::Arc;

use model::rule::Rule;
use stdx::{Clock, SeededEntropy};

use crate::key::PairKey;
use crate::{
    CompileError, Engine, Event, HostIx, HostSpec, PairSpec, Sample, Snapshot, WalPosition, compile,
};

/// How large the load is.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Hosts; each has the same number of pairs.
    pub hosts: u32,
    /// Pairs of one host, one series each.
    pub pairs_per_host: u32,
    /// Series of one host that nothing judges.
    pub unjudged_per_host: u32,
    /// Distance of samples, in milliseconds.
    pub interval_ms: u32,
    /// How many times each host sends.
    pub rounds: u32,
}

/// What was measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// Pairs.
    pub pairs: u64,
    /// Judged samples.
    pub judged: u64,
    /// Nanoseconds a judged sample.
    pub judged_ns: f64,
    /// Nanoseconds an unjudged sample.
    pub unjudged_ns: f64,
    /// Changes of severity among them.
    pub fired: u64,
    /// Bytes a pair in a snapshot.
    pub snapshot_bytes_per_pair: f64,
    /// Milliseconds to write a snapshot into memory.
    pub snapshot_ms: f64,
    /// Milliseconds to read it back.
    pub restore_ms: f64,
    /// Share of one core at 100,000 judged samples a second with a snapshot every 10 s.
    pub core_share: f64,
}

/// Runs the load on `rule` (whose only signal is fed) and measures it with `clock`.
///
/// # Errors
/// When the rule cannot be compiled.
pub fn run(load: Load, rule: &Rule, clock: &dyn Clock) -> Result<Measured, CompileError> {
    let program = Arc::new(compile(rule)?);
    let entropy = SeededEntropy::new(7);
    let mut engine = Engine::new();
    let hosts: Vec<HostIx> = (0..load.hosts)
        .map(|host| {
            engine.add_host(HostSpec {
                key: u64::from(host),
                interval_ms: load.interval_ms,
            })
        })
        .collect();
    let per_host = load.pairs_per_host + load.unjudged_per_host;
    for (number, &host) in (0_u32..).zip(&hosts) {
        for pair in 0..load.pairs_per_host {
            let series = number * per_host + pair;
            let spec = PairSpec {
                key: PairKey(u64::from(series)),
                host,
                group: u8::try_from(pair % 8).unwrap_or(0),
                program: Arc::clone(&program),
            };
            let pair = engine.add_pair(spec);
            engine.bind(series, pair, 0);
        }
    }
    let mut measured = Measured {
        pairs: u64::from(load.hosts) * u64::from(load.pairs_per_host),
        ..Measured::default()
    };
    let (mut judged_ns, mut unjudged_ns, mut unjudged) = (0, 0, 0_u64);
    let mut events: Vec<Event> = Vec::new();
    let mut batch = Vec::new();
    for round in 0..load.rounds {
        let at_ms = 1_700_000_000_000 + i64::from(round) * i64::from(load.interval_ms);
        for (number, &host) in (0_u32..).zip(&hosts) {
            let first = number * per_host;
            for (judged, range) in [
                (true, first..first + load.pairs_per_host),
                (false, first + load.pairs_per_host..first + per_host),
            ] {
                fill(&mut batch, range, (at_ms, &entropy));
                let start_ns = clock.mono_ns();
                engine.ingest(host, &batch, i64::MAX, &mut events);
                let spent_ns = clock.mono_ns() - start_ns;
                if judged {
                    judged_ns += spent_ns;
                    measured.judged += batch.len() as u64;
                } else {
                    unjudged_ns += spent_ns;
                    unjudged += batch.len() as u64;
                }
            }
            measured.fired += events.len() as u64;
            events.clear();
        }
    }
    let at = WalPosition::default();
    let start_ns = clock.mono_ns();
    let bytes = engine.snapshot(at, 1_700_000_000_000);
    let written_ns = clock.mono_ns();
    let read = Snapshot::decode(&bytes).map_or(0, |snapshot| snapshot.pairs.len());
    let read_ns = clock.mono_ns();
    measured.judged_ns = ratio(judged_ns, measured.judged);
    measured.unjudged_ns = ratio(unjudged_ns, unjudged);
    measured.snapshot_bytes_per_pair = ratio(bytes.len() as u64, read as u64);
    measured.snapshot_ms = ratio(written_ns - start_ns, 1_000_000);
    measured.restore_ms = ratio(read_ns - written_ns, 1_000_000);
    measured.core_share =
        (measured.judged_ns * 100_000.0 + measured.snapshot_ms * 100_000.0) / 1_000_000_000.0;
    Ok(measured)
}

/// Values between 0 and 1, one in fifty above 0.9, so that levels are reached and left.
fn fill(
    batch: &mut Vec<Sample>,
    series: std::ops::Range<u32>,
    (at_ms, entropy): (i64, &SeededEntropy),
) {
    use stdx::Entropy;
    batch.clear();
    batch.extend(series.map(|series| {
        let drawn = entropy.next_u64() % 1_000;
        #[expect(clippy::cast_precision_loss, reason = "below 1,000")]
        let value = if drawn < 20 {
            0.9 + drawn as f64 / 300.0
        } else {
            drawn as f64 / 1_500.0
        };
        Sample {
            series,
            at_ms,
            value,
        }
    }));
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b.max(1) as f64
}
