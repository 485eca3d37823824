//! Mounts of other machines, and what the default rules make of full ones.

use model::Severity::{Critical, Info, Major, Minor, Normal, Warning};
use proptest::prelude::*;

use super::{PLUGIN, Settings, parse};
use crate::Root;
use crate::tests::{level_of, rule};

const MANY: &[u8] = include_bytes!("fixtures/many/proc/self/mountinfo");

#[test]
fn pseudo_bind_and_ignored_mounts_are_left_out() {
    let mounts = parse::mounts(MANY, &Settings::default());
    let seen: Vec<_> = mounts
        .iter()
        .map(|m| (m.mount_point.as_str(), m.fs_type.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("/", "xfs"),
            ("/tmp", "tmpfs"),
            ("/boot", "ext4"),
            ("/mnt/ro", "xfs"),
            ("/mnt/nfs", "nfs4"),
            ("/data disk", "ext4"),
        ]
    );
    assert!(
        mounts
            .iter()
            .find(|m| m.mount_point == "/mnt/ro")
            .unwrap()
            .read_only
    );
    let nfs = mounts.iter().find(|m| m.fs_type == "nfs4").unwrap();
    assert_eq!(nfs.device, "nas01:/export/home");
}

#[test]
fn settings_leave_out_more() {
    let settings = Settings {
        ignore_types: vec!["nfs4".into()],
        ..Settings::default()
    };
    let mounts = parse::mounts(MANY, &settings);
    assert!(mounts.iter().all(|mount| mount.fs_type != "nfs4"));
}

#[test]
fn file_systems_are_discovered_with_their_device() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/filesystem/fixtures/many");
    let found = (PLUGIN.make)().discover(&Root::at(path.as_ref()).unwrap());
    let disk = found
        .iter()
        .find(|found| found.key == "/data disk")
        .unwrap();
    assert_eq!(
        disk.attributes[0],
        ("device", "/dev/mapper/vg-data".to_owned())
    );
}

#[test]
fn default_levels_are_those_of_the_contract() {
    const GIB: f64 = 1_073_741_824.0;
    const NEVER: f64 = super::trend::NEVER_S;
    let used = rule(&PLUGIN, "disk-used");
    for (share, free_gib, full_s, level) in [
        (0.70, 100.0, NEVER, Normal),
        (0.71, 100.0, NEVER, Info),
        (0.99, 100.0, NEVER, Info),
        (0.81, 19.0, NEVER, Warning),
        (0.91, 9.0, NEVER, Minor),
        (0.96, 4.0, NEVER, Major),
        (0.99, 1.0, NEVER, Critical),
        (0.50, 1.0, NEVER, Normal),
        (0.50, 500.0, 6.0 * 86_400.0, Warning),
        (0.50, 500.0, 23.0 * 3_600.0, Minor),
        (0.50, 500.0, 7.0 * 3_600.0, Major),
        (0.50, 500.0, 3_600.0, Critical),
    ] {
        let signals = [("used", share), ("free", free_gib * GIB), ("full", full_s)];
        assert_eq!(level_of(&used, &signals), level, "{signals:?}");
    }
    let free = rule(&PLUGIN, "inodes-free");
    let cases = [
        (0.305, Normal),
        (0.29, Info),
        (0.19, Warning),
        (0.09, Minor),
        (0.04, Major),
    ];
    for (value, level) in cases.into_iter().chain([(0.01, Critical)]) {
        assert_eq!(level_of(&free, &[("free", value)]), level, "{value}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        parse::fuzz_filesystem(&data);
    }

    #[test]
    fn damaged_files_never_panic(cut in 0..3_000_usize, at in 0..3_000_usize, byte: u8) {
        let mut data = MANY[..cut.min(MANY.len())].to_vec();
        if let Some(slot) = data.get_mut(at) {
            *slot = byte;
        }
        parse::fuzz_filesystem(&data);
    }
}
