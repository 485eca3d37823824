//! Flipped bits: found, named, and the rest served.

use std::fs;
use std::path::{Path, PathBuf};

use tsdb::{Options, SeriesId};

use crate::store::{T0, all, batch, labels, open, open_with, options};

/// Two parts of one day and what each holds.
fn two_parts(dir: &Path) -> Vec<PathBuf> {
    let tsdb = open(dir);
    for part in 0..2_u32 {
        let series = tsdb.resolve(&labels("up", part)).unwrap();
        let rows: Vec<_> = (0..50)
            .map(|i| (series, T0 + i64::from(i) * 1_003, f64::from(i).sqrt()))
            .collect();
        tsdb.append(&batch(&rows)).unwrap();
        tsdb.flush().unwrap();
    }
    tsdb.set_checkpoint(tsdb.end_position()).unwrap();
    drop(tsdb);
    let paths = fs::read_dir(dir.join("parts"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.collect();
    paths.sort();
    paths
}

#[test]
fn a_bit_flipped_anywhere_in_a_part_is_found_and_the_other_part_served() {
    let dir = tempfile::tempdir().unwrap();
    let parts = two_parts(dir.path());
    let sound = fs::read(&parts[0]).unwrap();
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&parts[0], &bytes).unwrap();
        // A version that is not known is refused, not repaired.
        let opened = tsdb::Tsdb::open(dir.path(), options(), crate::store::env().0);
        let Ok((tsdb, report)) = opened else {
            assert!((4..8).contains(&at), "byte {at}");
            continue;
        };
        assert_eq!(all(&tsdb, SeriesId(1)).len(), 50, "byte {at}");
        let damaged = tsdb.verify();
        let named = report.quarantined.iter().chain(&damaged);
        let named: Vec<_> = named
            .filter(|text| text.contains("0000000000000000.part"))
            .collect();
        assert_eq!(named.len(), 1, "byte {at} of {}: {named:?}", sound.len());
        let stats = tsdb.stats();
        assert_eq!(stats.quarantined.len() + stats.damaged.len(), 1);
        let lost = all(&tsdb, SeriesId(0)).len();
        assert!(
            lost == 0 || lost == 50,
            "byte {at}: a damaged block serves nothing wrong"
        );
        drop(tsdb);
        // Put everything back as it was.
        let aside = dir
            .path()
            .join("quarantine")
            .join(parts[0].file_name().unwrap());
        drop(fs::remove_file(aside));
        fs::write(&parts[0], &sound).unwrap();
    }
}

#[test]
fn a_damaged_part_is_never_merged() {
    let dir = tempfile::tempdir().unwrap();
    let parts = two_parts(dir.path());
    let mut bytes = fs::read(&parts[0]).unwrap();
    bytes[40] ^= 1;
    fs::write(&parts[0], &bytes).unwrap();
    let tsdb = open(dir.path());
    for i in 0..8 {
        tsdb.append(&batch(&[(SeriesId(1), T0 + i, 1.0)])).unwrap();
        tsdb.flush().unwrap();
    }
    tsdb.maintain().unwrap();
    tsdb.maintain().unwrap();
    let stats = tsdb.stats();
    assert!(stats.merges > 0 && stats.damaged.len() == 1, "{stats:?}");
    assert!(parts[0].exists());
    assert_eq!(all(&tsdb, SeriesId(1)).len(), 57);
}

#[test]
fn without_a_sound_manifest_the_parts_speak_for_themselves() {
    let dir = tempfile::tempdir().unwrap();
    two_parts(dir.path());
    let tsdb = open(dir.path());
    for i in 0..4 {
        tsdb.append(&batch(&[(SeriesId(0), T0 + i, 9.0)])).unwrap();
        tsdb.flush().unwrap();
    }
    tsdb.maintain().unwrap();
    let want = (all(&tsdb, SeriesId(0)), all(&tsdb, SeriesId(1)));
    drop(tsdb);
    let manifest = dir.path().join("MANIFEST");
    for content in [&b"bongsu-tsdb manifest 1\nflushed"[..], b"", b"\xFF\xFF"] {
        fs::write(&manifest, content).unwrap();
        let (tsdb, report) = open_with(dir.path(), options());
        assert!(report.manifest_rebuilt);
        assert_eq!((all(&tsdb, SeriesId(0)), all(&tsdb, SeriesId(1))), want);
    }
    fs::remove_file(&manifest).unwrap();
    let (tsdb, _) = open_with(dir.path(), options());
    assert_eq!((all(&tsdb, SeriesId(0)), all(&tsdb, SeriesId(1))), want);
}

#[test]
fn a_bit_flipped_inside_the_log_is_reported_and_the_rest_read() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options {
        wal_segment_bytes: 1,
        ..options()
    };
    let (tsdb, _) = open_with(dir.path(), small);
    let a = tsdb.resolve(&labels("up", 1)).unwrap();
    for i in 0..5 {
        tsdb.append(&batch(&[(a, T0 + i, 1.0)])).unwrap();
        tsdb.sync().unwrap();
    }
    drop(tsdb);
    let segments = fs::read_dir(dir.path().join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut segments: Vec<PathBuf> = segments.collect();
    segments.sort();
    let mut bytes = fs::read(&segments[2]).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&segments[2], &bytes).unwrap();
    let (tsdb, report) = open_with(dir.path(), options());
    assert!(report.wal_lost_bytes > 0, "{report:?}");
    assert_eq!((report.wal_samples, all(&tsdb, a).len()), (4, 4));
}
