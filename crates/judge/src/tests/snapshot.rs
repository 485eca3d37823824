//! The snapshot file: its golden bytes, its size, what it refuses, and pairs that come back late.

use std::sync::Arc;

use model::{CiId, RuleId, Severity, Target, TargetKind};

use super::values::disk_rule;
use crate::{
    BOARD_GROUPS_MAX, Engine, Event, HostIx, HostSpec, PairIx, PairSpec, Sample, Snapshot,
    SnapshotError, WalPosition, compile, host_key, pair_key,
};

const START_MS: i64 = 1_700_000_000_000;

fn target(key: &str) -> Target {
    Target {
        ci: CiId::from_bits(7),
        kind: TargetKind::new("filesystem"),
        key: key.into(),
    }
}

fn add(engine: &mut Engine, host: HostIx, key: &str) -> PairIx {
    engine.add_pair(PairSpec {
        key: pair_key(RuleId::from_bits(1), &target(key)),
        host,
        group: 2,
        program: Arc::new(compile(&disk_rule()).unwrap()),
    })
}

/// A host with three file systems: one quiet, one pending, one critical.
fn engine() -> Engine {
    let mut engine = Engine::new();
    let host = engine.add_host(HostSpec {
        key: host_key(CiId::from_bits(7)),
        interval_ms: 10_000,
    });
    for (number, key) in (0_u32..).zip(["/", "/var", "/home"]) {
        let pair = add(&mut engine, host, key);
        // Signals in the order of their names: free, used.
        engine.bind(number * 2, pair, 0);
        engine.bind(number * 2 + 1, pair, 1);
    }
    let mut events = Vec::new();
    for round in 0..4 {
        let at_ms = START_MS + round * 10_000;
        let values = [90e9, 0.5, 1e9, 0.97, 1e9, 0.99];
        let samples: Vec<Sample> = (0..)
            .zip(values)
            .map(|(series, value)| Sample {
                series,
                at_ms,
                value,
            })
            .collect();
        engine.ingest(host, &samples, i64::MAX, &mut events);
    }
    let opened = events
        .iter()
        .filter(|event| matches!(event, Event::Fired(_)));
    assert_eq!(opened.count(), 1);
    engine
}

fn hex(bytes: &[u8]) -> String {
    let lines = bytes.chunks(32).map(|chunk| {
        let line: String = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        line + "\n"
    });
    lines.collect()
}

#[test]
fn the_golden_snapshot_is_written_and_read() {
    let position = WalPosition {
        segment: 12,
        offset: 3_456,
    };
    let bytes = engine().snapshot(position, START_MS + 35_000);
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/tests/golden/snapshot-1.hex"
    );
    if std::env::var_os(super::cases::UPDATE).is_some() {
        std::fs::write(path, hex(&bytes)).unwrap();
    }
    assert_eq!(hex(&bytes), std::fs::read_to_string(path).unwrap());
    let snapshot = Snapshot::decode(&bytes).unwrap();
    assert_eq!(
        (snapshot.wal, snapshot.taken_ms),
        (position, START_MS + 35_000)
    );
    let critical = &snapshot.pairs[&pair_key(RuleId::from_bits(1), &target("/home"))];
    assert_eq!(critical.state().severity(), Severity::Critical);
    assert_eq!(critical.state().last_ms(), Some(START_MS + 30_000));
}

#[test]
fn a_pair_takes_at_most_64_bytes() {
    let engine = engine();
    let bytes = engine.snapshot(WalPosition::default(), START_MS + 35_000);
    let per_pair = (bytes.len() - 48 - 4 - 13) / 3;
    assert!(per_pair <= 64, "{per_pair} bytes a pair");
}

#[test]
fn other_files_and_versions_are_refused_by_name() {
    let bytes = engine().snapshot(WalPosition::default(), START_MS);
    assert_eq!(Snapshot::decode(b"hello"), Err(SnapshotError::Magic));
    let mut newer = bytes.clone();
    newer[8] = 9;
    assert_eq!(
        Snapshot::decode(&newer).unwrap_err().to_string(),
        "judge snapshot version 9 is not known; this program reads version 1"
    );
    let mut damaged = bytes;
    damaged[60] ^= 1;
    let error = Snapshot::decode(&damaged).unwrap_err();
    assert!(matches!(error, SnapshotError::Checksum { .. }), "{error}");
}

#[test]
fn a_pair_that_comes_back_late_finds_its_state_even_after_two_restarts() {
    let first = engine().snapshot(WalPosition::default(), START_MS + 35_000);
    let mut second = Engine::new();
    second.restore(Snapshot::decode(&first).unwrap());
    assert_eq!(second.waiting_count(), 3);
    let bytes = second.snapshot(WalPosition::default(), START_MS + 60_000);

    let mut third = Engine::new();
    third.restore(Snapshot::decode(&bytes).unwrap());
    let host = third.add_host(HostSpec {
        key: host_key(CiId::from_bits(7)),
        interval_ms: 10_000,
    });
    let pair = add(&mut third, host, "/home");
    assert_eq!(
        third.pair(pair).unwrap().state.severity(),
        Severity::Critical
    );
    assert_eq!(third.forget_waiting(START_MS + 30_000), 0);
    assert_eq!(third.forget_waiting(START_MS + 30_001), 2);
}

#[test]
fn removal_frees_numbers_and_says_what_was_open() {
    let mut engine = engine();
    let host = HostIx(0);
    let before = engine.board().generation();
    assert_eq!(engine.board().row(0).unwrap()[2], Severity::Critical.code());
    let pairs = engine.pairs_of(host);
    assert_eq!(engine.remove_pair(pairs[2]), Some(Severity::Critical));
    assert_eq!(engine.remove_pair(pairs[2]), None);
    assert_eq!(engine.board().row(0).unwrap()[2], Severity::Normal.code());
    let changes = engine.board().changes_since(before).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].host, changes[0].group, changes[0].cell),
        (0, 2, 0)
    );

    let again = add(&mut engine, host, "/srv");
    assert_eq!(again, pairs[2]);
    let mut events = Vec::new();
    let sample = Sample {
        series: 5,
        at_ms: START_MS + 90_000,
        value: 0.99,
    };
    engine.ingest(host, &[sample], i64::MAX, &mut events);
    assert!(events.is_empty(), "the old binding is gone: {events:?}");

    assert_eq!(engine.remove_host(host), []);
    assert_eq!(engine.pair_count(), 0);
    let unregistered = [7; BOARD_GROUPS_MAX];
    assert_eq!(engine.board().row(0).unwrap(), unregistered);
    assert_eq!(
        engine
            .board()
            .changes_since(engine.board().generation() + 1),
        None
    );
}

#[test]
fn a_series_given_to_another_thing_no_longer_feeds_the_old_pair() {
    let mut engine = engine();
    engine.unbind_series(5);
    engine.unbind_series(4);
    let mut events = Vec::new();
    let samples = [4, 5].map(|series| Sample {
        series,
        at_ms: START_MS + 90_000,
        value: 0.0,
    });
    engine.ingest(HostIx(0), &samples, i64::MAX, &mut events);
    assert!(events.is_empty());
    let evaluations = engine.counters().evaluations;
    assert_eq!(evaluations, 12);
}
