//! The system as a whole, and what the default rules make of a wrong clock.

use model::Severity::{Critical, Info, Major, Minor, Normal, Warning};
use proptest::prelude::*;

use super::{PLUGIN, parse};
use crate::tests::{level_of, passes, rule};
use crate::{Root, Sink, Tick};

#[test]
fn a_captured_machine_has_its_own_name_and_no_agent() {
    let sink = passes(&PLUGIN, &["rocky8"]);
    assert_eq!(sink.value("bongsu_uptime_seconds", &[]), Some(1_234_567.89));
    assert_eq!(sink.value("bongsu_filefd_used_ratio", &[]), Some(0.25));
    let uname = sink
        .samples()
        .iter()
        .map(|s| sink.series(s.series).unwrap());
    let uname = uname
        .into_iter()
        .find(|labels| labels.name() == "node_uname_info")
        .unwrap();
    assert_eq!(uname.get("nodename"), Some("was01"));
    assert_eq!(uname.get("domainname"), None);
    assert_eq!(sink.value("bongsu_agent_cpu_seconds_total", &[]), None);
    assert_eq!(sink.value("bongsu_clock_offset_seconds", &[]), None);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/system/fixtures/rocky8");
    let found = (PLUGIN.make)().discover(&Root::at(path.as_ref()).unwrap());
    assert_eq!(found[0].title, "was01");
    assert!(
        found[0]
            .attributes
            .contains(&("os", "Rocky Linux 8.9 (Green Obsidian)".to_owned()))
    );
}

#[test]
fn the_clock_offset_and_the_agents_own_cost_are_told() {
    let root = Root::live().unwrap();
    let mut system = (PLUGIN.make)();
    let mut sink = Sink::new();
    for second in [0, 10] {
        let now = Tick {
            clock_offset_s: Some(-0.25),
            now_ms: 1_000,
            mono_ns: second * 1_000_000_000,
        };
        sink.begin(&now);
        system.collect(&root, &now, &mut sink);
    }
    assert_eq!(sink.value("bongsu_clock_offset_seconds", &[]), Some(-0.25));
    assert_eq!(sink.value("node_time_seconds", &[]), Some(0.75));
    assert!(
        sink.value("bongsu_agent_resident_memory_bytes", &[])
            .unwrap()
            > 100_000.0
    );
    assert!(sink.value("bongsu_agent_cpu_ratio", &[]).is_some());
    crate::tests::check_emitted(&PLUGIN, &sink);
}

#[test]
fn default_levels_are_those_of_the_contract_in_both_directions() {
    let clock = rule(&PLUGIN, "clock-offset");
    let cases = [
        (0.05, Normal),
        (0.06, Info),
        (0.2, Warning),
        (1.5, Minor),
        (11.0, Major),
    ];
    for (value, level) in cases.into_iter().chain([(61.0, Critical)]) {
        assert_eq!(level_of(&clock, &[("offset", value)]), level, "{value}");
        assert_eq!(level_of(&clock, &[("offset", -value)]), level, "-{value}");
    }
}

#[test]
fn quotes_of_os_release_are_taken_off() {
    let file = b"NAME='A b'\nID=debian\nVERSION_ID=\"12\"\n";
    assert_eq!(parse::os_release(file, "NAME"), Some("A b"));
    assert_eq!(parse::os_release(file, "ID"), Some("debian"));
    assert_eq!(parse::os_release(file, "VERSION_ID"), Some("12"));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        parse::fuzz_system(&data);
    }
}
