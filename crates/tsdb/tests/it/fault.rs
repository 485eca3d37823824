//! Disks that refuse: full, or failing at fsync.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use stdx::Env;
use tsdb::{DiskHook, Error, FileOp, Options, SeriesId, Tsdb, WalPosition};

use crate::store::{T0, all, batch, env, labels, open, open_with, options};

const SOUND: u8 = 0;
const FULL: u8 = 1;
const NO_FSYNC: u8 = 2;
const FULL_FOR_PARTS: u8 = 3;

#[derive(Debug, Default)]
struct Faults {
    mode: AtomicU8,
    refused: AtomicBool,
}

impl Faults {
    fn set(&self, mode: u8) {
        self.mode.store(mode, Ordering::SeqCst);
    }
}

impl DiskHook for Faults {
    fn before(&self, op: FileOp, path: &Path, _bytes: usize) -> io::Result<()> {
        let is_part = path.to_string_lossy().contains("part");
        let refuse = match (self.mode.load(Ordering::SeqCst), op) {
            (FULL, FileOp::Write | FileOp::Create) => Some(io::ErrorKind::StorageFull),
            (FULL_FOR_PARTS, FileOp::Write) if is_part => Some(io::ErrorKind::StorageFull),
            (NO_FSYNC, FileOp::Sync) => Some(io::ErrorKind::Other),
            _ => None,
        };
        refuse.map_or(Ok(()), |kind| {
            self.refused.store(true, Ordering::SeqCst);
            Err(kind.into())
        })
    }
}

fn faulty(options: Options) -> (Options, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    (
        Options {
            disk_hook: Some(faults.clone()),
            ..options
        },
        faults,
    )
}

#[test]
fn what_is_not_durable_is_not_acknowledged_and_comes_back_when_the_disk_does() {
    for mode in [FULL, NO_FSYNC] {
        let dir = tempfile::tempdir().unwrap();
        let (faulty, faults) = faulty(options());
        let (tsdb, _) = open_with(dir.path(), faulty);
        let a = tsdb.resolve(&labels("up", 1)).unwrap();
        let stored = tsdb.append(&batch(&[(a, T0, 1.0)])).unwrap();
        tsdb.sync().unwrap();
        faults.set(mode);
        let waiting = tsdb.append(&batch(&[(a, T0 + 1, 2.0)])).unwrap();
        tsdb.sync().unwrap_err();
        tsdb.sync().unwrap_err();
        assert_eq!(tsdb.durable_position(), stored);
        assert!(matches!(
            tsdb.wait_durable(waiting, 0),
            Err(Error::Io { .. })
        ));
        let refused = tsdb.append(&batch(&[(a, T0 + 2, 3.0)])).unwrap_err();
        assert!(matches!(refused, Error::WalFailed(_)), "{refused}");
        assert!(tsdb.resolve(&labels("up", 2)).is_err());
        assert_eq!(tsdb.resolve(&labels("up", 1)).unwrap(), a);
        assert_eq!(all(&tsdb, a).len(), 2, "reads are served");
        let stats = tsdb.stats();
        assert!(stats.wal_failure.is_some() && stats.wal_failures >= 2);
        faults.set(SOUND);
        assert_eq!(tsdb.sync().unwrap(), waiting);
        assert_eq!(tsdb.stats().wal_failure, None);
        tsdb.append(&batch(&[(a, T0 + 2, 3.0)])).unwrap();
        drop(tsdb);
        let (tsdb, report) = open_with(dir.path(), options());
        assert_eq!(
            (report.wal_samples, report.wal_lost_bytes),
            (3, 0),
            "{report:?}"
        );
        let mut times = Vec::new();
        let seen = tsdb.replay_from(WalPosition(0), |r| {
            times.extend(r.batch.iter().map(|s| s.1))
        });
        assert!(!seen.unwrap().gap);
        assert_eq!(
            times,
            [T0, T0 + 1, T0 + 2],
            "a batch written twice is replayed once"
        );
    }
}

#[test]
fn the_background_recovers_without_being_asked() {
    let dir = tempfile::tempdir().unwrap();
    let quick = Options {
        background: true,
        retry_ms: 1,
        retention_ms: i64::MAX / 4,
        ..options()
    };
    let (faulty, faults) = faulty(Options {
        background: true,
        ..quick
    });
    let (tsdb, _) = Tsdb::open(dir.path(), faulty, Env::system()).unwrap();
    let a = tsdb.resolve(&labels("up", 1)).unwrap();
    let first = tsdb.append(&batch(&[(a, T0, 1.0)])).unwrap();
    tsdb.wait_durable(first, 60_000).unwrap();
    faults.set(NO_FSYNC);
    let position = tsdb.append(&batch(&[(a, T0 + 1, 1.0)])).unwrap();
    let error = tsdb.wait_durable(position, 60_000).unwrap_err();
    assert!(matches!(error, Error::WalFailed(_)), "{error}");
    faults.set(SOUND);
    let patient = (0..60_000).any(|_| match tsdb.wait_durable(position, 60_000) {
        Ok(()) => true,
        Err(Error::WalFailed(_)) => {
            std::thread::sleep(std::time::Duration::from_millis(1));
            false
        }
        Err(other) => panic!("{other}"),
    });
    assert!(patient);
    tsdb.append(&batch(&[(a, T0 + 2, 1.0)])).unwrap();
}

#[test]
fn a_flush_that_fails_keeps_its_samples_and_leaves_no_debris() {
    let dir = tempfile::tempdir().unwrap();
    let (faulty, faults) = faulty(options());
    let (tsdb, _) = open_with(dir.path(), faulty);
    let a = tsdb.resolve(&labels("up", 1)).unwrap();
    tsdb.append(&batch(&[(a, T0, 1.0), (a, T0 + 90_000_000, 2.0)]))
        .unwrap();
    for mode in [FULL, NO_FSYNC, FULL_FOR_PARTS] {
        faults.set(mode);
        let error = tsdb.flush().unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        assert_eq!(all(&tsdb, a).len(), 2);
        assert_eq!(
            std::fs::read_dir(dir.path().join("parts")).unwrap().count(),
            0
        );
    }
    tsdb.maintain().unwrap_err();
    assert!(tsdb.stats().flush_failure.is_some());
    faults.set(SOUND);
    tsdb.maintain().unwrap();
    assert_eq!((tsdb.stats().flush_failure, tsdb.stats().parts), (None, 2));
    drop(tsdb);
    let tsdb = open(dir.path());
    assert_eq!(all(&tsdb, a).len(), 2);
    assert_eq!(tsdb.labels(a).unwrap().name(), "up");
}

#[test]
fn a_store_on_a_full_disk_opens_and_answers() {
    let dir = tempfile::tempdir().unwrap();
    {
        let tsdb = open(dir.path());
        let a = tsdb.resolve(&labels("up", 1)).unwrap();
        tsdb.append(&batch(&[(a, T0, 1.0)])).unwrap();
    }
    let (faulty, faults) = faulty(options());
    faults.set(FULL);
    let (tsdb, _) = Tsdb::open(dir.path(), faulty, env().0).unwrap();
    assert_eq!(all(&tsdb, SeriesId(0)).len(), 1);
    assert!(tsdb.append(&batch(&[(SeriesId(0), T0 + 1, 1.0)])).is_err());
    faults.set(SOUND);
    tsdb.sync().unwrap();
    tsdb.append(&batch(&[(SeriesId(0), T0 + 1, 1.0)])).unwrap();
    assert!(faults.refused.load(Ordering::SeqCst));
}
