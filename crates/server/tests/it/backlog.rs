//! The road between agent and server is cut and mended: the time in between is filled in from the queue.

use std::io::copy;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use testkit::TempDir;

use crate::agent::{Agent, enrol};
use crate::program::{Program, problem_of};

/// A road for bytes that can be cut: what is on it is dropped, and nobody new gets through.
struct Road {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_cut: AtomicBool,
    travellers: Mutex<Vec<TcpStream>>,
}

impl Road {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let own = listener.local_addr().unwrap().port();
        let state = Arc::<State>::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            for from in listener.incoming().flatten() {
                if shared.is_cut.load(Ordering::Relaxed) {
                    continue;
                }
                let Ok(to) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
                    continue;
                };
                let both = [from.try_clone().unwrap(), to.try_clone().unwrap()];
                shared.travellers.lock().unwrap().extend(both);
                carry(from.try_clone().unwrap(), to.try_clone().unwrap());
                carry(to, from);
            }
        });
        Self { port: own, state }
    }

    fn cut(&self) {
        self.state.is_cut.store(true, Ordering::Relaxed);
        for traveller in self.state.travellers.lock().unwrap().drain(..) {
            drop(traveller.shutdown(Shutdown::Both));
        }
    }

    fn mend(&self) {
        self.state.is_cut.store(false, Ordering::Relaxed);
    }
}

/// Copies one way until either end is gone.
fn carry(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        drop(copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Both));
    });
}

fn silent(server: &Program, wanted: bool) {
    let what = format!("the host is silent: {wanted}");
    server.wait_for(&what, "/api/v1/problems", |list| {
        (problem_of(list, "agent-silent").is_some() == wanted).then_some(())
    });
}

/// Seconds of the longest stretch without a sample between two moments, UTC milliseconds.
fn longest_gap(graph: &Value, (from_ms, to_ms): (i64, i64)) -> i64 {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let times = list(&graph["t"]).into_iter();
    let values = list(&graph["series"][0]["mean"]).into_iter();
    let seen = times
        .zip(values)
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(time, _)| time.as_i64());
    let inside = seen.filter(|time| (from_ms..=to_ms).contains(&(time * 1_000)));
    let mut moments: Vec<i64> = inside.collect();
    moments.push(to_ms / 1_000);
    moments.insert(0, from_ms / 1_000);
    moments.windows(2).map(|two| two[1] - two[0]).max().unwrap()
}

#[test]
fn agent_returns_with_a_backlog() {
    let folder = TempDir::new();
    let data = folder.join("data");
    let server = Program::with_config(&data, "watch_self = false\ninterval = \"1s\"\n");
    let road = Road::to(server.port() + 1);
    let agent_folder = folder.join("agent");
    enrol(&agent_folder, &server, road.port);
    let _agent = Agent::run(&agent_folder);
    let host = server.own_host();
    let now_ms = || stdx::Env::system().clock.now_ms();
    let graph = format!("/api/v1/graph?host={host}&graph=load&points=600");
    let begun = format!("{graph}&from={}&to={}", now_ms(), now_ms() + 120_000);
    server.wait_for("the agent has its interval", &begun, |graph| {
        let times: Vec<i64> = graph["t"]
            .as_array()?
            .iter()
            .filter_map(Value::as_i64)
            .collect();
        let [.., before, last] = times[..] else {
            return None;
        };
        (last - before <= 2).then_some(())
    });
    let from_ms = now_ms();
    road.cut();
    silent(&server, true);
    std::thread::sleep(Duration::from_secs(10));
    road.mend();
    silent(&server, false);
    let to_ms = now_ms();
    let path = format!("/api/v1/graph?host={host}&graph=load&from={from_ms}&to={to_ms}&points=600");
    let away_s = (to_ms - from_ms) / 1_000;
    assert!(away_s > 10, "it was away for {away_s} s");
    server.wait_for("the backlog fills the gap", &path, |graph| {
        (longest_gap(graph, (from_ms, to_ms)) <= 5).then_some(())
    });
    let graph = server.call("GET", &path, None);
    let late = graph["late"].as_array().unwrap();
    assert_eq!(late.len(), 1, "one stretch was late: {late:?}");
}
