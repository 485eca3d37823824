//! What plugins write, and real commands on their schedule.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::Severity::{Major, Minor, Normal, Warning};
use proptest::prelude::*;
use serde_json::json;
use stdx::SystemClock;

use super::{PLUGIN, parse};
use crate::tests::{check_emitted, level_of, rule, tick};
use crate::{Collector, Root, Sink};

fn perf(text: &str) -> Vec<(String, f64)> {
    let output = parse::output(text.as_bytes());
    output
        .perf
        .into_iter()
        .map(|perf| (perf.label, perf.value))
        .collect()
}

#[test]
fn the_outputs_of_well_known_plugins_are_read() {
    let disk = parse::output(include_bytes!("fixtures/check_disk.txt"));
    assert_eq!(
        disk.line,
        "DISK OK - free space: / 3326 MB (56%); /boot 68 MB (69%);"
    );
    let values: Vec<_> = disk
        .perf
        .iter()
        .map(|p| (p.label.as_str(), p.value))
        .collect();
    const MIB: f64 = 1024.0 * 1024.0;
    assert_eq!(values[0], ("/", 2643.0 * MIB));
    assert_eq!(values.last(), Some(&("/var/log", 818.0 * MIB)));
    assert_eq!(values.len(), 4);
    for (text, wanted) in [
        (
            "OK|time=0.0123s;;;0.000 size=120B",
            vec![("time", 0.0123), ("size", 120.0)],
        ),
        ("OK|'a ''b'' c'=50%;80;90", vec![("a 'b' c", 0.5)]),
        ("OK|rta=1,5ms;U;x pl=0%", vec![("rta", 0.0015), ("pl", 0.0)]),
        (
            "OK|offset=-1e-05s;60;120 stratum=U",
            vec![("offset", -1e-5)],
        ),
        ("OK|x=1 x=2 broken", vec![("x", 1.0)]),
        ("OK|=5 'open=3", vec![]),
    ] {
        let wanted: Vec<_> = wanted.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
        assert_eq!(perf(text), wanted, "{text}");
    }
}

#[test]
fn commands_run_and_their_status_text_and_numbers_are_told() {
    let root = Root::live().unwrap();
    let clock = SystemClock::new();
    let mut check = super::probe::Check::default();
    let sh = |script: &str| json!(["/bin/sh", "-c", script]);
    let settings = json!({"commands": [
        {"id": "slow", "command": sh("echo 'WARNING: slow | time=250ms'; exit 1"), "every": "1s"},
        {"id": "odd", "command": sh("echo oops >&2; exit 127"), "every": "1s"},
        {"id": "hangs", "command": sh("sleep 60"), "every": "1s", "timeout": "1s"},
        {"id": "none", "command": ["/none/such"], "every": "1s"},
    ]});
    check.configure(&settings).unwrap();
    let (send, news) = channel();
    let send = Mutex::new(send);
    check.set_wake(Arc::new(move || {
        let _ = send.lock().unwrap().send(());
    }));
    let mut sink = Sink::new();
    loop {
        let now = tick(&clock);
        sink.begin(&now);
        check.collect(&root, &now, &mut sink);
        if sink.notes().len() == 4 {
            break;
        }
        news.recv_timeout(Duration::from_secs(60))
            .expect("news of a check");
    }
    let status = |id| sink.value("bongsu_check_status", &[("check", id)]);
    assert_eq!((status("slow"), status("odd")), (Some(1.0), Some(3.0)));
    assert_eq!((status("hangs"), status("none")), (Some(3.0), Some(3.0)));
    let time = [("check", "slow"), ("label", "time")];
    assert_eq!(sink.value("bongsu_check_perf", &time), Some(0.25));
    let note = |id: &str| {
        &sink
            .notes()
            .iter()
            .find(|note| note.key == id)
            .unwrap()
            .text
    };
    assert_eq!(note("slow"), "WARNING: slow");
    assert_eq!(note("odd"), "exit code 127 is not one of 0 to 3: oops");
    assert_eq!(note("hangs"), "took longer than 1000 ms");
    assert!(
        note("none").starts_with("/none/such cannot be started: "),
        "{}",
        note("none")
    );
    check_emitted(&PLUGIN, &sink);
    // A check that is no longer configured is forgotten.
    check.configure(&json!(null)).unwrap();
    sink.begin(&tick(&clock));
    check.collect(&root, &tick(&clock), &mut sink);
    assert_eq!((sink.notes().len(), sink.samples().len()), (0, 0));
}

#[test]
fn wrong_settings_are_named() {
    for (settings, what) in [
        (
            json!({"commands": [{"id": "a", "command": []}]}),
            "`command` is empty",
        ),
        (
            json!({"commands": [{"id": "a", "command": ["x"]}]}),
            "absolute path",
        ),
        (
            json!({"commands": [{"id": "a", "command": ["/x"], "every": "1"}]}),
            "`every`",
        ),
    ] {
        let error = super::probe::Check::default()
            .configure(&settings)
            .unwrap_err()
            .to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn default_levels_follow_the_exit_code() {
    let status = rule(&PLUGIN, "check-status");
    for (value, level) in [(0.0, Normal), (1.0, Warning), (2.0, Major), (3.0, Minor)] {
        assert_eq!(level_of(&status, &[("status", value)]), level, "{value}");
    }
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(data in "[ -~\n|=';%éU]{0,200}") {
        parse::fuzz_check(data.as_bytes());
    }

    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        parse::fuzz_check(&data);
    }
}
