//! Units of captured machines with cgroup version 2 and 1, and of made-up ones that change.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::{PLUGIN, parse};
use crate::tests::{at, check_emitted, level_of, rule};
use crate::{Collector, Root, Sink};

fn root(fixture: &str) -> Root {
    let path = format!("{}/src/unit/fixtures/{fixture}", env!("CARGO_MANIFEST_DIR"));
    Root::at(path.as_ref()).unwrap()
}

fn collected(fixtures: [&str; 2]) -> Sink {
    let mut unit = super::probe::Unit::default();
    let watch = json!({"watch": ["nginx", "old", "dead", "none", "pg-main@14.service"]});
    unit.configure(&watch).unwrap();
    let mut sink = Sink::new();
    for (second, fixture) in [(0, fixtures[0]), (10, fixtures[1])] {
        sink.begin(&at(second));
        unit.collect(&root(fixture), &at(second), &mut sink);
    }
    check_emitted(&PLUGIN, &sink);
    sink
}

#[test]
fn running_units_are_told_from_dead_and_unknown_ones() {
    let sink = collected(["v2-a", "v2-a"]);
    let value = |metric, unit| sink.value(metric, &[("watched", unit)]);
    assert_eq!(
        value("bongsu_watched_unit_running", "nginx.service"),
        Some(1.0)
    );
    assert_eq!(
        value("bongsu_watched_unit_running", "dead.service"),
        Some(0.0)
    );
    assert_eq!(
        value("bongsu_watched_unit_running", "none.service"),
        Some(0.0)
    );
    assert_eq!(
        value("bongsu_watched_unit_running", "pg-main@14.service"),
        Some(1.0)
    );
    assert_eq!(
        value("bongsu_watched_unit_memory_bytes", "nginx.service"),
        Some(7_340_032.0)
    );
    assert_eq!(
        value("bongsu_watched_unit_tasks", "nginx.service"),
        Some(3.0)
    );
    assert_eq!(
        value("bongsu_watched_unit_restarted", "nginx.service"),
        Some(0.0)
    );
}

#[test]
fn a_cgroup_made_anew_is_a_restart() {
    let sink = collected(["v2-a", "v2-b"]);
    let nginx = [("watched", "nginx.service")];
    assert_eq!(
        sink.value("bongsu_watched_unit_restarted", &nginx),
        Some(1.0)
    );
    // The counter of the new one began anew: no speed.
    assert_eq!(sink.value("bongsu_watched_unit_cpu_ratio", &nginx), None);
}

#[test]
fn version_one_tells_by_its_processes() {
    let sink = collected(["v1", "v1"]);
    let value = |unit| sink.value("bongsu_watched_unit_running", &[("watched", unit)]);
    assert_eq!(
        (value("old.service"), value("dead.service")),
        (Some(1.0), Some(0.0))
    );
    assert_eq!((PLUGIN.make)().discover(&root("v1"))[0].title, "old");
}

#[test]
fn without_systemd_it_is_not_available() {
    let mut sink = Sink::new();
    sink.begin(&at(0));
    (PLUGIN.make)().collect(&root("none"), &at(0), &mut sink);
    assert_eq!(sink.statuses()[0].availability.name(), "not available");
    assert!(sink.samples().is_empty());
}

/// A machine with systemd in a folder of its own; goes when dropped.
struct Machine(PathBuf);

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Machine {
    fn new(name: &str) -> Self {
        let folder = format!("bongsu-unit-{name}-{}", std::process::id());
        let machine = Self(std::env::temp_dir().join(folder));
        for folder in [
            "run/systemd/system",
            "run/dbus",
            "sys/fs/cgroup/system.slice",
        ] {
            std::fs::create_dir_all(machine.0.join(folder)).unwrap();
        }
        machine
    }

    /// Gives a unit a cgroup with or without processes.
    fn unit(&self, unit: &str, populated: bool) {
        let folder = self.0.join("sys/fs/cgroup/system.slice").join(unit);
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!("populated {}\nfrozen 0\n", u8::from(populated));
        std::fs::write(folder.join("cgroup.events"), text).unwrap();
    }

    /// A bus on which systemd says that these have failed; answers one question.
    fn bus(&self, failed: &'static [&'static str]) {
        let listener = UnixListener::bind(self.0.join("run/dbus/system_bus_socket")).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            assert!(line.starts_with("\0AUTH EXTERNAL "), "{line}");
            stream.write_all(b"OK 0123456789abcdef\r\n").unwrap();
            reader.read_line(&mut line).unwrap();
            let mut asked = vec![0; 128];
            reader.read_exact(&mut asked).unwrap();
            stream.write_all(&reply(1, &[])).unwrap();
            stream.write_all(&reply(2, failed)).unwrap();
        });
    }

    fn collector(&self, watch: &str) -> (super::probe::Unit, Root) {
        let mut unit = super::probe::Unit::default();
        unit.configure(&json!({"watch": [watch]})).unwrap();
        (unit, Root::at(Path::new(&self.0)).unwrap())
    }
}

/// A big-endian answer, so that the reader's alignment and byte order are both tried.
fn reply(serial: u32, units: &[&str]) -> Vec<u8> {
    let pad = |bytes: &mut Vec<u8>, to: usize| bytes.resize(bytes.len().next_multiple_of(to), 0);
    let text = |bytes: &mut Vec<u8>, text: &str| {
        pad(bytes, 4);
        bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        bytes.extend(text.as_bytes());
        bytes.push(0);
    };
    let mut list = Vec::new();
    for unit in units {
        pad(&mut list, 8);
        for word in [*unit, "A unit", "loaded", "failed", "failed", "", "/a"] {
            text(&mut list, word);
        }
        pad(&mut list, 4);
        list.extend([0; 4]);
        text(&mut list, "");
        text(&mut list, "/");
    }
    let mut body = u32::try_from(list.len()).unwrap().to_be_bytes().to_vec();
    pad(&mut body, 8);
    body.extend(list);
    let mut fields = vec![5, 1, b'u', 0];
    fields.extend(serial.to_be_bytes());
    fields.extend([8, 1, b'g', 0, 13]);
    fields.extend(b"a(ssssssouso)\0");
    let mut message = vec![b'B', 2, 1, 1];
    message.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
    message.extend([0, 0, 0, 9]);
    message.extend(u32::try_from(fields.len()).unwrap().to_be_bytes());
    message.extend(fields);
    pad(&mut message, 8);
    message.extend(body);
    message
}

#[test]
fn a_failed_unit_is_told_from_a_stopped_one() {
    for (failed, expected) in [(&["x.service", "db.service"][..], 1.0), (&[][..], 0.0)] {
        let machine = Machine::new("failed");
        machine.unit("db.service", false);
        machine.bus(failed);
        let (mut unit, root) = machine.collector("db");
        let mut sink = Sink::new();
        sink.begin(&at(0));
        unit.collect(&root, &at(0), &mut sink);
        let value = |metric| sink.value(metric, &[("watched", "db.service")]);
        assert_eq!(value("bongsu_watched_unit_running"), Some(0.0));
        assert_eq!(value("bongsu_watched_unit_failed"), Some(expected));
        check_emitted(&PLUGIN, &sink);
    }
}

#[test]
fn without_a_bus_a_gone_unit_is_not_called_failed() {
    let machine = Machine::new("silent");
    let (mut unit, root) = machine.collector("db");
    let mut sink = Sink::new();
    sink.begin(&at(0));
    unit.collect(&root, &at(0), &mut sink);
    let value = sink.value("bongsu_watched_unit_failed", &[("watched", "db.service")]);
    assert_eq!(value, None);
    let state = sink.statuses().iter().find(|s| s.signal == "failed");
    assert_eq!(state.unwrap().availability.name(), "not available");
}

#[test]
fn an_end_and_a_start_ring_the_bell_at_once() {
    let machine = Machine::new("events");
    machine.unit("db.service", true);
    let (mut unit, root) = machine.collector("db");
    let (send, news) = channel();
    let send = Mutex::new(send);
    unit.set_wake(Arc::new(move || {
        let _ = send.lock().unwrap().send(());
    }));
    let mut sink = Sink::new();
    sink.begin(&at(0));
    unit.collect(&root, &at(0), &mut sink);
    let mut until = |running: f64| {
        loop {
            sink.begin(&at(1));
            unit.collect_urgent(&root, &at(1), &mut sink);
            let labels = [("watched", "db.service")];
            if sink.value("bongsu_watched_unit_running", &labels) == Some(running) {
                return sink
                    .value("bongsu_watched_unit_restarted", &labels)
                    .unwrap();
            }
            news.recv_timeout(Duration::from_secs(60))
                .expect("news of the unit");
        }
    };
    machine.unit("db.service", false);
    assert_eq!(until(0.0), 0.0);
    // As systemd does: the group goes, and another is made for the next run.
    let folder = machine.0.join("sys/fs/cgroup/system.slice/db.service");
    std::fs::rename(&folder, machine.0.join("old")).unwrap();
    machine.unit("db.service", true);
    assert_eq!(until(1.0), 1.0);
}

#[test]
fn default_levels_are_those_of_the_contract() {
    use model::Severity::{Critical, Info, Normal};
    let gone = rule(&PLUGIN, "unit-gone");
    let level = |running| level_of(&gone, &[("running", running)]);
    assert_eq!((level(1.0), level(0.0)), (Normal, Critical));
    let restarted = rule(&PLUGIN, "unit-restarted");
    assert_eq!(level_of(&restarted, &[("restarted", 1.0)]), Info);
    let failed = level_of(&gone, &[("running", 1.0), ("failed", 1.0)]);
    assert_eq!(failed, model::Severity::Major);
    assert_eq!((gone.levels[0].duration.ms, gone.clear_count), (0, 2));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        parse::fuzz_unit(&data);
        super::bus::fuzz_bus(&data);
    }
}
