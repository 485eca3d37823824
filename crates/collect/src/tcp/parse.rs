//! Socket statistics, protocol counters and answers of `sock_diag`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::scan::{lines, signed, unsigned, words};

/// The states of TCP sockets by the kernel's number; 0 and 12 are never shown.
pub const STATES: [&str; 13] = [
    "",
    "established",
    "syn_sent",
    "syn_recv",
    "fin_wait1",
    "fin_wait2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
    "",
];

/// The fields of `sockstat` and `sockstat6` that are kept: protocol, word, metric.
const SOCKSTAT: [(&[u8], &[u8], &str); 12] = [
    (b"sockets:", b"used", "node_sockstat_sockets_used"),
    (b"TCP:", b"inuse", "node_sockstat_TCP_inuse"),
    (b"TCP:", b"orphan", "node_sockstat_TCP_orphan"),
    (b"TCP:", b"tw", "node_sockstat_TCP_tw"),
    (b"TCP:", b"alloc", "node_sockstat_TCP_alloc"),
    (b"TCP:", b"mem", "node_sockstat_TCP_mem"),
    (b"UDP:", b"inuse", "node_sockstat_UDP_inuse"),
    (b"UDP:", b"mem", "node_sockstat_UDP_mem"),
    (b"RAW:", b"inuse", "node_sockstat_RAW_inuse"),
    (b"FRAG:", b"memory", "node_sockstat_FRAG_memory"),
    (b"TCP6:", b"inuse", "node_sockstat_TCP6_inuse"),
    (b"UDP6:", b"inuse", "node_sockstat_UDP6_inuse"),
];

/// The fields of `snmp` and `netstat` that are kept: protocol, word, metric.
const COUNTERS: [(&[u8], &[u8], &str); 23] = [
    (b"Tcp:", b"ActiveOpens", "node_netstat_Tcp_ActiveOpens"),
    (b"Tcp:", b"PassiveOpens", "node_netstat_Tcp_PassiveOpens"),
    (b"Tcp:", b"AttemptFails", "node_netstat_Tcp_AttemptFails"),
    (b"Tcp:", b"EstabResets", "node_netstat_Tcp_EstabResets"),
    (b"Tcp:", b"CurrEstab", "node_netstat_Tcp_CurrEstab"),
    (b"Tcp:", b"InSegs", "node_netstat_Tcp_InSegs"),
    (b"Tcp:", b"OutSegs", OUT_SEGS),
    (b"Tcp:", b"RetransSegs", RETRANS_SEGS),
    (b"Tcp:", b"InErrs", "node_netstat_Tcp_InErrs"),
    (b"Tcp:", b"OutRsts", "node_netstat_Tcp_OutRsts"),
    (b"Udp:", b"InDatagrams", "node_netstat_Udp_InDatagrams"),
    (b"Udp:", b"OutDatagrams", "node_netstat_Udp_OutDatagrams"),
    (b"Udp:", b"NoPorts", "node_netstat_Udp_NoPorts"),
    (b"Udp:", b"InErrors", "node_netstat_Udp_InErrors"),
    (b"Udp:", b"RcvbufErrors", "node_netstat_Udp_RcvbufErrors"),
    (b"Udp:", b"SndbufErrors", "node_netstat_Udp_SndbufErrors"),
    (
        b"TcpExt:",
        b"ListenOverflows",
        "node_netstat_TcpExt_ListenOverflows",
    ),
    (
        b"TcpExt:",
        b"ListenDrops",
        "node_netstat_TcpExt_ListenDrops",
    ),
    (
        b"TcpExt:",
        b"SyncookiesSent",
        "node_netstat_TcpExt_SyncookiesSent",
    ),
    (
        b"TcpExt:",
        b"SyncookiesRecv",
        "node_netstat_TcpExt_SyncookiesRecv",
    ),
    (
        b"TcpExt:",
        b"SyncookiesFailed",
        "node_netstat_TcpExt_SyncookiesFailed",
    ),
    (
        b"TcpExt:",
        b"TCPSynRetrans",
        "node_netstat_TcpExt_TCPSynRetrans",
    ),
    (
        b"TcpExt:",
        b"TCPTimeouts",
        "node_netstat_TcpExt_TCPTimeouts",
    ),
];

/// Segments sent.
pub const OUT_SEGS: &str = "node_netstat_Tcp_OutSegs";
/// Segments sent again.
pub const RETRANS_SEGS: &str = "node_netstat_Tcp_RetransSegs";

/// The kept fields of `sockstat`: `TCP: inuse 1 orphan 0 …`.
pub fn sockstat(bytes: &[u8], each: &mut dyn FnMut(&'static str, u64)) {
    for line in lines(bytes) {
        let mut words = words(line);
        let Some(protocol) = words.next() else {
            continue;
        };
        while let (Some(word), Some(value)) = (words.next(), words.next()) {
            let kept = SOCKSTAT
                .iter()
                .find(|(p, w, _)| *p == protocol && *w == word);
            if let (Some((_, _, metric)), Some(value)) = (kept, unsigned(value)) {
                each(metric, value);
            }
        }
    }
}

/// The kept counters of `snmp` or `netstat`: a line of words, then a line of numbers.
pub fn counters(bytes: &[u8], each: &mut dyn FnMut(&'static str, i64)) {
    let mut lines = lines(bytes);
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let (mut names, mut values) = (words(names), words(values));
        let (Some(protocol), Some(same)) = (names.next(), values.next()) else {
            continue;
        };
        if protocol != same {
            continue;
        }
        for (name, value) in names.zip(values) {
            let kept = COUNTERS
                .iter()
                .find(|(p, n, _)| *p == protocol && *n == name);
            if let (Some((_, _, metric)), Some(value)) = (kept, signed(value)) {
                each(metric, value);
            }
        }
    }
}

/// One socket of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Listener {
    /// The kernel's number of its state.
    pub state: u8,
    /// The local address.
    pub address: IpAddr,
    /// The local port.
    pub port: u16,
    /// By which a process that has it open is found.
    pub inode: u32,
}

/// Reads one buffer of an answer; `Some(0)` is its end, another number the kernel's error.
pub fn diag(bytes: &[u8], each: &mut dyn FnMut(Listener)) -> Option<i32> {
    const DONE: u16 = 3;
    const ERROR: u16 = 2;
    let mut rest = bytes;
    while let Some((header, _)) = rest.split_first_chunk::<16>() {
        let length = usize::try_from(u32::from_ne_bytes(*header.first_chunk()?)).ok()?;
        let kind = u16::from_ne_bytes(*header.get(4..)?.first_chunk()?);
        let message = rest.get(16..length)?;
        match kind {
            DONE => return Some(0),
            ERROR => {
                let code = i32::from_ne_bytes(*message.first_chunk()?);
                return Some(code.checked_neg().unwrap_or(i32::MAX));
            }
            _ => each(socket(message)?),
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    None
}

/// `inet_diag_msg`: family, state, timer, retrans, then ports and addresses in network order.
fn socket(message: &[u8]) -> Option<Listener> {
    let (&family, &state) = (message.first()?, message.get(1)?);
    let port = u16::from_be_bytes(*message.get(4..)?.first_chunk()?);
    let address = message.get(8..24)?;
    let address = if family == 2 {
        IpAddr::V4(Ipv4Addr::from(*address.first_chunk::<4>()?))
    } else {
        IpAddr::V6(Ipv6Addr::from(*address.first_chunk::<16>()?))
    };
    let inode = u32::from_ne_bytes(*message.get(68..)?.first_chunk()?);
    Some(Listener {
        state,
        address,
        port,
        inode,
    })
}

/// Every parser of this collector over arbitrary bytes: none may panic.
pub fn fuzz_tcp(data: &[u8]) {
    sockstat(data, &mut |_, _| {});
    counters(data, &mut |_, _| {});
    let _ = diag(data, &mut |_| {});
}
