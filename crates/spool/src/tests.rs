//! The queue under restarts, kills at any byte, full folders, damage and any order of operations.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use stdx::SeededEntropy;

use super::*;

fn options(dir: &Path, max_bytes: u64) -> SpoolOptions {
    SpoolOptions {
        max_bytes,
        fsync: Fsync::Never,
        ..SpoolOptions::new(dir.to_owned())
    }
}

fn open(dir: &Path, max_bytes: u64) -> Spool {
    Spool::open(options(dir, max_bytes), &SeededEntropy::new(1)).unwrap()
}

/// Everything that would be sent: numbers and bytes of what is not done.
fn pending(spool: &Spool) -> Vec<(u64, Vec<u8>)> {
    let (mut list, mut after, mut payload) = (Vec::new(), 0, Vec::new());
    while let Some(mut reader) = spool.reader_after(after, u64::MAX).unwrap() {
        after = reader.first();
        while let Some(record) = reader.next(&mut payload).unwrap() {
            if !spool.is_done(record.seq) {
                list.push((record.seq, payload.clone()));
            }
        }
    }
    list
}

fn newest_segment(dir: &Path) -> std::path::PathBuf {
    let files = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "seg"))
        .max()
        .unwrap()
}

#[test]
fn records_come_back_after_a_restart_and_numbers_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 1 << 20);
    let queue = spool.queue();
    assert_eq!(
        spool.slot().unwrap(),
        Slot {
            seq: 1,
            fresh: true
        }
    );
    assert_eq!(spool.append(10, b"one").unwrap(), 1);
    assert_eq!(
        spool.slot().unwrap(),
        Slot {
            seq: 2,
            fresh: false
        }
    );
    assert_eq!(spool.append(20, b"two").unwrap(), 2);
    spool.ack(1);
    spool.set_store("here");
    drop(spool);
    let mut spool = open(dir.path(), 1 << 20);
    assert_eq!((spool.queue(), spool.store()), (queue, "here"));
    assert_eq!(pending(&spool), [(2, b"two".to_vec())]);
    let slot = spool.slot().unwrap();
    assert!(slot.fresh && slot.seq > 2);
    let third = spool.append(30, b"three").unwrap();
    assert_eq!(
        pending(&spool),
        [(2, b"two".to_vec()), (third, b"three".to_vec())]
    );
    spool.ack(2);
    spool.ack(third);
    assert_eq!(spool.done_through(), spool.newest());
    assert!(spool.gaps().is_empty());
}

#[test]
fn live_acknowledgements_do_not_wait_for_the_backlog() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 1 << 20);
    for n in 1..=5 {
        spool.append(n, &[n as u8]).unwrap();
    }
    spool.ack(5);
    spool.ack(3);
    drop(spool);
    let mut spool = open(dir.path(), 1 << 20);
    let seqs: Vec<u64> = pending(&spool).iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, [1, 2, 4]);
    seqs.iter().for_each(|&seq| spool.ack(seq));
    assert!(spool.done_through() >= 5);
}

#[test]
fn a_kill_at_any_byte_loses_only_the_record_being_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 1 << 20);
    for n in 1..=3_i64 {
        spool.append(n, &[n as u8; 40]).unwrap();
    }
    drop(spool);
    let path = newest_segment(dir.path());
    let whole = fs::read(&path).unwrap();
    let cursor = fs::read(dir.path().join("cursor")).unwrap();
    for len in 0..=whole.len() {
        for file in fs::read_dir(dir.path()).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        fs::write(&path, &whole[..len]).unwrap();
        fs::write(dir.path().join("cursor"), &cursor).unwrap();
        let mut spool = open(dir.path(), 1 << 20);
        let records = len.saturating_sub(segment::HEADER_BYTES) / (16 + 40);
        let expected: Vec<(u64, Vec<u8>)> = (1..=records as u64)
            .map(|n| (n, vec![n as u8; 40]))
            .collect();
        assert_eq!(pending(&spool), expected, "cut at byte {len}");
        let next = spool.append(9, b"after").unwrap();
        assert!(next > records as u64);
        assert_eq!(pending(&spool).len(), records + 1, "cut at byte {len}");
    }
}

#[test]
fn the_oldest_goes_first_and_the_gap_is_kept_until_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 64 * 1024);
    for n in 0..200_i64 {
        spool.append(n * 10, &[0; 1_000]).unwrap();
        assert!(spool.bytes() <= 64 * 1024);
    }
    let gaps = spool.gaps().to_vec();
    let first_left = pending(&spool)[0].0;
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0].from_seq, gaps[0].to_seq), (1, first_left - 1));
    assert_eq!((gaps[0].from_ms, gaps[0].reason), (0, Reason::QueueFull));
    assert_eq!(spool.done_through(), first_left - 1);
    drop(spool);
    let mut spool = open(dir.path(), 64 * 1024);
    assert_eq!(spool.gaps(), gaps);
    spool.gap_told(gaps[0].to_seq);
    drop(spool);
    assert!(open(dir.path(), 64 * 1024).gaps().is_empty());
}

#[test]
fn acknowledged_records_leave_no_gap_and_are_kept_for_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 64 * 1024);
    for n in 0..500_i64 {
        let seq = spool.append(n * 10_000, &[7; 500]).unwrap();
        spool.ack(seq);
    }
    assert!(spool.gaps().is_empty());
    assert!(pending(&spool).is_empty());
    spool.offer_again();
    let again = pending(&spool);
    // Fifteen minutes are 90 records of ten seconds.
    assert!(again.len() >= 90, "{}", again.len());
    assert_eq!(again.last().unwrap().0, spool.newest());
}

#[test]
fn damage_becomes_a_gap_and_the_rest_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 64 * 1024);
    for n in 1..=20_i64 {
        spool.append(n, &[n as u8; 1_000]).unwrap();
    }
    drop(spool);
    let first = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let first = first
        .filter(|path| path.extension().is_some_and(|e| e == "seg"))
        .min()
        .unwrap();
    let mut bytes = fs::read(&first).unwrap();
    bytes[segment::HEADER_BYTES + 1_016 + 100] ^= 0x40;
    fs::write(&first, bytes).unwrap();
    let spool = open(dir.path(), 64 * 1024);
    let seqs: Vec<u64> = pending(&spool).iter().map(|(seq, _)| *seq).collect();
    let gap = spool.gaps()[0];
    assert_eq!((gap.from_seq, gap.reason), (2, Reason::Damaged));
    assert_eq!(seqs[0], 1);
    assert_eq!(seqs[1], gap.to_seq + 1);
    assert_eq!(*seqs.last().unwrap(), 20);
}

#[test]
fn without_its_cursor_everything_is_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 1 << 20);
    let queue = spool.queue();
    for n in 1..=3_i64 {
        let seq = spool.append(n, b"x").unwrap();
        spool.ack(seq);
    }
    drop(spool);
    fs::write(dir.path().join("cursor"), [0xAA; 100]).unwrap();
    let spool = Spool::open(options(dir.path(), 1 << 20), &SeededEntropy::new(99)).unwrap();
    assert_eq!(spool.queue(), queue);
    assert_eq!(pending(&spool).len(), 3);
    assert!(spool.gaps().is_empty());
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 1 << 20);
    spool.append(1, b"x").unwrap();
    drop(spool);
    let path = newest_segment(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 9;
    fs::write(&path, bytes).unwrap();
    let error = Spool::open(options(dir.path(), 1 << 20), &SeededEntropy::new(1)).unwrap_err();
    assert!(
        error.to_string().contains("newer version (format 9)"),
        "{error}"
    );
}

#[test]
fn the_bytes_of_a_segment_do_not_change() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 1 << 20);
    spool.append(1_700_000_000_000, b"payload").unwrap();
    drop(spool);
    let bytes = fs::read(newest_segment(dir.path())).unwrap();
    assert_eq!(bytes[..10], *b"BONGSUSP\x01\x00");
    assert_eq!(bytes.len(), segment::HEADER_BYTES + 16 + 7);
    assert_eq!(crc32fast::hash(&bytes), GOLDEN_CRC);
}

const GOLDEN_CRC: u32 = 1_566_490_905;

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    AckOldest,
    AckNewest,
    Skip,
    Tell,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_usize..600).prop_map(Step::Append),
        2 => Just(Step::AckOldest),
        2 => Just(Step::AckNewest),
        1 => Just(Step::Skip),
        1 => Just(Step::Tell),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    /// Every record is pending, acknowledged, in a gap that was or will be told: never just gone.
    #[test]
    fn no_record_is_ever_just_gone(steps in prop::collection::vec(step(), 1..300)) {
        let dir = tempfile::tempdir().unwrap();
        let max_bytes = 64 * 1024;
        let mut spool = open(dir.path(), max_bytes);
        let (mut given, mut acked) = (Vec::new(), Vec::new());
        let mut told: Vec<Gap> = Vec::new();
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append(len) => {
                    let seq = spool.append(n as i64, &vec![n as u8; len]).unwrap();
                    prop_assert!(given.last().is_none_or(|&(last, _)| seq > last));
                    given.push((seq, n as u8));
                }
                Step::AckOldest => {
                    if let Some((seq, _)) = pending(&spool).first() {
                        spool.ack(*seq);
                        acked.push(*seq);
                    }
                }
                Step::AckNewest => {
                    if let Some(&(seq, _)) = given.last() {
                        spool.ack(seq);
                        acked.push(seq);
                    }
                }
                Step::Skip => {
                    let seq = spool.skip();
                    spool.lost(seq, n as i64, Reason::DiskFull);
                }
                Step::Tell => {
                    if let Some(&gap) = spool.gaps().first() {
                        told.push(gap);
                        spool.gap_told(gap.to_seq);
                    }
                }
                Step::Reopen => {
                    drop(spool);
                    spool = open(dir.path(), max_bytes);
                }
            }
            prop_assert!(spool.bytes() <= max_bytes);
        }
        let left = pending(&spool);
        let gaps: Vec<Gap> = told.iter().chain(spool.gaps()).copied().collect();
        for (seq, byte) in given {
            let pending = left.iter().find(|(s, _)| *s == seq);
            if let Some((_, payload)) = pending {
                prop_assert!(payload.iter().all(|&b| b == byte));
            }
            let lost = gaps.iter().any(|gap| (gap.from_seq..=gap.to_seq).contains(&seq));
            prop_assert!(pending.is_some() || acked.contains(&seq) || lost, "{seq} is gone");
        }
    }
}
