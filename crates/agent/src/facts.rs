//! What this host is: names, system, size, addresses; read from files that everybody may read.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Addresses that are told; hosts with thousands (container bridges) tell the first.
const ADDRESSES_MAX: usize = 64;

/// Reads the facts below `root`, usually `/`. What cannot be read is left empty.
pub(crate) fn read(root: &Path) -> wire::Facts {
    let text = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let os_release = match text("etc/os-release") {
        found if found.is_empty() => text("usr/lib/os-release"),
        found => found,
    };
    let uname = rustix::system::uname();
    let plain = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let stat = text("proc/stat");
    wire::Facts {
        hostname: plain(uname.nodename()),
        machine_id: text("etc/machine-id").trim().to_owned(),
        os_id: release_value(&os_release, "ID"),
        os_name: release_value(&os_release, "PRETTY_NAME"),
        os_version: release_value(&os_release, "VERSION_ID"),
        kernel: plain(uname.release()),
        arch: plain(uname.machine()),
        cpus: cpus(&stat),
        memory_bytes: memory_bytes(&text("proc/meminfo")),
        addresses: addresses(&text("proc/net/fib_trie"), &text("proc/net/if_inet6")),
        booted_s: word_after(&stat, "btime").unwrap_or(0),
    }
}

/// The kernel's boot id; empty where there is none.
pub(crate) fn boot_id(root: &Path) -> String {
    let path = root.join("proc/sys/kernel/random/boot_id");
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn release_value(text: &str, key: &str) -> String {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    line.unwrap_or_default()
        .trim_matches(['"', '\''])
        .to_owned()
}

fn cpus(stat: &str) -> u32 {
    let is_cpu = |line: &&str| {
        let rest = line.strip_prefix("cpu").unwrap_or_default();
        rest.starts_with(|c: char| c.is_ascii_digit())
    };
    u32::try_from(stat.lines().filter(is_cpu).count()).unwrap_or(0)
}

fn word_after<T: std::str::FromStr>(text: &str, key: &str) -> Option<T> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

fn memory_bytes(meminfo: &str) -> u64 {
    word_after::<u64>(meminfo, "MemTotal:").unwrap_or(0) * 1024
}

/// Local IPv4 addresses stand above `/32 host LOCAL`; IPv6 ones are listed with their scope.
fn addresses(fib_trie: &str, if_inet6: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut last = "";
    for line in fib_trie.lines() {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address;
        } else if line == "/32 host LOCAL" && !last.starts_with("127.") {
            found.insert(last.to_owned());
        }
    }
    for line in if_inet6.lines() {
        let mut words = line.split_whitespace();
        let (Some(digits), Some(scope)) = (words.next(), words.nth(2)) else {
            continue;
        };
        // Scope 00 is global; 10 is the loopback, 20 the link.
        if scope == "00"
            && let Ok(bits) = u128::from_str_radix(digits, 16)
        {
            found.insert(std::net::Ipv6Addr::from_bits(bits).to_string());
        }
    }
    found.into_iter().take(ADDRESSES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_host_become_facts() {
        let release = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_ID=\"12\"\n";
        assert_eq!(release_value(release, "ID"), "debian");
        assert_eq!(release_value(release, "PRETTY_NAME"), "Debian GNU/Linux 12");
        assert_eq!(release_value(release, "VERSION_ID"), "12");
        let stat = "cpu  1 2\ncpu0 1 2\ncpu1 1 2\nbtime 1700000000\n";
        assert_eq!(
            (cpus(stat), word_after::<i64>(stat, "btime")),
            (2, Some(1_700_000_000))
        );
        assert_eq!(memory_bytes("MemTotal:       1024 kB\n"), 1024 * 1024);
        let trie = "  |-- 10.0.0.0\n /24 link UNICAST\n |-- 10.0.0.5\n  /32 host LOCAL\n\
                    |-- 127.0.0.1\n /32 host LOCAL\n";
        let inet6 = "fe80000000000000000000000000001 02 40 20 80 eth0\n\
                     20010db8000000000000000000000001 02 40 00 80 eth0\n";
        assert_eq!(addresses(trie, inet6), ["10.0.0.5", "2001:db8::1"]);
    }

    #[test]
    fn this_host_has_a_name_and_a_kernel() {
        let facts = read(Path::new("/"));
        assert!(!facts.hostname.is_empty() && !facts.kernel.is_empty());
        assert!(facts.cpus >= 1 && facts.memory_bytes > 0);
    }
}
