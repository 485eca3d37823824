//! A store is copied while it is written, flushed and merged; the copy has all that was durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tsdb::{Options, SeriesId, Tsdb, WalPosition, copy_store};

use crate::store::{T0, all, batch, env, labels, open, options, point};

#[test]
fn a_copy_of_a_store_in_use_has_everything_that_was_durable() {
    let folder = tempfile::tempdir().unwrap();
    let small = Options {
        wal_segment_bytes: 4 * 1024,
        wal_flush_bytes: 16 * 1024,
        ..options()
    };
    let (tsdb, _) = Tsdb::open(&folder.path().join("live"), small, env().0).unwrap();
    let tsdb = Arc::new(tsdb);
    let stop = Arc::new(AtomicBool::new(false));
    let written = Arc::new(std::sync::Mutex::new(0_i64));
    let writer = {
        let (tsdb, stop, written) = (tsdb.clone(), stop.clone(), written.clone());
        std::thread::spawn(move || {
            let mut step = 0;
            while !stop.load(Ordering::Relaxed) {
                let series: Vec<SeriesId> = (0..20)
                    .map(|host| tsdb.resolve(&labels("m", host)).unwrap())
                    .collect();
                let fresh = tsdb.resolve(&labels("fresh", step)).unwrap();
                let at_ms = T0 + i64::from(step) * 1_000;
                let rows: Vec<_> = series
                    .iter()
                    .chain([&fresh])
                    .map(|&series| (series, at_ms, f64::from(step)))
                    .collect();
                let position = tsdb.append(&batch(&rows)).unwrap();
                tsdb.sync().unwrap();
                *written.lock().unwrap() = i64::from(step);
                if step % 2 == 0 {
                    tsdb.set_checkpoint(position).unwrap();
                    tsdb.maintain().unwrap();
                }
                step += 1;
            }
        })
    };
    for round in 0..12 {
        while *written.lock().unwrap() <= round * 25 {
            std::thread::yield_now();
        }
        let before = *written.lock().unwrap();
        let to = folder.path().join(format!("copy-{round}").as_str());
        copy_store(&folder.path().join("live"), &to).unwrap();
        let (copy, report) = Tsdb::open(&to, options(), env().0).unwrap();
        assert_eq!(
            (report.wal_lost_bytes, report.series_lost),
            (0, 0),
            "{report:?}"
        );
        assert!(report.quarantined.is_empty(), "{report:?}");
        let series = copy.resolve(&labels("m", 3)).unwrap();
        let points = all(&copy, series);
        for step in 0..=before {
            #[expect(clippy::cast_precision_loss, reason = "a small count")]
            let wanted = point(T0 + step * 1_000, step as f64);
            assert!(
                points.contains(&wanted),
                "round {round}: step {step} of {before}"
            );
        }
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
}

#[test]
fn a_copy_is_a_store_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let live = open(&folder.path().join("live"));
    let series = live.resolve(&labels("m", 1)).unwrap();
    let first = live.append(&batch(&[(series, T0, 1.0)])).unwrap();
    live.sync().unwrap();
    let copied = copy_store(&folder.path().join("live"), &folder.path().join("copy")).unwrap();
    assert!(copied.log_from <= first, "{copied:?}");
    let copy = open(&folder.path().join("copy"));
    copy.append(&batch(&[(series, T0 + 1_000, 2.0)])).unwrap();
    copy.sync().unwrap();
    assert_eq!(all(&copy, series).len(), 2);
    assert_eq!(all(&live, series).len(), 1);
    let empty = copy_store(&folder.path().join("copy"), &folder.path().join("copy-2")).unwrap();
    assert!(empty.log_from <= first && first > WalPosition(0));
}
