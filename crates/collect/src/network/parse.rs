//! `/proc/net/dev` as numbers.

use super::Settings;
use crate::pattern::covers;
use crate::scan::{lines, text, unsigned, words};

/// The numbers of a line: eight received, eight sent.
pub const COUNTERS: usize = 16;

/// One interface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetLine<'a> {
    /// Its name, e.g. `bond0.100`.
    pub device: &'a str,
    /// Its numbers, in the order of the file.
    pub counters: [u64; COUNTERS],
}

/// The interfaces that are watched.
pub fn net_dev<'a>(bytes: &'a [u8], settings: &'a Settings) -> impl Iterator<Item = NetLine<'a>> {
    lines(bytes)
        .filter_map(interface)
        .filter(|line| !covers(&settings.ignore_interfaces, line.device))
}

/// `  eth0: 1 2 3 …`; old kernels put no space behind the colon, and aliases contain colons.
fn interface(line: &[u8]) -> Option<NetLine<'_>> {
    let colon = line.iter().rposition(|&byte| byte == b':')?;
    let (name, rest) = line.split_at_checked(colon)?;
    let device = text(name.trim_ascii())?;
    let mut counters = [0; COUNTERS];
    let mut words = words(rest.strip_prefix(b":")?);
    for to in &mut counters {
        *to = unsigned(words.next()?)?;
    }
    (!device.is_empty()).then_some(NetLine { device, counters })
}

/// The parser of this collector over arbitrary bytes: it may not panic.
pub fn fuzz_network(data: &[u8]) {
    let _ = net_dev(data, &Settings::default()).count();
}
