//! Bad days: the server dies, is away, comes back as another one; the queue overflows.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use fleet::FleetEvent;
use spool::{Fsync, Spool, SpoolOptions};
use stdx::SeededEntropy;

use crate::harness::{Server, start, until};

fn seqs(server: &Server) -> BTreeSet<u64> {
    server.batches().iter().map(|b| b.seq).collect()
}

#[test]
fn a_server_that_dies_before_it_acknowledges_gets_the_batch_again() {
    let mut server = Server::new();
    let dir = server.enrolled();
    let agent = start(dir.path());
    until("acknowledged batches", || {
        agent.queue().2 >= 2 && agent.queue().1 == 0
    });
    server.memory.hangs.store(true, Ordering::Relaxed);
    let before = server.batches().len();
    until("a batch that is not acknowledged", || {
        server.batches().len() > before
    });
    server.kill();
    let unacknowledged = server.batches().last().unwrap().seq;
    server.memory.batches.lock().unwrap().clear();
    server.memory.hangs.store(false, Ordering::Relaxed);
    server.start();
    until("the same batch again", || {
        seqs(&server).contains(&unacknowledged)
    });
    until("everything acknowledged", || agent.queue().1 == 0);
    let newest = *seqs(&server).last().unwrap();
    assert!((unacknowledged..=newest).all(|seq| seqs(&server).contains(&seq)));
    agent.stop();
}

#[test]
fn after_an_outage_fresh_values_come_first_and_everything_comes() {
    let mut server = Server::new();
    let dir = server.enrolled();
    let agent = start(dir.path());
    until("first batches", || {
        agent.queue().2 >= 2 && agent.queue().1 == 0
    });
    server.kill();
    let before = agent.queue().2;
    until("passes without a server", || agent.queue().2 >= before + 3);
    server.memory.batches.lock().unwrap().clear();
    server.start();
    until("backlog", || seqs(&server).contains(&(before + 1)));
    until("everything acknowledged", || agent.queue().1 == 0);
    let batches = server.batches();
    let newest = agent.queue().2;
    let have = seqs(&server);
    assert!(
        (before + 1..=newest - 1).all(|seq| have.contains(&seq)),
        "{have:?} of {newest}"
    );
    // The record of each moment came once, the old ones as backlog, in their own time.
    assert!(batches.iter().any(|b| !b.live && b.seq == before + 1));
    let mut backlog: Vec<_> = batches.iter().filter(|b| !b.live).collect();
    backlog.sort_by_key(|b| b.seq);
    assert!(backlog.windows(2).all(|p| p[1].time_ms > p[0].time_ms));
    assert_eq!(have.len(), batches.len(), "a batch came twice");
    agent.stop();
}

#[test]
fn a_restarted_agent_sends_what_the_one_before_could_not() {
    let mut server = Server::new();
    let dir = server.enrolled();
    server.kill();
    let agent = start(dir.path());
    until("passes without a server", || agent.queue().2 >= 2);
    agent.stop();
    server.start();
    let agent = start(dir.path());
    until("the passes of the first run", || {
        seqs(&server).is_superset(&BTreeSet::from([1, 2]))
    });
    until("everything acknowledged", || agent.queue().1 == 0);
    assert!(
        server
            .batches()
            .iter()
            .filter(|b| b.seq <= 2)
            .all(|b| !b.live)
    );
    agent.stop();
}

#[test]
fn a_full_disk_under_the_server_makes_the_agent_wait_and_keep() {
    let server = Server::new();
    let dir = server.enrolled();
    server.memory.full.store(true, Ordering::Relaxed);
    let agent = start(dir.path());
    until("the agent came and was sent away", || {
        server
            .events()
            .iter()
            .any(|e| matches!(e, FleetEvent::Presence(p) if !p.connected))
    });
    server.memory.full.store(false, Ordering::Relaxed);
    until("everything acknowledged", || {
        agent.queue().2 >= 3 && agent.queue().1 == 0
    });
    assert!(seqs(&server).contains(&1));
    agent.stop();
}

#[test]
fn a_server_with_another_store_is_offered_the_last_minutes() {
    let first = Server::new();
    let dir = first.enrolled();
    let agent = start(dir.path());
    until("acknowledged batches", || {
        agent.queue().2 >= 3 && agent.queue().1 == 0
    });
    agent.stop();
    drop(first);
    let second = Server::new();
    // The same key is enrolled at the second server, as after a move.
    let token = second.token(1, 60_000);
    agent::enrol(&second.enrol_options(dir.path(), token)).unwrap();
    let agent = start(dir.path());
    until("what the first had acknowledged", || {
        seqs(&second).is_superset(&BTreeSet::from([1, 2, 3]))
    });
    assert!(
        second
            .batches()
            .iter()
            .filter(|b| b.seq <= 3)
            .all(|b| b.replay && !b.live)
    );
    agent.stop();
}

#[test]
fn what_the_queue_had_to_drop_is_told_as_a_gap() {
    let mut server = Server::new();
    let dir = server.enrolled();
    server.kill();
    // An earlier run has filled a small queue; its records are of a form nobody knows any more.
    let options = SpoolOptions {
        max_bytes: 64 * 1024,
        fsync: Fsync::Never,
        ..SpoolOptions::new(dir.path().join("queue"))
    };
    let mut spool = Spool::open(options, &SeededEntropy::new(5)).unwrap();
    for n in 0..100_i64 {
        spool.append(1_000 + n, &[0xEE; 1_000]).unwrap();
    }
    let dropped = spool.gaps()[0];
    drop(spool);
    server.start();
    let agent = start(dir.path());
    until("the gaps", || {
        let events = server.events();
        let lost = events.iter().filter_map(|e| match e {
            FleetEvent::Lost(_, lost) => Some(lost.records),
            _ => None,
        });
        lost.sum::<u64>() == 100
    });
    until("everything acknowledged", || agent.queue().1 == 0);
    let events = server.events();
    let told = events.iter().find_map(|e| match e {
        FleetEvent::Lost(_, lost) => Some(lost),
        _ => None,
    });
    let told = told.unwrap();
    assert_eq!(told.records, dropped.to_seq - dropped.from_seq + 1);
    assert_eq!(told.from_ms, 1_000);
    assert!(told.reason.contains("full"), "{}", told.reason);
    agent.stop();
}

#[test]
fn a_full_disk_under_the_agent_does_not_stop_the_watch() {
    testkit::on_small_disk(3, |disk| {
        let mut server = Server::new();
        let dir = disk.join("agent");
        let token = server.token(1, 60_000);
        agent::enrol(&server.enrol_options(&dir, token)).unwrap();
        let agent = start(&dir);
        until("acknowledged batches", || {
            agent.queue().2 >= 2 && agent.queue().1 == 0
        });
        let filler = disk.join("filler");
        let fill = || {
            let mut file = std::fs::File::create(&filler).unwrap();
            while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
            while std::io::Write::write_all(&mut file, &[1; 1]).is_ok() {}
        };
        let warned = |wrong: bool| {
            let events = server.events();
            let mut queue = events.iter().rev().filter_map(|e| match e {
                FleetEvent::Warned(_, w) if w.code == "queue" => Some(!w.text.is_empty()),
                _ => None,
            });
            queue.next() == Some(wrong)
        };
        fill();
        until("the operator is warned", || warned(true));
        let full_since = server.batches().len();
        until("fresh values come all the same", || {
            let batches = server.batches();
            batches[full_since..].iter().filter(|b| b.live).count() >= 2
        });
        std::fs::remove_file(&filler).unwrap();
        until("the warning is taken back", || warned(false));
        fill();
        until("warned again", || warned(true));
        server.kill();
        let before = agent.queue().2;
        until("passes that nobody keeps", || agent.queue().2 >= before + 2);
        server.start();
        until("the loss is told", || {
            let events = server.events();
            events
                .iter()
                .any(|e| matches!(e, FleetEvent::Lost(_, l) if l.reason.contains("disk")))
        });
        agent.stop();
    });
}
