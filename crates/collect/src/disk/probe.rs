//! Reads the counters of block devices and emits their series.

use model::TargetKind;
use serde_json::Value;

use super::parse::{self, COUNTERS, DiskLine};
use super::{PLUGIN, Settings};
use crate::collector::{Collector, Discovered, SettingsError, Tick, settings_of};
use crate::rate::{increase, seconds_between};
use crate::root::{ReadError, Root};
use crate::scan::{as_f64, unsigned};
use crate::sink::Sink;

/// Metric, factor and divisor of each number of a line.
///
/// A thousand divides, for a product with 0.001 is seldom the decimal that was meant, and such a
/// number takes many times the bytes.
const METRICS: [(&str, f64, f64); COUNTERS] = [
    ("node_disk_reads_completed_total", 1.0, 1.0),
    ("node_disk_reads_merged_total", 1.0, 1.0),
    ("node_disk_read_bytes_total", 512.0, 1.0),
    ("node_disk_read_time_seconds_total", 1.0, 1_000.0),
    ("node_disk_writes_completed_total", 1.0, 1.0),
    ("node_disk_writes_merged_total", 1.0, 1.0),
    ("node_disk_written_bytes_total", 512.0, 1.0),
    ("node_disk_write_time_seconds_total", 1.0, 1_000.0),
    ("node_disk_io_now", 1.0, 1.0),
    ("node_disk_io_time_seconds_total", 1.0, 1_000.0),
    ("node_disk_io_time_weighted_seconds_total", 1.0, 1_000.0),
    ("node_disk_discards_completed_total", 1.0, 1.0),
    ("node_disk_discards_merged_total", 1.0, 1.0),
    ("node_disk_discarded_sectors_total", 1.0, 1.0),
    ("node_disk_discard_time_seconds_total", 1.0, 1_000.0),
    ("node_disk_flush_requests_total", 1.0, 1.0),
    ("node_disk_flush_requests_time_seconds_total", 1.0, 1_000.0),
];

#[derive(Debug)]
struct Last {
    device: String,
    counters: [u64; COUNTERS],
    pass: u64,
}

#[derive(Debug, Default)]
pub(super) struct Disk {
    settings: Settings,
    bytes: Vec<u8>,
    last: Vec<Last>,
    last_tick: Option<Tick>,
    pass: u64,
}

impl Collector for Disk {
    fn configure(&mut self, settings: &Value) -> Result<(), SettingsError> {
        self.settings = settings_of(PLUGIN.name, settings)?;
        Ok(())
    }

    fn discover(&mut self, root: &Root) -> Vec<Discovered> {
        if root.read("proc/diskstats", &mut self.bytes).is_err() {
            return Vec::new();
        }
        let disks = parse::diskstats(&self.bytes, &self.settings);
        disks.map(|disk| discovered(root, disk.device)).collect()
    }

    fn collect(&mut self, root: &Root, now: &Tick, out: &mut Sink) {
        let result = self.diskstats(root, now, out);
        out.status((PLUGIN.name, "diskstats"), "", result);
    }
}

impl Disk {
    fn diskstats(&mut self, root: &Root, now: &Tick, out: &mut Sink) -> Result<(), ReadError> {
        root.read("proc/diskstats", &mut self.bytes)?;
        let elapsed_s = self
            .last_tick
            .replace(*now)
            .and_then(|last| seconds_between(&last, now));
        self.pass += 1;
        for disk in parse::diskstats(&self.bytes, &self.settings) {
            let labels = [("device", disk.device)];
            let known = METRICS.iter().zip(&disk.counters).take(disk.known);
            for ((metric, factor, divisor), &counter) in known {
                out.put(metric, &labels, as_f64(counter) * factor / divisor);
            }
            let known = self.last.iter_mut().find(|last| last.device == disk.device);
            if let Some(last) = known {
                if let Some(elapsed_s) = elapsed_s {
                    speeds(&disk, &last.counters, elapsed_s, out);
                }
                last.counters = disk.counters;
                last.pass = self.pass;
            } else {
                let device = disk.device.to_owned();
                self.last.push(Last {
                    device,
                    counters: disk.counters,
                    pass: self.pass,
                });
            }
        }
        let pass = self.pass;
        self.last.retain(|last| last.pass == pass);
        Ok(())
    }
}

fn speeds(disk: &DiskLine<'_>, last: &[u64; COUNTERS], elapsed_s: f64, out: &mut Sink) {
    let labels = [("device", disk.device)];
    let [
        reads,
        _,
        read,
        read_ms,
        writes,
        _,
        written,
        write_ms,
        _,
        busy_ms,
        ..,
    ] = disk.counters;
    let [
        reads0,
        _,
        read0,
        read_ms0,
        writes0,
        _,
        written0,
        write_ms0,
        _,
        busy_ms0,
        ..,
    ] = *last;
    let (Some(reads), Some(writes)) = (increase(reads0, reads), increase(writes0, writes)) else {
        return;
    };
    let waited_ms = increase(read_ms0, read_ms).zip(increase(write_ms0, write_ms));
    if let Some((read_ms, write_ms)) = waited_ms {
        let requests = reads + writes;
        let await_s = if requests > 0.0 {
            (read_ms + write_ms) / requests / 1_000.0
        } else {
            0.0
        };
        out.put("bongsu_disk_await_seconds", &labels, await_s);
    }
    let busy = increase(busy_ms0, busy_ms).map(|ms| (ms / 1_000.0 / elapsed_s).min(1.0));
    out.put_some("bongsu_disk_busy_ratio", &labels, busy);
    let bytes = |before, after| increase(before, after).map(|n| n * 512.0 / elapsed_s);
    out.put_some(
        "bongsu_disk_read_bytes_per_second",
        &labels,
        bytes(read0, read),
    );
    out.put_some(
        "bongsu_disk_written_bytes_per_second",
        &labels,
        bytes(written0, written),
    );
}

fn discovered(root: &Root, device: &str) -> Discovered {
    let mut bytes = Vec::new();
    let mut attributes = Vec::new();
    let mut attribute = |name, path: std::fmt::Arguments<'_>| {
        if root.readf(&mut bytes, path).is_ok() {
            let text = String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
            if !text.is_empty() {
                attributes.push((name, text));
            }
        }
    };
    attribute("name", format_args!("sys/block/{device}/dm/name"));
    attribute("model", format_args!("sys/block/{device}/device/model"));
    attribute("level", format_args!("sys/block/{device}/md/level"));
    attribute(
        "rotational",
        format_args!("sys/block/{device}/queue/rotational"),
    );
    if root
        .readf(&mut bytes, format_args!("sys/block/{device}/size"))
        .is_ok()
        && let Some(sectors) = unsigned(&bytes)
    {
        attributes.push(("size_bytes", sectors.saturating_mul(512).to_string()));
    }
    let name = attributes.iter().find(|(key, _)| *key == "name");
    let title = name.map_or_else(
        || device.to_owned(),
        |(_, name)| format!("{device} ({name})"),
    );
    Discovered {
        kind: TargetKind::new("disk"),
        key: device.to_owned(),
        title,
        attributes,
    }
}
