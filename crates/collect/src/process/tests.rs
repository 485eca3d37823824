//! Watched processes of a captured machine, and deaths and births on this one.

use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::Severity::{Info, Major, Normal};
use proptest::prelude::*;
use serde_json::json;
use stdx::{Clock, SystemClock};

use super::parse::Pattern;
use super::{PLUGIN, ProcessWatcher, Watched, parse};
use crate::tests::{at, check_emitted, level_of, rule, tick};
use crate::{Collector, Root, Sink};

fn watched(command: &str) -> Watched {
    Watched {
        id: "it".into(),
        name: String::new(),
        command: command.into(),
        regex: String::new(),
        user: String::new(),
        min_count: 1,
        max_count: None,
    }
}

/// A `sleep` that no other process resembles.
fn sleep(seconds: &str) -> Child {
    Command::new("sleep").arg(seconds).spawn().unwrap()
}

fn unique(test: u32) -> String {
    format!("8{}.{test}", std::process::id())
}

fn started(command: &str) -> (ProcessWatcher, Receiver<()>) {
    let watcher = ProcessWatcher::start().unwrap();
    let (send, news) = channel();
    let send = Mutex::new(send);
    watcher.set_wake(Arc::new(move || {
        let _ = send.lock().unwrap().send(());
    }));
    watcher.watch(vec![Pattern::new(&watched(command)).unwrap()]);
    (watcher, news)
}

/// Waits for news until there are so many.
fn until(watcher: &ProcessWatcher, news: &Receiver<()>, count: usize) {
    loop {
        let counts = watcher.counts();
        if counts.is_some_and(|counts| counts[0].pids.len() == count) {
            return;
        }
        news.recv_timeout(Duration::from_secs(60))
            .expect("news of the watched process");
    }
}

#[test]
fn a_death_is_told_within_milliseconds_and_a_birth_within_seconds() {
    let mark = unique(1);
    let (watcher, news) = started(&format!("sleep {mark}"));
    until(&watcher, &news, 0);
    let mut child = sleep(&mark);
    until(&watcher, &news, 1);
    assert!(watcher.sees_deaths_at_once());
    let clock = SystemClock::new();
    let mut best_ms = u64::MAX;
    for _ in 0..5 {
        let start_ns = clock.mono_ns();
        child.kill().unwrap();
        until(&watcher, &news, 0);
        best_ms = best_ms.min((clock.mono_ns() - start_ns) / 1_000_000);
        child.wait().unwrap();
        child = sleep(&mark);
        until(&watcher, &news, 1);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // The best of several: a busy machine may delay any one of them.
    assert!(best_ms < 200, "{best_ms} ms");
}

#[test]
fn a_process_found_before_it_became_its_program_is_found_again() {
    let mark = unique(2);
    let (watcher, news) = started(&format!("sleep {mark}"));
    until(&watcher, &news, 0);
    // More than a second as a shell, then it becomes the watched program under the same number.
    let script = format!("sleep 1.2; exec sleep {mark}");
    let mut child = Command::new("sh").args(["-c", &script]).spawn().unwrap();
    let own = [child.id()];
    let is_it = |watcher: &ProcessWatcher| watcher.counts().unwrap()[0].pids == own;
    let exact = Watched {
        regex: format!("^sleep {mark}$"),
        ..watched("")
    };
    watcher.watch(vec![Pattern::new(&exact).unwrap()]);
    until(&watcher, &news, 1);
    assert!(is_it(&watcher));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_collector_tells_an_urgent_death_and_a_restart() {
    let mark = unique(3);
    let root = Root::live().unwrap();
    let clock = SystemClock::new();
    let mut collector = super::probe::Process::default();
    let watch = json!({"watch": [{"id": "job", "command": format!("sleep {mark}")}]});
    collector.configure(&watch).unwrap();
    let (send, news) = channel();
    let send = Mutex::new(send);
    collector.set_wake(Arc::new(move || {
        let _ = send.lock().unwrap().send(());
    }));
    let mut child = sleep(&mark);
    let mut sink = Sink::new();
    let labels = [("watched", "job")];
    let mut until = |collector: &mut super::probe::Process, running: f64| {
        loop {
            let now = tick(&clock);
            sink.begin(&now);
            collector.collect_urgent(&root, &now, &mut sink);
            let seen = sink.value("bongsu_watched_process_running", &labels);
            if seen == Some(running) {
                return sink
                    .value("bongsu_watched_process_restarted", &labels)
                    .unwrap();
            }
            news.recv_timeout(Duration::from_secs(60))
                .expect("news of the watched process");
        }
    };
    let mut first = Sink::new();
    first.begin(&tick(&clock));
    collector.collect(&root, &tick(&clock), &mut first);
    assert_eq!(until(&mut collector, 1.0), 0.0);
    child.kill().unwrap();
    assert_eq!(until(&mut collector, 0.0), 0.0);
    child.wait().unwrap();
    child = sleep(&mark);
    assert_eq!(until(&mut collector, 1.0), 1.0);
    child.kill().unwrap();
    child.wait().unwrap();
    check_emitted(&PLUGIN, &first);
}

#[test]
fn a_captured_machine_is_counted_by_name_command_and_pattern() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/process/fixtures/was");
    let root = Root::at(path.as_ref()).unwrap();
    let mut collector = super::probe::Process::default();
    let watch = json!({"watch": [
        {"id": "nginx", "name": "nginx", "min_count": 1, "max_count": 1},
        {"id": "was1", "command": "-Dcatalina.base=/was1"},
        {"id": "was3", "regex": "java .*was3"},
    ]});
    collector.configure(&watch).unwrap();
    let mut sink = Sink::new();
    sink.begin(&at(0));
    collector.collect(&root, &at(0), &mut sink);
    let value = |metric, id| sink.value(metric, &[("watched", id)]);
    assert_eq!(value("bongsu_watched_process_count", "nginx"), Some(2.0));
    assert_eq!(value("bongsu_watched_process_running", "nginx"), Some(1.0));
    assert_eq!(value("bongsu_watched_process_running", "was1"), Some(1.0));
    assert_eq!(value("bongsu_watched_process_running", "was3"), Some(0.0));
    assert_eq!(value("bongsu_watched_process_surplus", "nginx"), Some(1.0));
    assert_eq!(value("bongsu_watched_process_surplus", "was1"), None);
    assert_eq!(
        value("bongsu_watched_process_memory_bytes", "was1"),
        Some(409_600.0)
    );
    check_emitted(&PLUGIN, &sink);
    let found = collector.discover(&root);
    let names: Vec<_> = found.iter().map(|found| found.key.as_str()).collect();
    assert!(
        names.contains(&"nginx") && names.contains(&"java"),
        "{names:?}"
    );
    assert!(!names.contains(&"kworker/0:1"), "{names:?}");
}

#[test]
fn wrong_settings_are_named() {
    let mut collector = super::probe::Process::default();
    for (settings, what) in [
        (
            json!({"watch": [{"id": "a"}]}),
            "give `name`, `command` or `regex`",
        ),
        (json!({"watch": [{"id": "a", "regex": "("}]}), "`a`"),
        (
            json!({"watch": [{"id": "a", "name": "x", "user": "nobody-has-it"}]}),
            "does not exist",
        ),
        (json!({"watch": [{"name": "x"}]}), "missing field `id`"),
    ] {
        let error = collector.configure(&settings).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn default_levels_are_those_of_the_contract() {
    let gone = rule(&PLUGIN, "process-gone");
    let level = |running| level_of(&gone, &[("running", running)]);
    assert_eq!(level(1.0), Normal);
    let surplus = rule(&PLUGIN, "process-surplus");
    let level_of_surplus = level_of(&surplus, &[("surplus", 1.0)]);
    assert_eq!(level_of_surplus, model::Severity::Warning);
    let restarted = rule(&PLUGIN, "process-restarted");
    assert_eq!(level_of(&restarted, &[("restarted", 1.0)]), Info);
    // Critical has the same condition and a duration of five minutes.
    let at_once = gone
        .levels
        .iter()
        .find(|level| level.severity == Major)
        .unwrap();
    assert_eq!((at_once.duration.ms, gone.clear_count), (0, 2));
    assert_eq!(gone.levels.last().unwrap().duration.ms, 300_000);
    assert_eq!(level(0.0), model::Severity::Critical);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        parse::fuzz_process(&data);
    }
}
