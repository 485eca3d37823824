//! `/proc/diskstats` as numbers.

use super::Settings;
use crate::pattern::covers;
use crate::scan::{lines, text, unsigned, words};

/// The numbers of a line after its name; old kernels have 11, then 15, new ones 17.
pub const COUNTERS: usize = 17;

/// One block device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiskLine<'a> {
    /// Its name, e.g. `nvme0n1`.
    pub device: &'a str,
    /// Its numbers, in the order of the file.
    pub counters: [u64; COUNTERS],
    /// How many of them this kernel has.
    pub known: usize,
}

/// The devices that are watched: whole, not ignored, and used at least once since boot.
pub fn diskstats<'a>(
    bytes: &'a [u8],
    settings: &'a Settings,
) -> impl Iterator<Item = DiskLine<'a>> {
    lines(bytes).filter_map(disk).filter(|disk| {
        let used = disk.counters.iter().any(|&counter| counter > 0);
        used && is_whole(disk.device) && !covers(&settings.ignore_devices, disk.device)
    })
}

fn disk(line: &[u8]) -> Option<DiskLine<'_>> {
    let mut words = words(line).skip(2);
    let mut disk = DiskLine {
        device: text(words.next()?)?,
        counters: [0; COUNTERS],
        known: 0,
    };
    for (to, word) in disk.counters.iter_mut().zip(words) {
        *to = unsigned(word)?;
        disk.known += 1;
    }
    (disk.known >= 11).then_some(disk)
}

/// Whether it is a device rather than a part of one: what node_exporter leaves out by default.
#[must_use]
pub fn is_whole(device: &str) -> bool {
    let base = device.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = base.len() < device.len();
    if !numbered {
        return true;
    }
    if matches!(base, "ram" | "zram" | "loop" | "fd") {
        return false;
    }
    // sda1, vdb2, xvdc3: a letter disk with a number behind.
    let letters = ["sd", "hd", "vd", "xvd"];
    let lettered = |prefix: &str| {
        base.strip_prefix(prefix).is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase())
        })
    };
    if letters.into_iter().any(lettered) {
        return false;
    }
    // nvme0n1p2, mmcblk0p1: a numbered disk with `p` and a number behind.
    let part_of = base
        .strip_suffix('p')
        .filter(|disk| disk.ends_with(|c: char| c.is_ascii_digit()));
    !part_of.is_some_and(|disk| {
        disk.starts_with("nvme") || disk.starts_with("mmcblk") || disk.starts_with("md")
    })
}

/// The parser of this collector over arbitrary bytes: it may not panic.
pub fn fuzz_disk(data: &[u8]) {
    let settings = Settings::default();
    for disk in diskstats(data, &settings) {
        let _ = is_whole(disk.device);
    }
}
