//! Readers of files answer any bytes: random ones, and sound files with some bytes changed.

use std::fs;

use proptest::prelude::*;
use tsdb::fuzz::{fuzz_part, fuzz_part_blocks, fuzz_wal_record};

use crate::store::{T0, batch, labels, open};

/// A sound segment of the log and a sound part.
fn samples_of_files() -> (Vec<u8>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let tsdb = open(dir.path());
    for host in 0..3 {
        let series = tsdb.resolve(&labels("up", host)).unwrap();
        let rows: Vec<_> = (0..40)
            .map(|i| (series, T0 + i64::from(i * i), f64::from(i)))
            .collect();
        tsdb.append(&batch(&rows)).unwrap();
    }
    tsdb.flush().unwrap();
    tsdb.sync().unwrap();
    let only = |name: &str| {
        let mut files = fs::read_dir(dir.path().join(name)).unwrap();
        fs::read(files.next().unwrap().unwrap().path()).unwrap()
    };
    (only("wal"), only("parts"))
}

fn changed(bytes: &[u8], changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, value) in changes {
        let at = at.index(bytes.len());
        bytes[at] = *value;
    }
    bytes
}

proptest! {
    #[test]
    fn random_bytes_are_answered(data in prop::collection::vec(any::<u8>(), 0..400)) {
        let dir = tempfile::tempdir().unwrap();
        fuzz_wal_record(&data);
        fuzz_part_blocks(&data);
        fuzz_part(&dir.path().join("x"), &data).unwrap();
    }
}

#[test]
fn changed_files_are_answered() {
    let (log, part) = samples_of_files();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
    let mut runner = proptest::test_runner::TestRunner::default();
    let outcome = runner.run(
        &(changes, any::<prop::sample::Index>()),
        |(changes, cut)| {
            let log = changed(&log, &changes);
            // Behind the 28 bytes of the header stand frames; behind the 8 bytes of a frame its payload.
            fuzz_wal_record(&log[28..]);
            fuzz_wal_record(&log[36..]);
            let part = changed(&part, &changes);
            fuzz_part_blocks(&part[8..]);
            fuzz_part_blocks(&part[cut.index(part.len())..]);
            fuzz_part(&path, &part)?;
            fuzz_part(&path, &part[..cut.index(part.len())])?;
            Ok(())
        },
    );
    outcome.unwrap();
}
