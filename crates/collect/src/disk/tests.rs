//! Disks of other machines, and what the default rules make of slow ones.

use model::Severity::{Critical, Info, Major, Minor, Normal, Warning};
use proptest::prelude::*;

use super::{PLUGIN, parse};
use crate::tests::{level_of, passes, rule};

#[test]
fn whole_devices_are_told_from_parts() {
    for whole in [
        "sda", "vda", "xvdf", "nvme0n1", "dm-0", "md127", "sr0", "mmcblk0", "nbd3",
    ] {
        assert!(parse::is_whole(whole), "{whole}");
    }
    for part in [
        "sda1",
        "vdb12",
        "xvda1",
        "nvme0n1p2",
        "mmcblk0p1",
        "md127p1",
        "loop7",
        "zram0",
        "fd0",
    ] {
        assert!(!parse::is_whole(part), "{part}");
    }
}

#[test]
fn waiting_and_busy_time_come_from_two_passes() {
    let sink = passes(&PLUGIN, &["mixed-a", "mixed-b"]);
    let dm = [("device", "dm-0")];
    // 10 reads in 50 ms and 40 writes in 950 ms: 20 ms each; busy 2.5 of 10 seconds.
    let value = |metric, labels: &[(&str, &str)]| sink.value(metric, labels).unwrap();
    assert!((value("bongsu_disk_await_seconds", &dm) - 0.02).abs() < 1e-12);
    assert!((value("bongsu_disk_busy_ratio", &dm) - 0.25).abs() < 1e-12);
    assert!((value("bongsu_disk_written_bytes_per_second", &dm) - 40_960.0).abs() < 1e-9);
    // No request since: waits for nothing.
    assert_eq!(
        value("bongsu_disk_await_seconds", &[("device", "nvme0n1")]),
        0.0
    );
    // Counters that began anew give no speed.
    assert_eq!(
        sink.value("bongsu_disk_busy_ratio", &[("device", "md127")]),
        None
    );
    assert_eq!(
        sink.value("node_disk_reads_completed_total", &[("device", "sda1")]),
        None
    );
    assert_eq!(
        sink.value("node_disk_reads_completed_total", &[("device", "sr0")]),
        None
    );
    let flushes = [("device", "nvme0n1")];
    assert_eq!(value("node_disk_flush_requests_total", &flushes), 9_876.0);
    assert_eq!(sink.value("node_disk_flush_requests_total", &dm), None);
}

#[test]
fn default_levels_are_those_of_the_contract() {
    let slow = rule(&PLUGIN, "disk-await");
    let cases = [
        (0.010, Normal),
        (0.011, Info),
        (0.021, Warning),
        (0.051, Minor),
        (0.11, Major),
    ];
    for (value, level) in cases.into_iter().chain([(0.51, Critical)]) {
        assert_eq!(level_of(&slow, &[("await", value)]), level, "{value}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        parse::fuzz_disk(&data);
    }

    #[test]
    fn damaged_files_never_panic(cut in 0..2_000_usize, at in 0..2_000_usize, byte: u8) {
        let file = include_bytes!("fixtures/mixed-a/proc/diskstats");
        let mut data = file[..cut.min(file.len())].to_vec();
        if let Some(slot) = data.get_mut(at) {
            *slot = byte;
        }
        parse::fuzz_disk(&data);
    }
}
