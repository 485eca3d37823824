//! Reads the cgroups of watched units and emits their series.

use std::collections::HashMap;

use model::TargetKind;
use serde_json::Value;

use super::watcher::UnitWatcher;
use super::{PLUGIN, Settings, bus, parse};
use crate::collector::{Collector, Discovered, SettingsError, Tick, Wake, each_once, settings_of};
use crate::rate::{increase, seconds_between};
use crate::root::{ReadError, Root};
use crate::scan::{as_f64, unsigned};
use crate::sink::Sink;

/// Where the hierarchy may be: version 2, hybrid, version 1.
const TREES: [&str; 3] = [
    "sys/fs/cgroup",
    "sys/fs/cgroup/unified",
    "sys/fs/cgroup/systemd",
];
/// How long after a restart the unit counts as restarted, in milliseconds.
const RESTARTED_MS: i64 = 5 * 60 * 1_000;

#[derive(Default)]
pub(super) struct Unit {
    units: Vec<String>,
    bytes: Vec<u8>,
    last: HashMap<String, Last>,
    last_tick: Option<Tick>,
    watcher: Option<UnitWatcher>,
    wake: Option<Wake>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Last {
    running: Option<bool>,
    inode: Option<u64>,
    restarted_ms: Option<i64>,
    cpu_us: Option<u64>,
}

impl Collector for Unit {
    fn configure(&mut self, settings: &Value) -> Result<(), SettingsError> {
        let settings: Settings = settings_of(PLUGIN.name, settings)?;
        if let Some(bad) = settings
            .watch
            .iter()
            .find(|name| name.is_empty() || name.contains('/'))
        {
            let what = format!("`{bad}` is not the name of a unit");
            return Err(SettingsError {
                collector: PLUGIN.name,
                what,
            });
        }
        let units: Vec<_> = settings
            .watch
            .iter()
            .map(|name| parse::full_name(name))
            .collect();
        each_once(PLUGIN.name, units.iter().map(String::as_str))?;
        self.units = units;
        self.watcher = None;
        Ok(())
    }

    fn set_wake(&mut self, wake: Wake) {
        self.watcher = None;
        self.wake = Some(wake);
    }

    fn collect_urgent(&mut self, root: &Root, now: &Tick, out: &mut Sink) {
        let Ok(tree) = tree(root) else { return };
        let units = std::mem::take(&mut self.units);
        let mut changed = Vec::new();
        for unit in &units {
            let running = self.folder(root, tree, unit).is_some_and(|(_, is)| is);
            let last = self.last.get(unit).and_then(|last| last.running);
            if last.is_some_and(|last| last != running) {
                changed.push((unit.as_str(), running));
            }
        }
        let failed = failed(root, changed.iter().map(|(_, running)| *running), out);
        for (unit, running) in changed {
            let last = self.last.get(unit).copied().unwrap_or_default();
            let found = (running, is_failed(failed.as_deref(), unit, running));
            let last = tell_state(unit, found, (root, tree, last), (now, out));
            self.last.insert(unit.to_owned(), last);
        }
        self.units = units;
    }

    fn discover(&mut self, root: &Root) -> Vec<Discovered> {
        let Ok(tree) = tree(root) else {
            return Vec::new();
        };
        let mut names = Vec::new();
        let _ = root.list(&format!("{tree}/system.slice"), &mut |name| {
            if name.ends_with(".service") {
                names.push(name.to_owned());
            }
        });
        let found = names.into_iter().filter(|unit| {
            self.folder(root, tree, unit)
                .is_some_and(|(_, running)| running)
        });
        let found: Vec<String> = found.collect();
        let discovered = found.into_iter().map(|unit| Discovered {
            kind: TargetKind::new("unit"),
            title: unit.trim_end_matches(".service").to_owned(),
            key: unit,
            attributes: Vec::new(),
        });
        discovered.collect()
    }

    fn collect(&mut self, root: &Root, now: &Tick, out: &mut Sink) {
        let tree = tree(root);
        out.status((PLUGIN.name, "systemd"), "", tree.map(|_| ()));
        let Ok(tree) = tree else { return };
        let elapsed_s = self
            .last_tick
            .replace(*now)
            .and_then(|last| seconds_between(&last, now));
        self.follow(root, tree);
        let units = std::mem::take(&mut self.units);
        let running = units
            .iter()
            .map(|unit| self.folder(root, tree, unit).is_some_and(|(_, is)| is));
        let running: Vec<bool> = running.collect();
        let failed = failed(root, running.iter().copied(), out);
        for (unit, running) in units.iter().zip(running) {
            let found = (running, is_failed(failed.as_deref(), unit, running));
            self.tell(root, (tree, unit, found), (now, elapsed_s), out);
        }
        self.units = units;
    }
}

/// The failed units, asked for only when a watched one does not run.
fn failed(
    root: &Root,
    mut running: impl Iterator<Item = bool>,
    out: &mut Sink,
) -> Option<Vec<String>> {
    if running.all(|running| running) {
        return Some(Vec::new());
    }
    let failed = bus::failed_units(root.path());
    out.status(
        (PLUGIN.name, "failed"),
        "",
        failed.as_ref().map(|_| ()).map_err(|error| *error),
    );
    failed.ok()
}

/// Whether a unit has failed; none when it does not run and systemd could not be asked.
fn is_failed(failed: Option<&[String]>, unit: &str, running: bool) -> Option<bool> {
    if running {
        return Some(false);
    }
    failed.map(|failed| failed.iter().any(|name| name == unit))
}

/// The tree that systemd keeps on this machine.
fn tree(root: &Root) -> Result<&'static str, ReadError> {
    // What `sd_booted` asks.
    if !root.exists("run/systemd/system") {
        return Err(ReadError::NotAvailable);
    }
    let here = |tree: &&&str| root.exists(&format!("{tree}/system.slice"));
    TREES
        .iter()
        .find(here)
        .copied()
        .ok_or(ReadError::NotAvailable)
}

impl Unit {
    /// The folder of a unit and whether it has processes; none when it does not exist.
    fn folder(&mut self, root: &Root, tree: &str, unit: &str) -> Option<(String, bool)> {
        let folder = format!("{tree}/{}", parse::folder(unit));
        if root
            .readf(&mut self.bytes, format_args!("{folder}/cgroup.events"))
            .is_ok()
        {
            return Some((folder, parse::populated(&self.bytes)?));
        }
        // Version 1 has no events; its list of processes says the same.
        root.readf(&mut self.bytes, format_args!("{folder}/cgroup.procs"))
            .ok()?;
        Some((folder, !self.bytes.is_empty()))
    }

    /// Has the thread watch what is watched now.
    fn follow(&mut self, root: &Root, tree: &str) {
        if self.watcher.is_some() || self.units.is_empty() || self.wake.is_none() {
            return;
        }
        // Without it everything is told at the interval.
        let Ok(watcher) = UnitWatcher::start() else {
            return;
        };
        let top = root.path().join(tree);
        let folders = self.units.iter().map(|unit| top.join(parse::folder(unit)));
        watcher.watch(folders.collect(), self.wake.clone());
        self.watcher = Some(watcher);
    }

    fn tell(
        &mut self,
        root: &Root,
        (tree, unit, found): (&str, &str, (bool, Option<bool>)),
        (now, elapsed_s): (&Tick, Option<f64>),
        out: &mut Sink,
    ) {
        let last = self.last.get(unit).copied().unwrap_or_default();
        let mut last = tell_state(unit, found, (root, tree, last), (now, out));
        if found.0 {
            let folder = format!("{tree}/{}", parse::folder(unit));
            let labels = [("watched", unit)];
            last.cpu_us = self.usage(root, (&folder, &labels), (last.cpu_us, elapsed_s), out);
        }
        self.last.insert(unit.to_owned(), last);
    }

    /// Memory, tasks and processor use, where the controllers are on; gives the new CPU counter.
    fn usage(
        &mut self,
        root: &Root,
        (folder, labels): (&str, &[(&str, &str)]),
        (before_us, elapsed_s): (Option<u64>, Option<f64>),
        out: &mut Sink,
    ) -> Option<u64> {
        let bytes = &mut self.bytes;
        for (file, metric) in [
            ("memory.current", "bongsu_watched_unit_memory_bytes"),
            ("pids.current", "bongsu_watched_unit_tasks"),
        ] {
            if root.readf(bytes, format_args!("{folder}/{file}")).is_ok() {
                out.put_some(metric, labels, unsigned(bytes).map(as_f64));
            }
        }
        root.readf(bytes, format_args!("{folder}/cpu.stat")).ok()?;
        let now_us = parse::field(bytes, b"usage_usec")?;
        if let (Some(before_us), Some(elapsed_s)) = (before_us, elapsed_s) {
            let used_s = increase(before_us, now_us).map(|us| us / 1e6 / elapsed_s);
            out.put_some("bongsu_watched_unit_cpu_ratio", labels, used_s);
        }
        Some(now_us)
    }
}

/// Whether it runs, has failed, was restarted lately; gives what is to be remembered.
fn tell_state(
    unit: &str,
    (running, failed): (bool, Option<bool>),
    (root, tree, mut last): (&Root, &str, Last),
    (now, out): (&Tick, &mut Sink),
) -> Last {
    let labels = [("watched", unit)];
    let yes = |is: bool| if is { 1.0 } else { 0.0 };
    out.put("bongsu_watched_unit_running", &labels, yes(running));
    out.put_some("bongsu_watched_unit_failed", &labels, failed.map(yes));
    last.running = Some(running);
    if running {
        let inode = root
            .inode(format_args!("{tree}/{}", parse::folder(unit)))
            .ok();
        if last.inode.is_some() && inode != last.inode {
            last = Last {
                restarted_ms: Some(now.now_ms),
                running: Some(running),
                ..Last::default()
            };
        }
        last.inode = inode;
    }
    let lately = last
        .restarted_ms
        .is_some_and(|ms| now.now_ms - ms < RESTARTED_MS);
    out.put(
        "bongsu_watched_unit_restarted",
        &labels,
        yes(lately && running),
    );
    last
}
