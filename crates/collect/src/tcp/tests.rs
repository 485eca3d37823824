//! Sockets of a captured machine and of this one.

use std::net::{TcpListener, TcpStream};

use proptest::prelude::*;

use super::{PLUGIN, parse};
use crate::tests::{at, check_emitted, passes};
use crate::{Root, Sink};

#[test]
fn a_captured_machine_has_counters_and_no_states() {
    let sink = passes(&PLUGIN, &["busy-a", "busy-b"]);
    assert_eq!(sink.value("node_sockstat_TCP_tw", &[]), Some(321.0));
    assert_eq!(sink.value("node_sockstat_TCP6_inuse", &[]), Some(12.0));
    assert_eq!(sink.value("node_netstat_Tcp_CurrEstab", &[]), Some(77.0));
    assert_eq!(
        sink.value("node_netstat_TcpExt_ListenOverflows", &[]),
        Some(5.0)
    );
    // 20 of 1,000 segments since the first pass were sent again.
    assert_eq!(sink.value("bongsu_tcp_retransmit_ratio", &[]), Some(0.02));
    assert_eq!(sink.value("bongsu_conntrack_used_ratio", &[]), Some(0.5));
    let states = sink
        .statuses()
        .iter()
        .find(|status| status.signal == "states")
        .unwrap();
    assert_eq!(states.availability.name(), "not available");
}

#[test]
fn sockets_of_this_process_are_counted_and_its_listener_discovered() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let _client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let root = Root::live().unwrap();
    let mut tcp = (PLUGIN.make)();
    let mut sink = Sink::new();
    sink.begin(&at(0));
    tcp.collect(&root, &at(0), &mut sink);
    let state = |state| sink.value("node_tcp_connection_states", &[("state", state)]);
    assert!(state("established").unwrap() >= 2.0 && state("listen").unwrap() >= 1.0);
    check_emitted(&PLUGIN, &sink);
    let found = tcp.discover(&root);
    let own = found
        .iter()
        .find(|found| found.key == format!("tcp/127.0.0.1:{port}"))
        .unwrap();
    let pid = std::process::id().to_string();
    assert!(own.attributes.contains(&("pid", pid)), "{own:?}");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        parse::fuzz_tcp(&data);
    }

    #[test]
    fn damaged_answers_never_panic(length in 0..200_u32, kind in 0..30_u16, tail in 0..200_usize) {
        let mut data = length.to_ne_bytes().to_vec();
        data.extend(kind.to_ne_bytes());
        data.extend(vec![7; tail]);
        parse::fuzz_tcp(&data);
    }
}
