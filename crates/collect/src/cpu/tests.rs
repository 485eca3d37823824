//! Processors of other machines, and what the default rules make of them.

use model::Severity::{Critical, Info, Major, Minor, Normal, Warning};
use proptest::prelude::*;

use super::{PLUGIN, parse};
use crate::tests::{level_of, passes, rule};

#[test]
fn an_old_kernel_has_no_pressure_and_says_so() {
    let sink = passes(&PLUGIN, &["centos7-a", "centos7-b"]);
    let idle = [("cpu", "1"), ("mode", "idle")];
    assert_eq!(sink.value("node_cpu_seconds_total", &idle), Some(98_120.0));
    // From a to b: 100 ticks user, 50 system, 800 idle, 50 iowait.
    assert_eq!(sink.value("bongsu_cpu_used_ratio", &[]), Some(0.15));
    assert_eq!(
        sink.value("bongsu_cpu_mode_ratio", &[("mode", "iowait")]),
        Some(0.05)
    );
    assert_eq!(sink.value("bongsu_cpu_core_used_ratio_max", &[]), Some(0.2));
    assert_eq!(sink.value("bongsu_load_per_cpu", &[]), Some(1.5));
    let pressure = sink
        .statuses()
        .iter()
        .find(|s| s.signal == "pressure")
        .unwrap();
    assert_eq!(pressure.availability.name(), "not available");
    assert_eq!(
        sink.value("node_pressure_cpu_waiting_seconds_total", &[]),
        None
    );
}

#[test]
fn the_first_pass_has_no_shares_and_a_cpu_that_went_away_spoils_none() {
    let sink = passes(&PLUGIN, &["centos7-a"]);
    assert_eq!(sink.value("bongsu_cpu_used_ratio", &[]), None);
    let sink = passes(&PLUGIN, &["centos7-a", "many-core"]);
    assert_eq!(sink.value("bongsu_cpu_core_used_ratio_max", &[]), None);
}

#[test]
fn a_machine_of_many_cores_is_read_whole() {
    let sink = passes(&PLUGIN, &["many-core"]);
    let last = [("cpu", "127"), ("mode", "user")];
    assert!(sink.value("node_cpu_seconds_total", &last).is_some());
    assert_eq!(
        sink.value("node_pressure_io_stalled_seconds_total", &[]),
        Some(1.5)
    );
    assert_eq!(
        sink.value("bongsu_pressure_waiting_ratio", &[("resource", "io")]),
        Some(0.1225)
    );
    assert_eq!(sink.value("node_forks_total", &[]), Some(1_234_567.0));
}

#[test]
fn default_levels_are_those_of_the_contract() {
    let used = rule(&PLUGIN, "cpu-used");
    for (value, level) in [
        (0.70, Normal),
        (0.71, Info),
        (0.81, Warning),
        (0.91, Minor),
        (0.96, Major),
        (0.99, Critical),
    ] {
        assert_eq!(level_of(&used, &[("used", value)]), level, "{value}");
    }
    assert!(used.levels.iter().all(|level| level.duration.ms == 300_000));
    let load = rule(&PLUGIN, "load-per-cpu");
    for (value, level) in [
        (1.0, Normal),
        (1.1, Info),
        (1.6, Warning),
        (2.1, Minor),
        (4.1, Major),
        (8.1, Critical),
    ] {
        assert_eq!(level_of(&load, &[("load", value)]), level, "{value}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        parse::fuzz_cpu(&data);
    }

    #[test]
    fn damaged_files_never_panic(cut in 0..3_000_usize, at in 0..3_000_usize, byte: u8) {
        let file = include_bytes!("fixtures/centos7-a/proc/stat");
        let mut data = file[..cut.min(file.len())].to_vec();
        if let Some(slot) = data.get_mut(at) {
            *slot = byte;
        }
        parse::fuzz_cpu(&data);
    }
}
