//! Units of captured machines with cgroup version 2 and 1, and of this one.

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

#[test]
fn default_levels_are_those_of_the_contract() {
    use model::Severity::{Critical, Info, Normal};
    let gone = rule(&PLUGIN, "unit-gone");
    let level =
        |running, restarted| level_of(&gone, &[("running", running), ("restarted", restarted)]);
    assert_eq!(
        (level(1.0, 0.0), level(1.0, 1.0), level(0.0, 0.0)),
        (Normal, Info, Critical)
    );
    assert_eq!((gone.levels[1].duration.ms, gone.clear_count), (0, 2));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        parse::fuzz_unit(&data);
    }
}
