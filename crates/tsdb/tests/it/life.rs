//! The ordinary life of a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::Selector;
use tsdb::{Error, Options, STALE_NAN_BITS, SeriesId, Tsdb, WalPosition};

use crate::store::{T0, all, batch, env, labels, open, open_with, options, point};

#[test]
fn series_and_samples_survive_a_restart_with_and_without_a_flush() {
    for flush in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let stale = f64::from_bits(STALE_NAN_BITS);
        {
            let tsdb = open(dir.path());
            let a = tsdb.resolve(&labels("up", 1)).unwrap();
            let b = tsdb.resolve(&labels("up", 2)).unwrap();
            assert_eq!(
                (a, b, tsdb.resolve(&labels("up", 1)).unwrap()),
                (SeriesId(0), SeriesId(1), a)
            );
            tsdb.append(&batch(&[(a, T0, 1.0), (b, T0, 2.0), (a, T0 + 10, stale)]))
                .unwrap();
            tsdb.sync().unwrap();
            if flush {
                tsdb.flush().unwrap();
            }
        }
        let (tsdb, report) = open_with(dir.path(), options());
        assert_eq!((report.series, report.parts), (2, usize::from(flush)));
        assert_eq!(report.wal_samples, if flush { 0 } else { 3 });
        let a = tsdb.resolve(&labels("up", 1)).unwrap();
        assert_eq!(a, SeriesId(0));
        let points = all(&tsdb, a);
        assert_eq!(points[0], point(T0, 1.0));
        assert_eq!(points[1].value.to_bits(), STALE_NAN_BITS);
        assert_eq!(tsdb.last(SeriesId(1)), Some(point(T0, 2.0)));
        assert_eq!(
            tsdb.select(&Selector::parse("up{host='2'}").unwrap())
                .unwrap(),
            [SeriesId(1)]
        );
        assert_eq!(tsdb.resolve(&labels("up", 3)).unwrap(), SeriesId(2));
        assert_eq!(
            tsdb.labels(SeriesId(2)).unwrap().to_string(),
            r#"up{host="3"}"#
        );
        assert_eq!(tsdb.label_values("host"), ["1", "2", "3"]);
        let counted = tsdb.count_by("__name__");
        assert_eq!(counted, [("up".to_owned(), 3)]);
        assert_eq!(tsdb.count_by("none"), []);
    }
}

#[test]
fn late_samples_are_sorted_in_and_the_last_written_wins_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let tsdb = open(dir.path());
    let a = tsdb.resolve(&labels("up", 1)).unwrap();
    for (at, value) in [(3, 1.0), (1, 2.0), (3, 3.0), (2, 4.0), (1, 5.0)] {
        tsdb.append(&batch(&[(a, T0 + at, value)])).unwrap();
        tsdb.flush().unwrap();
    }
    tsdb.append(&batch(&[(a, T0 + 2, 6.0)])).unwrap();
    let want = [point(T0 + 1, 5.0), point(T0 + 2, 6.0), point(T0 + 3, 3.0)];
    assert_eq!(all(&tsdb, a), want);
    assert_eq!(tsdb.last(a), Some(point(T0 + 3, 3.0)));
    tsdb.maintain().unwrap();
    let stats = tsdb.stats();
    assert_eq!((stats.merges, stats.parts), (1, 1), "{stats:?}");
    assert_eq!(all(&tsdb, a), want);
    assert_eq!(
        tsdb.query(&[a, a], T0 + 2, T0 + 2).unwrap(),
        [[want[1]], [want[1]]]
    );
}

#[test]
fn the_log_is_kept_until_parts_and_checkpoint_cover_it() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options {
        wal_segment_bytes: 1,
        ..options()
    };
    let (tsdb, _) = open_with(dir.path(), small.clone());
    let a = tsdb.resolve(&labels("up", 1)).unwrap();
    let mut positions = Vec::new();
    for i in 0..6 {
        positions.push(tsdb.append(&batch(&[(a, T0 + i, 0.5)])).unwrap());
        tsdb.sync().unwrap();
    }
    tsdb.flush().unwrap();
    let replayed = |tsdb: &Tsdb, from| {
        let mut times = Vec::new();
        let report = tsdb.replay_from(from, |record| {
            assert_eq!((record.batch.source, record.batch.tag), (9, 4));
            times.extend(record.batch.iter().map(|(_, t_ms, _)| t_ms - T0));
        });
        (times, report.unwrap().gap)
    };
    assert_eq!(
        replayed(&tsdb, WalPosition(0)),
        (vec![0, 1, 2, 3, 4, 5], false)
    );
    assert_eq!(replayed(&tsdb, positions[2]), (vec![3, 4, 5], false));
    drop(tsdb);
    let (tsdb, _) = open_with(dir.path(), small.clone());
    assert_eq!(
        replayed(&tsdb, positions[2]),
        (vec![3, 4, 5], false),
        "nothing removed at open"
    );
    tsdb.set_checkpoint(positions[3]).unwrap();
    assert_eq!(replayed(&tsdb, positions[3]), (vec![4, 5], false));
    assert_eq!(
        replayed(&tsdb, WalPosition(0)),
        (vec![4, 5], true),
        "says that it begins later"
    );
    let position = tsdb.append(&batch(&[(a, T0 + 9, 0.5)])).unwrap();
    assert!(position > positions[5]);
    tsdb.sync().unwrap();
    tsdb.set_checkpoint(position).unwrap();
    assert_eq!(
        replayed(&tsdb, positions[3]).0,
        [9],
        "the last flush does not cover it"
    );
    tsdb.flush().unwrap();
    assert_eq!(replayed(&tsdb, position).0, [0_i64; 0]);
}

#[test]
fn a_checkpoint_that_stands_still_is_named_when_the_log_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options {
        wal_bytes_max: 20_000,
        wal_flush_bytes: 4_000,
        wal_segment_bytes: 2_000,
        ..options()
    };
    let (tsdb, _) = open_with(dir.path(), small);
    let a = tsdb.resolve(&labels("up", 1)).unwrap();
    let mut end = WalPosition(0);
    let error = (0..10_000)
        .find_map(|i| {
            let appended = tsdb.append(&batch(&[(a, T0 + i, 0.1)]));
            tsdb.sync().unwrap();
            tsdb.maintain().unwrap();
            appended.map(|position| end = position).err()
        })
        .unwrap();
    assert!(
        error
            .to_string()
            .contains("the checkpoint of the judge does not advance"),
        "{error}"
    );
    assert!(tsdb.stats().wal_bytes <= 20_000);
    assert!(tsdb.stats().wal_held_by_checkpoint_bytes > 10_000);
    tsdb.flush().unwrap();
    tsdb.set_checkpoint(end).unwrap();
    tsdb.append(&batch(&[(a, T0 - 1, 0.1)])).unwrap();
}

#[test]
fn a_store_that_is_killed_again_and_again_still_flushes() {
    let dir = tempfile::tempdir().unwrap();
    for run in 0..10 {
        let (tsdb, _) = open_with(
            dir.path(),
            Options {
                wal_flush_bytes: 1_000,
                ..options()
            },
        );
        let a = tsdb.resolve(&labels("up", 1)).unwrap();
        let rows: Vec<_> = (0..20).map(|i| (a, T0 + run * 20 + i, 0.1)).collect();
        tsdb.append(&batch(&rows)).unwrap();
        tsdb.maintain().unwrap();
        if tsdb.stats().flushes > 0 {
            return;
        }
    }
    panic!("2,000 bytes of log and no flush");
}

#[test]
fn old_parts_are_dropped_and_times_out_of_bounds_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (env, clock) = env();
    let day_ms = 24 * 3_600_000;
    let two_days = Options {
        retention_ms: 2 * day_ms,
        ..options()
    };
    let (tsdb, _) = Tsdb::open(dir.path(), two_days, env).unwrap();
    let a = tsdb.resolve(&labels("up", 1)).unwrap();
    let too_old = T0 - 3 * day_ms;
    let too_new = T0 + 3 * day_ms;
    tsdb.append(&batch(&[
        (a, too_old, 1.0),
        (a, T0, 2.0),
        (a, too_new, 3.0),
    ]))
    .unwrap();
    assert_eq!(tsdb.stats().samples_refused, 2);
    tsdb.flush().unwrap();
    clock.jump_to_ms(T0 + 10 * day_ms);
    tsdb.maintain().unwrap();
    assert_eq!(
        all(&tsdb, a).len(),
        1,
        "a clock that jumps ahead drops nothing by itself"
    );
    tsdb.append(&batch(&[(a, T0 + 10 * day_ms, 4.0)])).unwrap();
    clock.advance_ms(120_000);
    tsdb.maintain().unwrap();
    assert_eq!(all(&tsdb, a), [point(T0 + 10 * day_ms, 4.0)]);
    assert_eq!(tsdb.stats().parts, 0);
}

#[test]
fn a_second_opener_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let error = Tsdb::open(dir.path(), options(), env().0).unwrap_err();
    assert!(
        error.to_string().contains("is in use by another process"),
        "{error}"
    );
    drop(first);
    open(dir.path());
}

#[test]
fn unknown_series_and_oversized_batches_store_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let tsdb = open(dir.path());
    let a = tsdb.resolve(&labels("up", 1)).unwrap();
    let end = tsdb.end_position();
    let unknown = tsdb.append(&batch(&[(a, T0, 1.0), (SeriesId(7), T0, 1.0)]));
    assert!(matches!(unknown, Err(Error::UnknownSeries(SeriesId(7)))));
    let rows: Vec<_> = (0..100_001).map(|i| (a, T0 + i, 0.0)).collect();
    assert!(matches!(
        tsdb.append(&batch(&rows)),
        Err(Error::BatchTooLarge { .. })
    ));
    assert_eq!((tsdb.end_position(), all(&tsdb, a).len()), (end, 0));
}

#[test]
fn background_threads_make_appends_durable_and_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let background = Options {
        background: true,
        ..Options::default()
    };
    let (tsdb, _) = Tsdb::open(dir.path(), background, stdx::Env::system()).unwrap();
    let heard = Arc::new(AtomicU64::new(0));
    let listener = heard.clone();
    tsdb.on_durable(move |position| {
        listener.fetch_max(position.0, Ordering::SeqCst);
    });
    let now_ms = stdx::Env::system().clock.now_ms();
    let a = tsdb.resolve(&labels("up", 1)).unwrap();
    for i in 0..20 {
        let position = tsdb.append(&batch(&[(a, now_ms - i, 1.0)])).unwrap();
        tsdb.wait_durable(position, 60_000).unwrap();
        assert!(tsdb.durable_position() >= position);
    }
    let end = tsdb.end_position();
    drop(tsdb);
    assert_eq!(heard.load(Ordering::SeqCst), end.0);
}

#[test]
fn a_graph_is_reduced_on_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let tsdb = open(dir.path());
    let a = tsdb.resolve(&labels("up", 1)).unwrap();
    let rows: Vec<_> = (0..1_000)
        .map(|i| (a, T0 + i64::from(i) * 1_000, f64::from(i)))
        .collect();
    tsdb.append(&batch(&rows)).unwrap();
    tsdb.flush().unwrap();
    let lines = tsdb.query_reduced(&[a], T0, T0 + 999_999, 101).unwrap();
    assert_eq!(lines[0].len(), 100);
    let last = lines[0].last().unwrap();
    assert_eq!(
        (last.min, last.max, last.mean, last.count),
        (990.0, 999.0, 994.5, 10)
    );
}

#[test]
fn a_query_that_reads_too_much_is_refused_with_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let (tsdb, _) = open_with(
        dir.path(),
        Options {
            query_samples_max: 10,
            ..options()
        },
    );
    let a = tsdb.resolve(&labels("up", 1)).unwrap();
    let rows: Vec<_> = (0..11).map(|i| (a, T0 + i, 0.0)).collect();
    tsdb.append(&batch(&rows)).unwrap();
    for _ in 0..2 {
        assert!(matches!(
            tsdb.query(&[a], T0, T0 + 99),
            Err(Error::QueryTooLarge { limit: 10 })
        ));
        assert_eq!(tsdb.query(&[a], T0, T0 + 9).unwrap()[0].len(), 10);
        tsdb.flush().unwrap();
    }
}
