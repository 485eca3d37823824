//! Processes of a captured machine and of this one.

use super::PLUGIN;
use crate::tests::{at, check_emitted, level_of, passes, rule};
use crate::{Root, Sink};

#[test]
fn states_threads_and_limits_of_a_captured_machine() {
    let sink = passes(&PLUGIN, &["small"]);
    let state = |state| sink.value("node_processes_state", &[("state", state)]);
    assert_eq!(
        (state("S"), state("Z"), state("D")),
        (Some(2.0), Some(1.0), Some(0.0))
    );
    assert_eq!(sink.value("node_processes_pids", &[]), Some(3.0));
    assert_eq!(sink.value("node_processes_threads", &[]), Some(3_000.0));
    assert_eq!(sink.value("bongsu_processes_used_ratio", &[]), Some(0.75));
    assert_eq!(sink.value("bongsu_processes_zombie", &[]), Some(1.0));
}

#[test]
fn this_machine_runs_at_least_this_test() {
    let mut sink = Sink::new();
    sink.begin(&at(0));
    (PLUGIN.make)().collect(&Root::live().unwrap(), &at(0), &mut sink);
    // Which state this test's process is in is told by its first thread, and that one may sleep.
    let states = ["R", "S", "D", "I"].map(|state| {
        sink.value("node_processes_state", &[("state", state)])
            .unwrap_or(0.0)
    });
    assert!(states.iter().sum::<f64>() >= 1.0, "{states:?}");
    check_emitted(&PLUGIN, &sink);
}

#[test]
fn default_levels_rise_with_the_share_of_the_limit() {
    use model::Severity::{Major, Normal, Warning};
    let used = rule(&PLUGIN, "processes-used");
    for (value, level) in [(0.5, Normal), (0.85, Warning), (0.96, Major)] {
        assert_eq!(level_of(&used, &[("used", value)]), level, "{value}");
    }
}
