//! Interfaces of other machines, and what the default rules make of bad ones.

use model::Severity::{Info, Minor, Normal, Warning};
use proptest::prelude::*;

use super::{PLUGIN, parse};
use crate::Root;
use crate::tests::{level_of, passes, rule};

#[test]
fn bonds_vlans_and_the_words_of_old_kernels_are_read() {
    let sink = passes(&PLUGIN, &["bond-a", "bond-b"]);
    let value = |metric, device| sink.value(metric, &[("device", device)]);
    assert_eq!(
        value("node_network_receive_bytes_total", "bond0.100"),
        Some(5_000.0)
    );
    assert_eq!(
        value("bongsu_network_receive_bytes_per_second", "bond0"),
        Some(1_000_000.0)
    );
    assert_eq!(
        value("bongsu_network_transmit_bytes_per_second", "bond0"),
        Some(62_500_000.0)
    );
    // 2 × 10 Gbit/s are 2.5e9 bytes per second.
    assert_eq!(value("node_network_speed_bytes", "bond0"), Some(2.5e9));
    assert_eq!(value("bongsu_network_used_ratio", "bond0"), Some(0.025));
    // 90 good packets and 10 with errors.
    assert_eq!(value("bongsu_network_error_ratio", "eth0"), Some(0.1));
    assert_eq!(value("node_network_up", "eth0"), Some(1.0));
    assert_eq!(value("node_network_up", "eth1"), Some(0.0));
    assert_eq!(value("node_network_speed_bytes", "eth1"), None);
    assert_eq!(value("node_network_receive_bytes_total", "veth12ab"), None);
}

#[test]
fn interfaces_are_discovered_without_loopback() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/network/fixtures/bond-a");
    let found = (PLUGIN.make)().discover(&Root::at(path.as_ref()).unwrap());
    let names: Vec<_> = found.iter().map(|found| found.key.as_str()).collect();
    assert_eq!(names, ["eth0", "eth1", "bond0", "bond0.100"]);
    let bond = &found[2];
    assert!(
        bond.attributes
            .contains(&("bond_slaves", "eth0 eth1".to_owned()))
    );
}

#[test]
fn default_levels_colour_the_board_and_page_nobody() {
    let errors = rule(&PLUGIN, "network-errors");
    for (value, level) in [(0.0, Normal), (0.002, Info), (0.02, Warning), (0.06, Minor)] {
        assert_eq!(level_of(&errors, &[("errors", value)]), level, "{value}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        parse::fuzz_network(&data);
    }

    #[test]
    fn damaged_files_never_panic(cut in 0..2_000_usize, at in 0..2_000_usize, byte: u8) {
        let file = include_bytes!("fixtures/bond-a/proc/net/dev");
        let mut data = file[..cut.min(file.len())].to_vec();
        if let Some(slot) = data.get_mut(at) {
            *slot = byte;
        }
        parse::fuzz_network(&data);
    }
}
