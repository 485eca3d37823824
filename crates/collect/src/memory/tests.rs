//! Memory of other machines, and what the default rules make of it.

use model::Severity::{Critical, Info, Major, Minor, Normal, Warning};
use proptest::prelude::*;

use super::{PLUGIN, parse};
use crate::tests::{level_of, passes, rule};

#[test]
fn a_kernel_without_memavailable_is_estimated() {
    let sink = passes(&PLUGIN, &["kernel-3.10"]);
    assert_eq!(
        sink.value("node_memory_MemTotal_bytes", &[]),
        Some(8_000_000.0 * 1024.0)
    );
    assert_eq!(sink.value("node_memory_MemAvailable_bytes", &[]), None);
    // 1,000,000 free + 2,500,000 cache, buffers and slab − 500,000 shared = 3,000,000 of 8,000,000.
    assert_eq!(sink.value("bongsu_memory_used_ratio", &[]), Some(0.625));
    assert_eq!(sink.value("bongsu_swap_free_ratio", &[]), Some(0.25));
    assert_eq!(sink.value("node_vmstat_pswpout", &[]), Some(777.0));
}

#[test]
fn a_host_without_swap_has_no_swap_signal() {
    let sink = passes(&PLUGIN, &["no-swap"]);
    assert_eq!(sink.value("bongsu_swap_free_ratio", &[]), None);
    let swap = sink.statuses().iter().find(|s| s.signal == "swap").unwrap();
    assert_eq!(swap.availability.name(), "not available");
    let used = sink.value("bongsu_memory_used_ratio", &[]).unwrap();
    // 400,428 of 24,684,084 KiB.
    assert!((used - 0.0162).abs() < 1e-9, "{used}");
}

#[test]
fn default_levels_are_those_of_the_contract() {
    let used = rule(&PLUGIN, "memory-used");
    let cases = [
        (0.75, Normal),
        (0.76, Info),
        (0.86, Warning),
        (0.91, Minor),
        (0.96, Major),
    ];
    for (value, level) in cases.into_iter().chain([(0.985, Critical)]) {
        assert_eq!(level_of(&used, &[("used", value)]), level, "{value}");
    }
    let free = rule(&PLUGIN, "swap-free");
    let cases = [
        (0.705, Normal),
        (0.69, Info),
        (0.49, Warning),
        (0.29, Minor),
        (0.19, Major),
    ];
    for (value, level) in cases.into_iter().chain([(0.09, Critical)]) {
        assert_eq!(level_of(&free, &[("free", value)]), level, "{value}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        parse::fuzz_memory(&data);
    }

    #[test]
    fn arbitrary_numbers_never_panic(numbers in proptest::collection::vec(any::<u64>(), 22)) {
        let line = |(field, n): (&(&[u8], &str), &u64)| {
            format!("{} {n} kB\n", std::str::from_utf8(field.0).unwrap())
        };
        let file: String = parse::FIELDS.iter().zip(&numbers).map(line).collect();
        parse::fuzz_memory(file.as_bytes());
        parse::fuzz_memory(file.replace("MemAvailable", "Old").as_bytes());
    }
}
