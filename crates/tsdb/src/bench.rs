//! Figures of the engine on data like that of a fleet of hosts; run by `cargo bench -p tsdb`.

use std::fmt;
use std::path::Path;

use model::{Labels, Selector};
use stdx::{Entropy, Env, SeededEntropy};

use crate::{AppendBatch, Error, Options, Result, SeriesId, Tsdb};

/// Series of one host, as many as a small node exporter has.
const SERIES_PER_HOST: u32 = 100;
/// Scrapes of one host between two fsyncs when nobody waits: group commit under load.
const BATCHES_PER_SYNC: u32 = 500;

/// A load: so many hosts, so many scrapes, so far apart.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// What it is called in the table.
    pub name: &'static str,
    /// Hosts with 100 series each.
    pub hosts: u32,
    /// Scrapes of each host.
    pub scrapes: u32,
    /// Time between two, in milliseconds.
    pub interval_ms: i64,
}

/// Many series, few samples: 2,000 hosts for a quarter of an hour.
pub const WIDE: Shape = Shape {
    name: "wide",
    hosts: 2_000,
    scrapes: 60,
    interval_ms: 15_000,
};
/// Few series, many samples: 200 hosts for a day.
pub const LONG: Shape = Shape {
    name: "long",
    hosts: 200,
    scrapes: 1_440,
    interval_ms: 60_000,
};

/// What was measured, one thread.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// The shape's name.
    pub name: &'static str,
    /// Samples written.
    pub samples: u64,
    /// New series resolved each second.
    pub resolve_per_s: f64,
    /// Samples appended each second, encoding and memory, without the disk.
    pub append_per_s: f64,
    /// Seconds of log writes and fsyncs.
    pub sync_s: f64,
    /// Seconds of flushes and merges.
    pub parts_s: f64,
    /// Processor seconds of everything but making the data, for a million samples.
    pub cpu_s_per_million: f64,
    /// Bytes of log written for a sample.
    pub wal_bytes_per_sample: f64,
    /// Bytes of parts for a sample, settled.
    pub part_bytes_per_sample: f64,
    /// Bytes of the series log for a series.
    pub index_bytes_per_series: f64,
    /// Live parts at the end.
    pub parts: usize,
    /// One series over the whole range, milliseconds.
    pub query_one_ms: f64,
    /// One metric of every host over the last tenth, milliseconds.
    pub query_metric_ms: f64,
    /// Selecting by metric and a regular expression of hosts, milliseconds.
    pub select_ms: f64,
    /// Opening again with a full log, milliseconds.
    pub open_ms: f64,
    /// Samples that this read from the log.
    pub open_wal_samples: u64,
    /// Resident memory at its highest, MiB.
    pub peak_rss_mib: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} samples, {:.3} CPU s per million, append {:.2} M/s, resolve {:.2} M/s",
            self.name,
            self.samples,
            self.cpu_s_per_million,
            self.append_per_s / 1e6,
            self.resolve_per_s / 1e6
        )?;
        writeln!(
            f,
            "  log {:.2} B/sample, parts {:.3} B/sample in {}, index {:.1} B/series",
            self.wal_bytes_per_sample,
            self.part_bytes_per_sample,
            self.parts,
            self.index_bytes_per_series
        )?;
        writeln!(
            f,
            "  sync {:.2} s, flush and merge {:.2} s, peak RSS {:.0} MiB",
            self.sync_s, self.parts_s, self.peak_rss_mib
        )?;
        write!(
            f,
            "  one series {:.2} ms, one metric {:.2} ms, select {:.2} ms, open {:.0} ms ({} from log)",
            self.query_one_ms,
            self.query_metric_ms,
            self.select_ms,
            self.open_ms,
            self.open_wal_samples
        )
    }
}

/// Adds the time that `work` takes to `total_s`.
fn timed<T>(env: &Env, total_s: &mut f64, work: impl FnOnce() -> T) -> T {
    let start_ns = env.clock.mono_ns();
    let result = work();
    *total_s += seconds(env.clock.mono_ns() - start_ns);
    result
}

fn seconds(ns: u64) -> f64 {
    std::time::Duration::from_nanos(ns).as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b.max(1) as f64
}

/// Writes one shape into `dir`, which must be empty, and asks for it back.
///
/// # Errors
/// When the store fails.
pub fn run(dir: &Path, shape: Shape) -> Result<Figures> {
    let env = Env::system();
    let options = Options {
        background: false,
        ..Options::default()
    };
    let (tsdb, _) = Tsdb::open(dir, options.clone(), env.clone())?;
    let mut figures = Figures {
        name: shape.name,
        ..Figures::default()
    };
    let series = resolve_all(&tsdb, &env, shape, &mut figures)?;
    write_all(&tsdb, &env, shape, (&series, &mut figures))?;
    settle(&tsdb, &env, &mut figures)?;
    ask(&tsdb, &env, shape, (&series, &mut figures))?;
    fill_log(&tsdb, &env, (&series, 2 * options.wal_flush_bytes))?;
    drop(tsdb);
    let mut open_s = 0.0;
    let opened = timed(&env, &mut open_s, || Tsdb::open(dir, options, env.clone()));
    let (_, report) = opened?;
    figures.open_ms = open_s * 1e3;
    figures.open_wal_samples = report.wal_samples;
    figures.peak_rss_mib = status_kib("VmHWM:") / 1024.0;
    Ok(figures)
}

fn resolve_all(
    tsdb: &Tsdb,
    env: &Env,
    shape: Shape,
    figures: &mut Figures,
) -> Result<Vec<SeriesId>> {
    let mut series = Vec::new();
    let mut resolve_s = 0.0;
    for host in 0..shape.hosts {
        for kind in 0..SERIES_PER_HOST {
            let instance = format!("web{host:05}:9100");
            let device = format!("sd{kind}");
            let pairs = [
                ("instance", instance.as_str()),
                ("job", "node"),
                ("device", &device),
            ];
            let metric = format!("node_metric_{:02}", kind / 2);
            let Ok(labels) = Labels::metric(&metric, &pairs) else {
                continue;
            };
            let id = timed(env, &mut resolve_s, || tsdb.resolve(&labels))?;
            series.push(id);
        }
        if host % 100 == 99 {
            relieve(tsdb)?;
        }
    }
    let count = u64::from(shape.hosts * SERIES_PER_HOST);
    figures.resolve_per_s = ratio(count, 1) / resolve_s.max(1e-9);
    Ok(series)
}

fn relieve(tsdb: &Tsdb) -> Result<()> {
    let position = tsdb.sync()?;
    tsdb.set_checkpoint(position)?;
    tsdb.maintain()
}

/// The value after `before` of one of a host's hundred series: plateaus, noise and counters.
fn next_value(kind: u32, before: f64, entropy: &dyn Entropy) -> f64 {
    let random = entropy.next_u64();
    let small = f64::from(u32::try_from(random % 1_000).unwrap_or(0));
    let rarely = random >> 32 & 31 == 0;
    match kind % 10 {
        // A size or a limit that never changes.
        0 | 1 => 8_589_934_592.0,
        // Bytes that move in pages, often not at all.
        2 | 3 if rarely => 4_294_967_296.0 + small * 4_096.0,
        2 | 3 => before,
        // Counters: bytes, packets, and one that stands still most of the time.
        4 => before + small * 1_500.0,
        5 => before + (small / 10.0).floor(),
        6 => before + f64::from(u8::from(rarely)),
        // Processor seconds in hundredths.
        7 | 8 => ((before + small / 100.0) * 100.0).round() / 100.0,
        // A ratio with noise, as a division leaves it.
        _ => 0.4 + small / 7_777.0,
    }
}

fn write_all(
    tsdb: &Tsdb,
    env: &Env,
    shape: Shape,
    (series, figures): (&[SeriesId], &mut Figures),
) -> Result<()> {
    let entropy = SeededEntropy::new(7);
    let mut values = vec![1_000.0; series.len()];
    let start_ms = start_ms(env, shape);
    let (mut append_s, mut make_s) = (0.0, 0.0);
    let (mut batches, mut log_bytes) = (0, 0);
    let cpu_before_s = cpu_s();
    let mut batch = AppendBatch::default();
    for scrape in 0..shape.scrapes {
        let hosts = series.chunks(SERIES_PER_HOST as usize);
        let host_values = values.chunks_mut(SERIES_PER_HOST as usize);
        for (host, (series, values)) in (0_i64..).zip(hosts.zip(host_values)) {
            timed(env, &mut make_s, || {
                batch.clear();
                // Each host at its own phase, with a jitter of some milliseconds.
                let jitter_ms = i64::from(u8::try_from(entropy.next_u64() % 4).unwrap_or(0));
                let t_ms = start_ms + i64::from(scrape) * shape.interval_ms;
                let t_ms = t_ms + host * 7 % shape.interval_ms + jitter_ms;
                for (kind, (id, value)) in (0..).zip(series.iter().zip(values)) {
                    *value = next_value(kind, *value, &entropy);
                    batch.push(*id, t_ms, *value);
                }
            });
            let before = tsdb.end_position();
            append_with_relief(tsdb, env, &batch, (&mut append_s, figures))?;
            log_bytes += tsdb.end_position().0 - before.0;
            batches += 1;
            if batches % BATCHES_PER_SYNC == 0 {
                relieve_timed(tsdb, env, figures)?;
            }
        }
    }
    figures.samples = u64::from(shape.scrapes) * series.len() as u64;
    figures.append_per_s = ratio(figures.samples, 1) / append_s.max(1e-9);
    figures.wal_bytes_per_sample = ratio(log_bytes, figures.samples);
    let cpu_s = cpu_s() - cpu_before_s - make_s;
    figures.cpu_s_per_million = cpu_s / (ratio(figures.samples, 1) / 1e6);
    Ok(())
}

fn start_ms(env: &Env, shape: Shape) -> i64 {
    env.clock.now_ms() - i64::from(shape.scrapes) * shape.interval_ms
}

fn append_with_relief(
    tsdb: &Tsdb,
    env: &Env,
    batch: &AppendBatch,
    (append_s, figures): (&mut f64, &mut Figures),
) -> Result<()> {
    loop {
        match timed(env, append_s, || tsdb.append(batch)) {
            Ok(_) => return Ok(()),
            Err(Error::Busy { .. } | Error::WalFull { .. }) => {
                relieve_timed(tsdb, env, figures)?;
            }
            Err(error) => return Err(error),
        }
    }
}

fn relieve_timed(tsdb: &Tsdb, env: &Env, figures: &mut Figures) -> Result<()> {
    let position = timed(env, &mut figures.sync_s, || tsdb.sync())?;
    tsdb.set_checkpoint(position)?;
    timed(env, &mut figures.parts_s, || tsdb.maintain())
}

fn settle(tsdb: &Tsdb, env: &Env, figures: &mut Figures) -> Result<()> {
    relieve_timed(tsdb, env, figures)?;
    timed(env, &mut figures.parts_s, || {
        tsdb.flush().and_then(|()| tsdb.maintain())
    })?;
    let stats = tsdb.stats();
    figures.parts = stats.parts;
    figures.part_bytes_per_sample = ratio(stats.part_bytes, stats.part_samples);
    figures.index_bytes_per_series = ratio(stats.series_log_bytes, u64::from(stats.series));
    Ok(())
}

fn ask(
    tsdb: &Tsdb,
    env: &Env,
    shape: Shape,
    (series, figures): (&[SeriesId], &mut Figures),
) -> Result<()> {
    const TIMES: u32 = 20;
    let to_ms = env.clock.now_ms();
    let from_ms = start_ms(env, shape) - 3_600_000;
    let tenth_ms = i64::from(shape.scrapes) * shape.interval_ms / 10;
    let (mut one_s, mut metric_s, mut select_s) = (0.0, 0.0, 0.0);
    let selector = Selector::metric("node_metric_07");
    let few = selector
        .clone()
        .and("instance", model::MatchOp::Re, "web0000[0-9]:.*");
    let every = tsdb.select(&selector)?;
    for &one in series.iter().step_by(series.len().div_ceil(TIMES as usize)) {
        timed(env, &mut one_s, || tsdb.query(&[one], from_ms, to_ms))?;
        timed(env, &mut metric_s, || {
            tsdb.query(&every, to_ms - tenth_ms, to_ms)
        })?;
        timed(env, &mut select_s, || tsdb.select(&few))?;
    }
    figures.query_one_ms = one_s * 1e3 / f64::from(TIMES);
    figures.query_metric_ms = metric_s * 1e3 / f64::from(TIMES);
    figures.select_ms = select_s * 1e3 / f64::from(TIMES);
    Ok(())
}

/// Appends until the log is as full as a running store lets it become: one table being flushed, one
/// being filled.
fn fill_log(tsdb: &Tsdb, env: &Env, (series, bytes): (&[SeriesId], u64)) -> Result<()> {
    let entropy = SeededEntropy::new(8);
    let mut batch = AppendBatch::default();
    let start_ms = env.clock.now_ms();
    let full = tsdb.end_position().0 + bytes;
    for round in 0..100 {
        if tsdb.end_position().0 >= full {
            break;
        }
        for host in series.chunks(SERIES_PER_HOST as usize) {
            batch.clear();
            for &id in host {
                let random = u32::try_from(entropy.next_u64() >> 40).unwrap_or(0);
                batch.push(id, start_ms + round, f64::from(random) / 7_777.0);
            }
            match tsdb.append(&batch) {
                Ok(_) => {}
                Err(Error::WalFull { .. }) => return Ok(()),
                Err(Error::Busy { .. }) => drop(tsdb.sync()?),
                Err(error) => return Err(error),
            }
        }
        tsdb.sync()?;
    }
    Ok(())
}

/// Processor seconds of this process; fields 14 and 15 of `stat`, in hundredths.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_whitespace().skip(11).take(2);
    fields
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

fn status_kib(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_shape_runs_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let shape = Shape {
            name: "small",
            hosts: 3,
            scrapes: 50,
            interval_ms: 15_000,
        };
        let figures = run(dir.path(), shape).unwrap();
        assert_eq!(figures.samples, 15_000);
        assert!(figures.part_bytes_per_sample > 0.1, "{figures}");
        assert!(figures.open_wal_samples > 0);
    }
}
