//! Reads the cgroups of watched units and emits their series.

use std::collections::HashMap;

use model::TargetKind;
use serde_json::Value;

use super::{PLUGIN, Settings, parse};
use crate::collector::{Collector, Discovered, SettingsError, Tick, each_once, settings_of};
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

#[derive(Debug, Default)]
pub(super) struct Unit {
    units: Vec<String>,
    bytes: Vec<u8>,
    last: HashMap<String, Last>,
    last_tick: Option<Tick>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Last {
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
        Ok(())
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
        for unit in std::mem::take(&mut self.units) {
            self.tell(root, (tree, &unit), (now, elapsed_s), out);
            self.units.push(unit);
        }
    }
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

    fn tell(
        &mut self,
        root: &Root,
        (tree, unit): (&str, &str),
        (now, elapsed_s): (&Tick, Option<f64>),
        out: &mut Sink,
    ) {
        let labels = [("watched", unit)];
        let found = self
            .folder(root, tree, unit)
            .filter(|(_, running)| *running);
        let running = found.is_some();
        out.put(
            "bongsu_watched_unit_running",
            &labels,
            if running { 1.0 } else { 0.0 },
        );
        let mut last = self.last.get(unit).copied().unwrap_or_default();
        if let Some((folder, _)) = &found {
            let inode = root.inode(format_args!("{folder}")).ok();
            if last.inode.is_some() && inode != last.inode {
                last = Last {
                    restarted_ms: Some(now.now_ms),
                    ..Last::default()
                };
            }
            last.inode = inode;
            last.cpu_us = self.usage(root, (folder, &labels), (last.cpu_us, elapsed_s), out);
        }
        let lately = last
            .restarted_ms
            .is_some_and(|ms| now.now_ms - ms < RESTARTED_MS);
        let restarted = if lately && running { 1.0 } else { 0.0 };
        out.put("bongsu_watched_unit_restarted", &labels, restarted);
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
