//! The ordinary day: enrol, connect, samples, acknowledgements, questions, a wrong clock.

use std::sync::Arc;

use agent::AgentOptions;
use fleet::{FleetEvent, NotReached};
use stdx::{Clock, Env, SystemClock};

use crate::harness::{Server, start, until};

#[test]
fn an_enrolled_agent_is_measured_acknowledged_and_told_about() {
    let server = Server::new();
    let dir = server.enrolled();
    let agent = start(dir.path());
    until("three live batches", || {
        server.batches().iter().filter(|b| b.live).count() >= 3
    });
    until("everything acknowledged", || agent.queue().1 == 0);
    let batches = server.batches();
    let now_ms = Env::system().clock.now_ms();
    for batch in &batches {
        assert!((now_ms - batch.time_ms).abs() < 30_000, "{batch:?}");
    }
    let mut seqs: Vec<u64> = batches.iter().map(|b| b.seq).collect();
    seqs.sort_unstable();
    assert!(
        seqs.windows(2).all(|pair| pair[0] < pair[1]),
        "doubled: {seqs:?}"
    );
    let series = server.memory.series.lock().unwrap().clone();
    assert!(
        series.iter().any(|s| s.contains("node_load1 ")),
        "{series:?}"
    );
    until("facts and things", || {
        let events = server.events();
        let facts = events
            .iter()
            .any(|e| matches!(e, FleetEvent::Facts(_, f) if f.cpus > 0));
        let things = events
            .iter()
            .any(|e| matches!(e, FleetEvent::Discovered(_, t) if !t.is_empty()));
        let signals = events.iter().any(|e| matches!(e, FleetEvent::Signals(..)));
        facts && things && signals
    });
    assert!(matches!(&server.events()[0], FleetEvent::Presence(p) if p.connected));
    let rows = server.block_on(server.fleet().agents()).unwrap();
    assert!(rows.len() == 1 && rows[0].connected && rows[0].warnings.is_empty());
    agent.stop();
    until("it is noticed that the agent left", || {
        server
            .events()
            .iter()
            .any(|e| matches!(e, FleetEvent::Presence(p) if !p.connected))
    });
    until("when it was seen is written down", || {
        server.block_on(server.fleet().agents()).unwrap()[0]
            .seen_ms
            .is_some()
    });
}

#[test]
fn questions_and_orders_reach_the_agent_and_come_back() {
    let server = Server::new();
    let dir = server.enrolled();
    let agent = start(dir.path());
    until("connected", || server.fleet().connected() == 1);
    let host = *server.memory.hosts.lock().unwrap().keys().next().unwrap();
    let top = server.block_on(server.fleet().top(host, 200)).unwrap();
    assert!(!top.by_cpu.is_empty() && top.by_memory.len() <= 50);
    assert!(
        top.by_memory
            .windows(2)
            .all(|p| p[0].resident_bytes >= p[1].resident_bytes)
    );
    let mut events = server
        .fleet()
        .send_order(host, b"not signed".to_vec())
        .unwrap();
    let event = server.block_on(events.recv()).unwrap();
    assert!(matches!(event, wire::OrderEvent::Refused(_)), "{event:?}");
    assert_eq!(server.block_on(events.recv()), None);
    agent.stop();
    until("gone", || server.fleet().connected() == 0);
    let refused = server.block_on(server.fleet().top(host, 5));
    assert_eq!(refused, Err(NotReached::NotConnected));
}

#[test]
fn a_changed_configuration_is_in_force_at_once() {
    let server = Server::new();
    server
        .memory
        .interval_ms
        .store(3_600_000, std::sync::atomic::Ordering::Relaxed);
    let dir = server.enrolled();
    let agent = start(dir.path());
    until("first batches", || !server.batches().is_empty());
    server
        .memory
        .interval_ms
        .store(1_000, std::sync::atomic::Ordering::Relaxed);
    server.fleet().config_changed(None);
    until("batches every second", || {
        server
            .batches()
            .iter()
            .filter(|b| b.interval_ms == 1_000)
            .count()
            >= 2
    });
    agent.stop();
}

/// The real clock, but somebody has set the wall a year back.
#[derive(Debug)]
struct YearOff(SystemClock);

impl Clock for YearOff {
    fn now_ms(&self) -> i64 {
        self.0.now_ms() - 365 * 86_400_000
    }

    fn mono_ns(&self) -> u64 {
        self.0.mono_ns()
    }
}

#[test]
fn a_host_whose_clock_is_a_year_off_is_watched_in_the_right_time() {
    let server = Server::new();
    let dir = server.enrolled();
    let env = Env {
        clock: Arc::new(YearOff(SystemClock::new())),
        ..Env::system()
    };
    let options = AgentOptions {
        env,
        ..AgentOptions::new(dir.path().to_owned())
    };
    let agent = agent::start(options).unwrap();
    until("live batches", || {
        server.batches().iter().filter(|b| b.live).count() >= 3
    });
    let now_ms = Env::system().clock.now_ms();
    // Even the pass from before the first answer got its time afterwards.
    for batch in server.batches() {
        assert!(
            (now_ms - batch.time_ms).abs() < 30_000,
            "{}",
            now_ms - batch.time_ms
        );
    }
    let offset = |batch: &fleet::IngestBatch| {
        let series = server.memory.series.lock().unwrap();
        let at = series
            .iter()
            .position(|s| s.contains("bongsu_clock_offset_seconds"))?;
        batch
            .samples
            .iter()
            .find(|s| s.series as usize == at)
            .map(|s| s.value)
    };
    let year_s = -365.0 * 86_400.0;
    until("the offset is a signal", || {
        server
            .batches()
            .iter()
            .filter_map(offset)
            .any(|v| (v - year_s).abs() < 2.0)
    });
    agent.stop();
}

/// A process that ends with the test.
struct Nap(std::process::Child);

impl Nap {
    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Nap {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn the_death_of_a_watched_process_does_not_wait_for_the_next_pass() {
    let server = Server::new();
    // A sleep that no other process resembles.
    let seconds = format!("9{}.5", std::process::id());
    let child = std::process::Command::new("sleep")
        .arg(&seconds)
        .spawn()
        .unwrap();
    let mut nap = Nap(child);
    *server.memory.settings_json.lock().unwrap() =
        format!(r#"{{"process": {{"watch": [{{"id": "nap", "command": "sleep {seconds}"}}]}}}}"#);
    let dir = server.enrolled();
    let agent = start(dir.path());
    let has = |value: f64| {
        let series = server.memory.series.lock().unwrap();
        let is_nap = |at: u32| {
            let name = &series[at as usize];
            name.contains("bongsu_watched_process_running") && name.contains("nap")
        };
        let batches = server.memory.batches.lock().unwrap();
        let samples = batches.iter().filter(|b| b.live).flat_map(|b| &b.samples);
        let mut samples = samples.filter(|s| is_nap(s.series));
        samples.any(|s| (s.value - value).abs() < 0.1)
    };
    until("the process is seen", || has(1.0));
    server
        .memory
        .interval_ms
        .store(3_600_000, std::sync::atomic::Ordering::Relaxed);
    server.fleet().config_changed(None);
    until("the next pass is an hour away", || {
        server.batches().iter().any(|b| b.interval_ms == 3_600_000)
    });
    nap.end();
    until("its death is told", || has(0.0));
    agent.stop();
}
