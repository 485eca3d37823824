//! Crashes: a log torn at any byte, a killed process, a power cut.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use stdx::Env;
use tsdb::{DiskHook, FileOp, Options, SeriesId, Tsdb, WalPosition};

use crate::store::{T0, all, batch, labels, open, open_with, options, point};

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn newest_segment(dir: &Path) -> PathBuf {
    let names = fs::read_dir(dir.join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    names.max().unwrap()
}

#[test]
fn a_log_torn_at_any_byte_keeps_every_whole_batch() {
    let dir = tempfile::tempdir().unwrap();
    let mut ends = Vec::new();
    {
        let tsdb = open(dir.path());
        for i in 0..4_u32 {
            let series = tsdb.resolve(&labels("up", i)).unwrap();
            tsdb.append(&batch(&[
                (series, T0, f64::from(i)),
                (SeriesId(0), T0 + i64::from(i), 0.1),
            ]))
            .unwrap();
            tsdb.sync().unwrap();
            ends.push(fs::metadata(newest_segment(dir.path())).unwrap().len());
        }
    }
    let whole = fs::read(newest_segment(dir.path())).unwrap();
    for cut in 0..whole.len() {
        let torn = tempfile::tempdir().unwrap();
        copy_dir(dir.path(), torn.path());
        fs::write(newest_segment(torn.path()), &whole[..cut]).unwrap();
        let (tsdb, report) = open_with(torn.path(), options());
        let batches = ends.iter().filter(|&&end| end <= cut as u64).count();
        assert_eq!(
            report.wal_samples,
            2 * batches as u64,
            "cut at {cut}: {report:?}"
        );
        assert_eq!(report.wal_lost_bytes, 0);
        for i in 0..u32::try_from(batches).unwrap() {
            let series = tsdb.resolve(&labels("up", i)).unwrap();
            assert_eq!(series, SeriesId(i));
            if i > 0 {
                assert_eq!(
                    all(&tsdb, series),
                    [point(T0, f64::from(i))],
                    "cut at {cut}"
                );
            }
        }
        let next = tsdb.resolve(&labels("next", 0)).unwrap();
        let position = tsdb.append(&batch(&[(next, T0 + 7, 7.0)])).unwrap();
        assert!(position > report.wal_position);
        tsdb.sync().unwrap();
        drop(tsdb);
        let tsdb = open(torn.path());
        let next = tsdb.resolve(&labels("next", 0)).unwrap();
        assert_eq!(all(&tsdb, next), [point(T0 + 7, 7.0)], "cut at {cut}");
    }
}

const CHILD_DIR: &str = "TSDB_CRASH_CHILD_DIR";
const CHILD_FIRST: &str = "TSDB_CRASH_CHILD_FIRST";
const WRITERS: u32 = 3;

fn busy_options() -> Options {
    Options {
        wal_bytes_max: 256 * 1024,
        wal_flush_bytes: 4_000,
        wal_segment_bytes: 2_000,
        sync_idle_ms: 0,
        hold_for_checkpoint: false,
        retention_ms: i64::MAX / 4,
        ..Options::default()
    }
}

/// Not a test of its own: the process that `a_killed_process_…` starts from this binary and kills.
#[test]
fn child_writer() {
    let Ok(dir) = std::env::var(CHILD_DIR) else {
        return;
    };
    let first: i64 = std::env::var(CHILD_FIRST).unwrap().parse().unwrap();
    let (tsdb, _) = Tsdb::open(Path::new(&dir), busy_options(), Env::system()).unwrap();
    let tsdb = &tsdb;
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || write_forever(tsdb, writer, first));
        }
    });
}

fn write_forever(tsdb: &Tsdb, writer: u32, first: i64) {
    let mut out = io::stdout();
    for k in first.. {
        let own = tsdb.resolve(&labels("own", writer)).unwrap();
        let fresh = tsdb
            .resolve(&labels("fresh", u32::try_from(k % 500).unwrap()))
            .unwrap();
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let value = k as f64;
        let samples = batch(&[(own, T0 + k, value), (fresh, T0 + k, value)]);
        let Ok(position) = tsdb.append(&samples) else {
            continue;
        };
        if tsdb.wait_durable(position, 60_000).is_ok() {
            writeln!(out, "ack {writer} {k} {} {}", own.0, fresh.0).unwrap();
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_it_reported_durable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    let mut acked: HashMap<(u32, u32), Vec<i64>> = HashMap::new();
    let mut first = 0;
    for round in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "crash::child_writer",
                "--exact",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(CHILD_DIR, &path)
            .env(CHILD_FIRST, first.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut count = 0;
        while let Some(Ok(line)) = lines.next() {
            // The harness prints to the same stream; a killed line may be half.
            let words: Vec<&str> = line.split(' ').collect();
            if let ["ack", writer, k, own, fresh] = words[..] {
                let k: i64 = k.parse().unwrap();
                let writer: u32 = writer.parse().unwrap();
                assert!(writer < WRITERS);
                let fresh_host = u32::try_from(k % 500).unwrap();
                acked.entry((0, writer)).or_default().push(k);
                acked.entry((1, fresh_host)).or_default().push(k);
                assert!(own != fresh);
                first = first.max(k + 1);
                count += 1;
            }
            if count == 100 + 77 * round {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(count >= 100, "the child was killed while it wrote: {count}");
        let (tsdb, report) = Tsdb::open(&path, busy_options(), Env::system()).unwrap();
        assert_eq!(
            (report.wal_lost_bytes, report.series_lost),
            (0, 0),
            "{report:?}"
        );
        for ((kind, host), times) in &acked {
            let name = if *kind == 0 { "own" } else { "fresh" };
            let series = tsdb.resolve(&labels(name, *host)).unwrap();
            let points = all(&tsdb, series);
            for k in times {
                assert!(
                    points.binary_search_by_key(&(T0 + k), |p| p.t_ms).is_ok(),
                    "round {round}: {name} {host} lost acknowledged sample {k}"
                );
            }
        }
        assert_eq!(tsdb.verify(), [""; 0]);
        // On a busy machine the first rounds may be over before the first flush.
        assert!(round < 4 || tsdb.stats().parts > 0, "flushes ran meanwhile");
    }
}

/// Remembers how much of each file is on the device.
#[derive(Debug, Default)]
struct Device(Mutex<HashMap<PathBuf, u64>>);

impl DiskHook for Device {
    fn before(&self, op: FileOp, path: &Path, _bytes: usize) -> io::Result<()> {
        let mut synced = self.0.lock().unwrap();
        match op {
            FileOp::Create if path.extension().is_some() => {
                synced.insert(path.to_path_buf(), 0);
            }
            FileOp::Sync => {
                synced.insert(path.to_path_buf(), fs::metadata(path)?.len());
            }
            FileOp::Rename => {
                let mut tmp = path.file_name().unwrap().to_os_string();
                tmp.push(".tmp");
                let len = synced.remove(&path.with_file_name(tmp)).unwrap_or(0);
                synced.insert(path.to_path_buf(), len);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Device {
    /// What a power cut leaves: every file cut to what was synced.
    fn cut(&self, from: &Path, to: &Path) {
        copy_dir(from, to);
        for (path, len) in self.0.lock().unwrap().iter() {
            let copy = to.join(path.strip_prefix(from).unwrap());
            if let Ok(file) = fs::OpenOptions::new().write(true).open(copy) {
                file.set_len(*len).unwrap();
            }
        }
    }
}

#[test]
fn a_power_cut_at_any_step_loses_nothing_durable() {
    let dir = tempfile::tempdir().unwrap();
    let device = Arc::new(Device::default());
    let hooked = Options {
        disk_hook: Some(device.clone()),
        wal_segment_bytes: 200,
        hold_for_checkpoint: false,
        ..options()
    };
    let (tsdb, _) = open_with(dir.path(), hooked);
    let mut written: Vec<(WalPosition, SeriesId, i64)> = Vec::new();
    for step in 0..60_i64 {
        let series = tsdb
            .resolve(&labels("up", u32::try_from(step % 11).unwrap()))
            .unwrap();
        let position = tsdb.append(&batch(&[(series, T0 + step, 0.3)])).unwrap();
        written.push((position, series, T0 + step));
        match step % 7 {
            0 | 3 => drop(tsdb.sync().unwrap()),
            5 => tsdb.flush().unwrap(),
            6 => tsdb.maintain().unwrap(),
            _ => {}
        }
        let cut = tempfile::tempdir().unwrap();
        device.cut(dir.path(), cut.path());
        let durable = tsdb.durable_position();
        let after = open(cut.path());
        for &(_, series, t_ms) in written.iter().filter(|(at, ..)| *at <= durable) {
            let found = all(&after, series).iter().any(|point| point.t_ms == t_ms);
            assert!(
                found,
                "step {step}: sample {t_ms} of series {series} was durable"
            );
        }
    }
}
