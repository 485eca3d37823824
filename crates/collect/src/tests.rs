//! What holds for every collector: its documents agree with what it emits, on this very machine.

use std::collections::{BTreeMap, BTreeSet};

use model::rule::Rule;
use model::{MatchOp, Selector};
use stdx::{Clock, SystemClock};

use crate::{ALL, Collectors, Plugin, Root, Sink, Tick};

/// The tick of this moment.
pub(crate) fn tick(clock: &dyn Clock) -> Tick {
    Tick {
        now_ms: clock.now_ms(),
        mono_ns: clock.mono_ns(),
        clock_offset_s: Some(0.001),
    }
}

/// A tick of a fixture: so many seconds after the first.
pub(crate) fn at(second: u64) -> Tick {
    let ms = i64::try_from(second).unwrap() * 1_000;
    let now_ms = 1_700_000_000_000 + ms;
    Tick {
        now_ms,
        mono_ns: second * 1_000_000_000,
        clock_offset_s: None,
    }
}

/// One collector over one fixture directory after another, ten seconds apart; the sink of the last.
pub(crate) fn passes(plugin: &Plugin, fixtures: &[&str]) -> Sink {
    let mut collector = (plugin.make)();
    let mut sink = Sink::new();
    for (place, fixture) in (0_u64..).zip(fixtures) {
        let path = format!(
            "{}/src/{}/fixtures/{fixture}",
            env!("CARGO_MANIFEST_DIR"),
            plugin.name
        );
        let root = Root::at(path.as_ref()).unwrap();
        sink.begin(&at(place * 10));
        collector.collect(&root, &at(place * 10), &mut sink);
    }
    check_emitted(plugin, &sink);
    sink
}

/// Every series of a sink must be described, with exactly these labels.
pub(crate) fn check_emitted(plugin: &Plugin, sink: &Sink) {
    let metrics: BTreeMap<_, _> = plugin
        .metrics()
        .unwrap()
        .into_iter()
        .map(|m| (m.name.clone(), m))
        .collect();
    for number in 0..u32::try_from(sink.series_count()).unwrap() {
        let labels = sink.series(number).unwrap();
        let metric = metrics.get(labels.name());
        let metric = metric.unwrap_or_else(|| panic!("{labels} is not in {}", plugin.name));
        for label in labels.iter().filter(|label| label.name != "__name__") {
            assert!(
                metric.labels.contains(&label.name),
                "{labels}: undescribed label"
            );
        }
    }
    assert_eq!(sink.counters(), crate::SinkCounters::default());
}

fn metric_of(selector: &Selector) -> &str {
    let name = |m: &&model::Matcher| m.name == "__name__" && m.op == MatchOp::Eq;
    &selector
        .0
        .iter()
        .find(name)
        .expect("a default selector names its metric")
        .value
}

#[test]
fn the_list_is_alphabetical_and_every_document_is_well_formed() {
    let names: Vec<_> = ALL.iter().map(|plugin| plugin.name).collect();
    assert!(names.is_sorted(), "{names:?}");
    let mut every = BTreeSet::new();
    for plugin in ALL {
        for metric in plugin.metrics().unwrap() {
            assert!(
                !metric.help.ko.is_empty() && !metric.help.en.is_empty(),
                "{}",
                metric.name
            );
            assert!(metric.labels.is_sorted(), "{}", metric.name);
            assert!(
                every.insert(metric.name.clone()),
                "{} is described twice",
                metric.name
            );
        }
    }
    let mut keys = BTreeSet::new();
    for plugin in ALL {
        for rule in plugin.rules().unwrap() {
            assert!(
                keys.insert(rule.key.clone()),
                "rule {} is there twice",
                rule.key
            );
            assert!(
                !rule.help.ko.is_empty() && !rule.help.en.is_empty(),
                "{}",
                rule.key
            );
            for signal in rule.signals.values() {
                if let Some(series) = &signal.series {
                    assert!(every.contains(metric_of(series)), "{}: {series}", rule.key);
                }
            }
        }
        for graph in plugin.graphs().unwrap() {
            assert!(keys.insert(format!("graph {}", graph.key)), "{}", graph.key);
            for series in &graph.series {
                assert!(every.contains(metric_of(series)), "{}: {series}", graph.key);
            }
        }
    }
}

#[test]
fn on_this_machine_two_passes_give_described_samples() {
    let clock = SystemClock::new();
    let mut all = Collectors::new(Root::live().unwrap(), ALL);
    let mut sink = Sink::new();
    for _ in 0..2 {
        all.collect(&tick(&clock), &clock, &mut sink);
    }
    for metric in [
        "node_load1",
        "node_memory_MemTotal_bytes",
        "node_filesystem_size_bytes",
    ] {
        let found = sink
            .samples()
            .iter()
            .any(|s| sink.series(s.series).unwrap().name() == metric);
        assert!(found, "{metric} is missing");
    }
    let own: Plugin = Plugin {
        metrics: crate::SELF_METRICS,
        ..ALL[0]
    };
    let mut described: BTreeSet<_> = own
        .metrics()
        .unwrap()
        .into_iter()
        .map(|metric| metric.name)
        .collect();
    for plugin in ALL {
        described.extend(
            plugin
                .metrics()
                .unwrap()
                .into_iter()
                .map(|metric| metric.name),
        );
    }
    for number in 0..u32::try_from(sink.series_count()).unwrap() {
        let labels = sink.series(number).unwrap();
        assert!(
            described.contains(labels.name()),
            "{labels} is not described"
        );
    }
    assert_eq!(sink.counters(), crate::SinkCounters::default());
}

#[test]
fn a_collector_can_be_switched_off_and_a_wrong_setting_is_named() {
    let mut all = Collectors::new(Root::live().unwrap(), ALL);
    let errors = all.configure(&serde_json::json!({"filesystem": {"timeout": 3}, "cpu": false}));
    let errors = errors.unwrap_err();
    assert!(
        errors[0].to_string().contains("unknown field `timeout`"),
        "{errors:?}"
    );
    let clock = SystemClock::new();
    let mut sink = Sink::new();
    all.collect(&tick(&clock), &clock, &mut sink);
    assert_eq!(sink.value("node_load1", &[]), None);
    assert!(sink.value("node_memory_MemTotal_bytes", &[]).is_some());
}

/// The highest level of a rule whose condition holds at once for these signals.
pub(crate) fn level_of(rule: &Rule, signals: &[(&str, f64)]) -> model::Severity {
    let holds = |condition: &model::rule::Condition| {
        let value = signals.iter().find(|(name, _)| *name == condition.signal);
        value.is_some_and(|(_, value)| condition.op.holds(*value, condition.threshold))
    };
    let reached = rule
        .levels
        .iter()
        .filter(|level| level.any.iter().any(|a| a.all.iter().all(holds)));
    reached
        .map(|level| level.severity)
        .max()
        .unwrap_or_default()
}

/// The rule with this key of this collector.
pub(crate) fn rule(plugin: &Plugin, key: &str) -> Rule {
    plugin
        .rules()
        .unwrap()
        .into_iter()
        .find(|rule| rule.key == key)
        .unwrap()
}
