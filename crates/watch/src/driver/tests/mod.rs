//! The driver: targets from labels, overrides, live edits, restarts, silence, broken rules.

mod restarts;

use std::sync::{Arc, Mutex};

use judge::{CELL_STATE, MarkKind, Sample, Snapshot, Values, WalPosition};
use model::flow::Transition;
use model::rule::Rule;
use model::{CiId, GroupId, Labels, OverrideId, RuleId, Selector, Severity, Target, TargetKind};

use super::{Arrival, BoardDelta, Catalog, Driver, OpenProblem, RULE_BROKEN, Source, Update};
use crate::matching::Matchers;
use crate::records::{Config, For, HostInfo, Override};

const START_MS: i64 = 1_700_000_000_000;
const WEB: CiId = CiId::from_bits(1);
const DB: CiId = CiId::from_bits(2);
const OWN: CiId = CiId::from_bits(99);
const DISK: RuleId = RuleId::from_bits(10);
const SILENT: RuleId = RuleId::from_bits(11);
const GROUP: GroupId = GroupId::from_bits(20);

/// Series in a list, as a metrics store would know them.
#[derive(Debug, Default)]
struct Known(Mutex<Vec<(CiId, Labels)>>);

impl Catalog for Known {
    fn by_selector(&self, selector: &Selector, each: &mut dyn FnMut(u32, CiId, &Labels)) {
        let matchers = Matchers::new(selector).unwrap();
        for (number, (ci, labels)) in (0..).zip(self.0.lock().unwrap().iter()) {
            if matchers.match_series(labels) {
                each(number, *ci, labels);
            }
        }
    }

    fn by_host(&self, host: CiId, each: &mut dyn FnMut(u32, &Labels)) {
        for (number, (ci, labels)) in (0..).zip(self.0.lock().unwrap().iter()) {
            if *ci == host {
                each(number, labels);
            }
        }
    }
}

/// A driver with two hosts and the file systems `/` and `/var` on each.
struct Ground {
    driver: Driver,
    known: Arc<Known>,
    config: Config,
    now_ms: i64,
}

fn disk_rule() -> Rule {
    let text = r#"{
        "key": "disk-used", "title": {"ko": "디스크", "en": "Disk"}, "group": "disk",
        "target": {"kind": "filesystem", "by": ["mountpoint"]},
        "signals": {"used": {"series": "used_ratio", "unit": "ratio"}},
        "levels": [{"severity": "warning", "any": [{"all": ["used > 80%"]}]},
                   {"severity": "major", "any": [{"all": ["used > 95%"]}]}]}"#;
    serde_json::from_str(text).unwrap()
}

fn silence_rule() -> Rule {
    let text = r#"{
        "key": "agent-silent", "title": {"ko": "무응답", "en": "Silent"}, "group": "agent",
        "target": {"kind": "host"}, "signals": {"missed": {"builtin": "missed_intervals"}},
        "levels": [{"severity": "minor", "any": [{"all": ["missed >= 3"]}]}]}"#;
    serde_json::from_str(text).unwrap()
}

fn host(ci: CiId, name: &str) -> HostInfo {
    HostInfo {
        ci,
        name: name.into(),
        os: "linux".into(),
        labels: [("env".to_owned(), "prod".to_owned())].into(),
        interval_ms: 10_000,
    }
}

fn change(id: u128, whom: For, key: Option<&str>, values: &str) -> Override {
    Override {
        id: OverrideId::from_bits(id),
        rule: DISK,
        whom,
        target_key: key.map(str::to_owned),
        values: serde_json::from_str::<Values>(values).unwrap(),
        why: "known".into(),
        by: "kim".into(),
        until_ms: None,
        version: 1,
        created_ms: START_MS,
        ended_ms: None,
    }
}

fn target(ci: CiId, key: &str) -> Target {
    Target {
        ci,
        kind: TargetKind::new("filesystem"),
        key: key.into(),
    }
}

impl Ground {
    fn new() -> Self {
        let known = Arc::new(Known::default());
        for ci in [WEB, DB] {
            for mountpoint in ["/", "/var"] {
                let labels = Labels::metric("used_ratio", &[("mountpoint", mountpoint)]).unwrap();
                known.0.lock().unwrap().push((ci, labels));
            }
        }
        let config = Config {
            rules: vec![(DISK, disk_rule()), (SILENT, silence_rule())],
            groups: vec![(
                GROUP,
                "web".into(),
                serde_json::from_str(r#"{"names": ["web*"]}"#).unwrap(),
            )],
            overrides: Vec::new(),
        };
        let mut ground = Self {
            driver: Driver::new(known.clone(), Some(OWN)),
            known,
            config,
            now_ms: START_MS,
        };
        ground.start();
        ground
    }

    fn start(&mut self) -> Vec<Transition> {
        let mut updates = self.driver.set_config(&self.config, self.now_ms);
        for (ci, name) in [(WEB, "web01"), (DB, "db01")] {
            updates.extend(self.driver.set_host(host(ci, name), self.now_ms));
        }
        updates.extend(self.driver.tick(self.mono_ms(), self.now_ms));
        transitions(updates)
    }

    fn mono_ms(&self) -> u64 {
        u64::try_from(self.now_ms - START_MS).unwrap()
    }

    /// One scrape of a host: `/` and `/var`.
    fn send(&mut self, ci: CiId, values: [f64; 2]) -> Vec<Transition> {
        self.now_ms += 10_000;
        let first = if ci == WEB { 0 } else { 2 };
        let samples: Vec<Sample> = (first..)
            .zip(values)
            .map(|(series, value)| Sample {
                series,
                at_ms: self.now_ms,
                value,
            })
            .collect();
        transitions(self.driver.ingest(Arrival {
            host: ci,
            mono_ms: self.mono_ms(),
            now_ms: self.now_ms,
            samples: &samples,
        }))
    }

    fn configure(&mut self) -> Vec<Transition> {
        transitions(self.driver.set_config(&self.config, self.now_ms))
    }
}

fn transitions(updates: Vec<Update>) -> Vec<Transition> {
    let found = updates.into_iter().filter_map(|update| match update {
        Update::Transition(transition) => Some(transition),
        Update::Marked(_) => None,
    });
    found.collect()
}

fn short(list: &[Transition]) -> Vec<String> {
    let line = |t: &Transition| {
        format!(
            "{} {} {}>{} {}",
            t.rule_key, t.target.key, t.from, t.to, t.because
        )
    };
    list.iter().map(line).collect()
}

#[test]
fn series_become_targets_and_samples_become_transitions_with_words() {
    let mut ground = Ground::new();
    assert_eq!(ground.driver.pair_count(), 6);
    let said = ground.send(WEB, [0.5, 0.85]);
    assert_eq!(short(&said), ["disk-used /var normal>warning used > 80%"]);
    assert_eq!(said[0].observed[0].value, 0.85);
    assert_eq!(
        (said[0].target.clone(), said[0].rule),
        (target(WEB, "/var"), DISK)
    );
    assert_eq!(said[0].at_ms, ground.now_ms);

    // A file system that appears later is watched at once.
    let labels = Labels::metric("used_ratio", &[("mountpoint", "/data")]).unwrap();
    ground.known.0.lock().unwrap().push((WEB, labels.clone()));
    ground.driver.on_new_series(4, WEB, &labels, ground.now_ms);
    assert_eq!(ground.driver.pair_count(), 7);
    let states = ground.driver.state_of(WEB);
    assert_eq!(states[0].target.key, "/var");
    assert_eq!(
        (states[0].severity, states[0].series),
        (Severity::Warning, 1)
    );
}

#[test]
fn the_most_specific_override_wins_and_one_disk_of_one_host_can_be_muted() {
    let mut ground = Ground::new();
    ground.send(WEB, [0.85, 0.85]);
    ground.send(DB, [0.85, 0.85]);
    let raise =
        |to| format!(r#"{{"levels": [{{"severity": "warning", "conditions": ["used > {to}"]}}]}}"#);
    ground.config.overrides = vec![
        change(1, For::Group(GROUP), None, &raise("90%")),
        change(2, For::Host(DB), Some("/var"), r#"{"enabled": false}"#),
    ];
    let said = ground.configure();
    assert_eq!(short(&said), ["disk-used /var warning>normal muted"]);
    assert_eq!(said[0].target.ci, DB);
    let said = ground.send(WEB, [0.85, 0.85]);
    assert_eq!(
        short(&said),
        [
            "disk-used / warning>normal used > 90%",
            "disk-used /var warning>normal used > 90%"
        ]
    );
    assert_eq!(short(&ground.send(DB, [0.85, 0.99])), [""; 0]);

    ground
        .config
        .overrides
        .push(change(3, For::Host(WEB), Some("/"), &raise("60%")));
    assert_eq!(short(&ground.configure()), [""; 0]);
    let said = ground.send(WEB, [0.65, 0.65]);
    assert_eq!(short(&said), ["disk-used / normal>warning used > 60%"]);
    let why = ground
        .driver
        .why(DISK, &target(WEB, "/"), ground.now_ms)
        .unwrap();
    assert_eq!(why.rule.levels[0].any[0].all[0].threshold, 0.6);
    assert_eq!(why.changes.len(), 1);
    let (what, Source::Override(from, whom)) = &why.changes[0] else {
        panic!("{:?}", why.changes);
    };
    assert_eq!(
        (what.what.as_str(), whom.as_str()),
        ("levels.warning.any", "host web01")
    );
    assert_eq!((from.by.as_str(), from.why.as_str()), ("kim", "known"));
    let muted = ground
        .driver
        .why(DISK, &target(DB, "/var"), ground.now_ms)
        .unwrap();
    assert_eq!(muted.not_judged.as_deref(), Some("muted"));
}

#[test]
fn a_temporary_mute_ends_by_itself() {
    let mut ground = Ground::new();
    let mut mute = change(1, For::Host(WEB), None, r#"{"enabled": false}"#);
    mute.until_ms = Some(START_MS + 60_000);
    ground.config.overrides = vec![mute];
    ground.configure();
    assert_eq!(short(&ground.send(WEB, [0.99, 0.5])), [""; 0]);
    ground.now_ms += 60_000;
    ground.driver.tick(ground.mono_ms(), ground.now_ms);
    assert_eq!(
        short(&ground.send(WEB, [0.99, 0.5])),
        ["disk-used / normal>major used > 95%"]
    );
}

#[test]
fn edits_keep_what_they_do_not_touch_and_retired_rules_close_their_problems() {
    let mut ground = Ground::new();
    ground.send(WEB, [0.5, 0.99]);
    ground.config.rules[0].1.levels[0].any[0].all[0] = "used > 70%".parse().unwrap();
    assert_eq!(short(&ground.configure()), [""; 0]);
    assert_eq!(
        short(&ground.send(WEB, [0.75, 0.99])),
        ["disk-used / normal>warning used > 70%"]
    );

    ground.config.rules[0].1.scope.hosts = vec!["db01".into()];
    let mut said = short(&ground.configure());
    said.sort();
    assert_eq!(
        said,
        [
            "disk-used / warning>normal host left the rule's scope",
            "disk-used /var major>normal host left the rule's scope"
        ]
    );
    ground.config.rules[0].1.scope.hosts.clear();
    ground.configure();
    assert_eq!(
        short(&ground.send(WEB, [0.5, 0.99])),
        ["disk-used /var normal>major used > 95%"]
    );
    ground.config.rules[0].1.enabled = false;
    assert_eq!(
        short(&ground.configure()),
        ["disk-used /var major>normal rule switched off"]
    );
    ground.config.rules[0].1.enabled = true;
    ground.configure();
    ground.send(WEB, [0.5, 0.99]);
    ground.config.rules.remove(0);
    assert_eq!(
        short(&ground.configure()),
        ["disk-used /var major>normal rule retired"]
    );
}

#[test]
fn a_rule_with_other_signals_is_fed_by_other_series() {
    let mut ground = Ground::new();
    ground.send(WEB, [0.99, 0.99]);
    let selector = Selector::parse(r#"used_ratio{mountpoint!="/"}"#).unwrap();
    ground.config.rules[0]
        .1
        .signals
        .get_mut("used")
        .unwrap()
        .series = Some(selector);
    assert_eq!(
        short(&ground.configure()),
        ["disk-used / major>normal rule selects other series now"]
    );
    assert_eq!(
        short(&ground.send(WEB, [0.99, 0.1])),
        ["disk-used /var major>normal used > 95%"]
    );
    ground.config.rules[0].1.target.by = vec!["mountpoint".into(), "__name__".into()];
    ground.configure();
    let said = ground.send(WEB, [0.99, 0.99]);
    assert_eq!(said[0].target.key, "/var:used_ratio");
}

#[test]
fn a_group_follows_the_labels_of_its_hosts() {
    let mut ground = Ground::new();
    let canary = serde_json::from_str(r#"{"labels": "{env=\"canary\"}"}"#).unwrap();
    ground
        .config
        .groups
        .push((GroupId::from_bits(21), "canary".into(), canary));
    ground.config.rules[0].1.scope.groups = vec!["canary".into()];
    ground.configure();
    assert_eq!(ground.driver.pair_count(), 2);
    let mut moved = host(WEB, "web01");
    moved.labels.insert("env".into(), "canary".into());
    ground.driver.set_host(moved.clone(), ground.now_ms);
    assert_eq!(ground.driver.pair_count(), 4);
    assert_eq!(
        ground.driver.members(&ground.config.groups[1].2).unwrap(),
        [WEB]
    );
    ground.send(WEB, [0.99, 0.5]);
    moved.labels.clear();
    let said = transitions(ground.driver.set_host(moved, ground.now_ms));
    assert_eq!(
        short(&said),
        ["disk-used / major>normal host left the rule's scope"]
    );
    ground.send(DB, [0.99, 0.5]);
    let status = ground.driver.rule_status(DISK);
    assert_eq!((status.hosts, status.targets), (0, 0));
}

#[test]
fn a_restart_goes_on_from_snapshot_and_records() {
    let mut ground = Ground::new();
    ground.send(WEB, [0.99, 0.85]);
    let position = WalPosition {
        segment: 1,
        offset: 2,
    };
    let bytes = ground.driver.snapshot(position, ground.now_ms);
    ground.send(WEB, [0.99, 0.1]);
    let missed = ground.now_ms;

    let folder = testkit::TempDir::new();
    let path = folder.join("judge.snapshot");
    assert!(super::load_snapshot(&path).unwrap().is_none());
    super::save_snapshot(&path, &bytes).unwrap();
    let snapshot = super::load_snapshot(&path).unwrap().unwrap();
    assert_eq!(snapshot.wal, position);
    ground.driver = Driver::new(ground.known.clone(), Some(OWN));
    ground.driver.restore(snapshot);
    assert_eq!(short(&ground.start()), [""; 0]);
    let replayed = ground.driver.replay(
        &[Sample {
            series: 1,
            at_ms: missed,
            value: 0.1,
        }],
        ground.now_ms,
    );
    assert_eq!(
        short(&transitions(replayed)),
        ["disk-used /var warning>normal used > 80%"]
    );

    let open = |rule, target, severity| OpenProblem {
        rule,
        target,
        severity,
        at_ms: missed,
    };
    let gone = RuleId::from_bits(77);
    let said = transitions(ground.driver.reconcile(
        vec![
            open(DISK, target(WEB, "/"), Severity::Major),
            open(SILENT, Target::host(DB), Severity::Minor),
            open(gone, target(WEB, "/"), Severity::Critical),
        ],
        ground.now_ms,
    ));
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].rule, said[0].to), (gone, Severity::Normal));
    let said = ground.send(DB, [0.1, 0.1]);
    assert_eq!(short(&said), ["agent-silent  minor>normal missed >= 3"]);
    assert_eq!(short(&ground.send(WEB, [0.99, 0.1])), [""; 0]);

    std::fs::write(&path, b"BONGSUJ\n, but not really").unwrap();
    let error = super::load_snapshot(&path).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("version"), "{source}");
    assert!(Snapshot::decode(&bytes).is_ok());
}

#[test]
fn a_silent_host_is_one_problem_and_its_other_cells_are_unknown() {
    let mut ground = Ground::new();
    ground.send(WEB, [0.5, 0.99]);
    let column = |name: &str| {
        let board = ground.driver.board();
        let at = board
            .columns
            .iter()
            .position(|column| column == name)
            .unwrap();
        let row = board.hosts.iter().find(|(ci, _)| *ci == WEB).unwrap();
        row.1[at] & CELL_STATE
    };
    assert_eq!((column("disk"), column("agent"), column("cpu")), (4, 0, 7));
    let generation = ground.driver.board_generation();
    let mut updates = Vec::new();
    for second in 1..=40_u64 {
        let mono_ms = ground.mono_ms() + second * 1_000;
        let now_ms = ground.now_ms + i64::try_from(second).unwrap() * 1_000;
        updates.extend(ground.driver.tick(mono_ms, now_ms));
    }
    let frozen = updates.iter().any(|update| {
        matches!(update, Update::Marked(mark)
            if mark.kind == MarkKind::NoData && mark.target == target(WEB, "/var"))
    });
    assert!(frozen, "{updates:?}");
    let web: Vec<Transition> = transitions(updates)
        .into_iter()
        .filter(|t| t.target.ci == WEB)
        .collect();
    assert_eq!(short(&web), ["agent-silent  normal>minor missed >= 3"]);
    assert_eq!((column("disk"), column("agent")), (6, 3));
    assert!(ground.driver.is_silent(WEB));
    let BoardDelta::Cells { cells, .. } = ground.driver.board_since(generation) else {
        panic!("the changes are still there");
    };
    assert!(cells.contains(&(WEB, 3, 6)), "{cells:?}");
    assert!(matches!(
        ground.driver.board_since(u64::MAX),
        BoardDelta::Whole(_)
    ));
}

#[test]
fn a_rule_that_cannot_be_judged_is_a_problem_and_the_old_form_goes_on() {
    let mut ground = Ground::new();
    ground.send(WEB, [0.99, 0.1]);
    let good = ground.config.rules[0].1.signals["used"].series.clone();
    let wrong = Selector::parse(r#"used_ratio{mountpoint=~"("}"#).unwrap();
    ground.config.rules[0]
        .1
        .signals
        .get_mut("used")
        .unwrap()
        .series = Some(wrong);
    let said = ground.configure();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!((said[0].rule, said[0].target.ci), (RULE_BROKEN, OWN));
    assert_eq!(
        (said[0].to, said[0].notify_from),
        (Severity::Minor, Severity::Minor)
    );
    assert!(
        said[0].because.contains("regular expression"),
        "{}",
        said[0].because
    );
    assert!(said[0].title.ko.starts_with("감시 설정을 판정할 수 없음"));
    assert!(ground.driver.rule_status(DISK).wrong.is_some());
    assert_eq!(
        short(&ground.send(WEB, [0.1, 0.99])).len(),
        2,
        "still judged as before"
    );

    ground.config.rules[0]
        .1
        .signals
        .get_mut("used")
        .unwrap()
        .series = good;
    let said = ground.configure();
    assert_eq!((said.len(), said[0].to), (1, Severity::Normal));
}

#[test]
fn a_rule_without_any_usable_value_is_told_after_five_minutes() {
    let mut ground = Ground::new();
    let mut said = Vec::new();
    for _ in 0..40 {
        ground.send(DB, [f64::NAN, f64::NAN]);
        ground.send(WEB, [f64::NAN, f64::NAN]);
        said.extend(transitions(
            ground.driver.tick(ground.mono_ms(), ground.now_ms),
        ));
    }
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].target.key, DISK.to_string());
    assert_eq!(ground.driver.rule_status(DISK).cannot_judge, 4);
    let mut whole = ground.send(WEB, [0.5, 0.5]);
    for _ in 0..4 {
        whole.extend(ground.send(WEB, [0.5, 0.5]));
        whole.extend(transitions(
            ground.driver.tick(ground.mono_ms(), ground.now_ms),
        ));
    }
    assert_eq!((whole.len(), whole[0].to), (1, Severity::Normal));
}

#[test]
fn a_host_taken_out_of_service_closes_its_problems() {
    let mut ground = Ground::new();
    ground.send(WEB, [0.99, 0.99]);
    let said = transitions(ground.driver.remove_host(WEB, ground.now_ms));
    assert_eq!(said.len(), 2);
    assert!(
        said.iter()
            .all(|t| t.to == Severity::Normal && t.at_ms > ground.now_ms - 1)
    );
    assert_eq!(short(&ground.send(WEB, [0.99, 0.99])), [""; 0]);
    let board = ground.driver.board();
    assert_eq!(board.hosts.len(), 1);
    ground.driver.set_host(host(WEB, "web01"), ground.now_ms);
    assert_eq!(
        ground.send(WEB, [0.99, 0.99]).len(),
        2,
        "it comes back with its targets"
    );
}

#[test]
fn a_selector_that_matches_nothing_is_allowed_but_said() {
    let mut ground = Ground::new();
    let mut rule = disk_rule();
    rule.key = "typo".into();
    rule.signals.get_mut("used").unwrap().series = Some(Selector::metric("usde_ratio"));
    let id = RuleId::from_bits(30);
    ground.config.rules.push((id, rule));
    assert_eq!(short(&ground.configure()), [""; 0]);
    let status = ground.driver.rule_status(id);
    assert_eq!((status.hosts, status.targets), (2, 0));
    assert_eq!(status.empty_signals, ["used"]);
}
