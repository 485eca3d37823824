//! Emits what the watch knows, with the memory and processor time of the watched processes.

use std::collections::HashMap;

use exec::{PAGE_BYTES, PidStat};
use model::TargetKind;
use serde_json::Value;

use super::finder::Finder;
use super::parse::{Pattern, command_line, pid};
use super::watcher::{Count, ProcessWatcher};
use super::{PLUGIN, Settings};
use crate::collector::{Collector, Discovered, SettingsError, Tick, Wake, each_once, settings_of};
use crate::rate::seconds_between;
use crate::root::{ReadError, Root};
use crate::scan::as_f64;
use crate::sink::Sink;
use crate::status::Availability;

/// How long after an end a process that runs again counts as restarted by itself, in milliseconds.
const RESTARTED_MS: i64 = 5 * 60 * 1_000;
/// Kinds of processes discovered at most.
const DISCOVERED_MAX: usize = 500;

#[derive(Default)]
pub(super) struct Process {
    patterns: Vec<Pattern>,
    watcher: Option<ProcessWatcher>,
    wake: Option<Wake>,
    bytes: Vec<u8>,
    /// Processor seconds of each watched process at the last pass.
    cpu_s: HashMap<u32, f64>,
    last_tick: Option<Tick>,
    told: HashMap<String, Told>,
}

/// What was told of one watched kind of process.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    generation: u64,
    deaths: u64,
    last_death_ms: Option<i64>,
}

impl Collector for Process {
    fn configure(&mut self, settings: &Value) -> Result<(), SettingsError> {
        let settings: Settings = settings_of(PLUGIN.name, settings)?;
        each_once(
            PLUGIN.name,
            settings.watch.iter().map(|entry| entry.id.as_str()),
        )?;
        let patterns: Result<Vec<_>, _> = settings.watch.iter().map(Pattern::new).collect();
        self.patterns = patterns?;
        self.told.clear();
        if let Some(watcher) = &self.watcher {
            watcher.watch(self.patterns.clone());
        }
        Ok(())
    }

    fn set_wake(&mut self, wake: Wake) {
        if let Some(watcher) = &self.watcher {
            watcher.set_wake(wake.clone());
        }
        self.wake = Some(wake);
    }

    fn discover(&mut self, root: &Root) -> Vec<Discovered> {
        discover(root, &mut self.bytes)
    }

    fn collect_urgent(&mut self, root: &Root, now: &Tick, out: &mut Sink) {
        if root.is_live()
            && let Some(counts) = self.watcher.as_ref().and_then(ProcessWatcher::counts)
        {
            for count in counts {
                let told = self.told.get(&count.id);
                if told.is_none_or(|told| told.generation != count.generation) {
                    self.tell(&count, now, out);
                }
            }
        }
    }

    fn collect(&mut self, root: &Root, now: &Tick, out: &mut Sink) {
        if self.patterns.is_empty() {
            out.status_gone((PLUGIN.name, "watch"), "");
            return;
        }
        let state = match self.counts(root) {
            Ok(counts) => {
                let elapsed_s = self
                    .last_tick
                    .replace(*now)
                    .and_then(|last| seconds_between(&last, now));
                let mut cpu_s = HashMap::new();
                for count in &counts {
                    self.tell(count, now, out);
                    self.usage(root, count, (elapsed_s, &mut cpu_s), out);
                }
                self.cpu_s = cpu_s;
                Availability::Available
            }
            Err(state) => state,
        };
        out.status_is((PLUGIN.name, "watch"), "", state);
    }
}

impl Process {
    /// What runs now: of the live machine from the watch, of a copy by looking.
    fn counts(&mut self, root: &Root) -> Result<Vec<Count>, Availability> {
        if !root.is_live() {
            return count_once(root, &self.patterns).map_err(Availability::from);
        }
        if self.watcher.is_none() {
            let watcher = ProcessWatcher::start();
            let watcher = watcher.map_err(|error| Availability::Failed(error.to_string()))?;
            self.wake
                .iter()
                .for_each(|wake| watcher.set_wake(wake.clone()));
            watcher.watch(self.patterns.clone());
            self.watcher = Some(watcher);
            // The first pass looks itself rather than wait for the thread.
            return count_once(root, &self.patterns).map_err(Availability::from);
        }
        let watcher = self.watcher.as_ref().ok_or(Availability::NotAvailable)?;
        match (watcher.error(), watcher.counts()) {
            (Some(error), _) => Err(error.into()),
            (None, Some(counts)) => Ok(counts),
            (None, None) => count_once(root, &self.patterns).map_err(Availability::from),
        }
    }

    fn tell(&mut self, count: &Count, now: &Tick, out: &mut Sink) {
        let told = self.told.entry(count.id.clone()).or_default();
        if count.deaths > told.deaths {
            told.last_death_ms = Some(now.now_ms);
        }
        told.deaths = count.deaths.max(told.deaths);
        told.generation = count.generation;
        let lately = told
            .last_death_ms
            .is_some_and(|ms| now.now_ms - ms < RESTARTED_MS);
        let labels = [("watched", count.id.as_str())];
        let yes = |is: bool| if is { 1.0 } else { 0.0 };
        out.put(
            "bongsu_watched_process_count",
            &labels,
            as_f64(count.pids.len() as u64),
        );
        out.put(
            "bongsu_watched_process_running",
            &labels,
            yes(count.is_running()),
        );
        if let Some(surplus) = count.surplus() {
            let surplus = as_f64(surplus);
            out.put("bongsu_watched_process_surplus", &labels, surplus);
        }
        let restarted = yes(lately && count.is_running());
        out.put("bongsu_watched_process_restarted", &labels, restarted);
    }

    fn usage(
        &mut self,
        root: &Root,
        count: &Count,
        (elapsed_s, cpu_s): (Option<f64>, &mut HashMap<u32, f64>),
        out: &mut Sink,
    ) {
        let (mut memory_bytes, mut threads, mut used_s) = (0.0, 0.0, 0.0);
        for &pid in &count.pids {
            if root
                .readf(&mut self.bytes, format_args!("proc/{pid}/stat"))
                .is_err()
            {
                continue;
            }
            let Some(stat) = PidStat::parse(&self.bytes) else {
                continue;
            };
            memory_bytes += as_f64(stat.rss_pages) * PAGE_BYTES;
            threads += as_f64(stat.threads);
            let now_s = stat.cpu_s();
            // A process that is new used all of its time since the last pass.
            used_s += (now_s - self.cpu_s.get(&pid).copied().unwrap_or(0.0)).max(0.0);
            cpu_s.insert(pid, now_s);
        }
        let labels = [("watched", count.id.as_str())];
        out.put("bongsu_watched_process_memory_bytes", &labels, memory_bytes);
        out.put("bongsu_watched_process_threads", &labels, threads);
        let ratio = elapsed_s.map(|elapsed_s| used_s / elapsed_s);
        out.put_some("bongsu_watched_process_cpu_ratio", &labels, ratio);
    }
}

/// One look, without a thread.
fn count_once(root: &Root, patterns: &[Pattern]) -> Result<Vec<Count>, ReadError> {
    let mut finder = Finder::default();
    finder.scan(root, patterns)?;
    let counts = patterns.iter().enumerate().map(|(place, pattern)| {
        let members = finder.members().filter(|member| member.pattern == place);
        let mut pids: Vec<u32> = members.map(|member| member.pid).collect();
        pids.sort_unstable();
        let watched = pattern.watched();
        let (id, min_count) = (watched.id.clone(), watched.min_count);
        Count {
            id,
            min_count,
            max_count: watched.max_count,
            pids,
            ..Count::default()
        }
    });
    Ok(counts.collect())
}

/// Services that run: leaders of their session, or children of the first process, by name.
fn discover(root: &Root, bytes: &mut Vec<u8>) -> Vec<Discovered> {
    let mut pids = Vec::new();
    if root
        .list("proc", &mut |name| pids.extend(pid(name)))
        .is_err()
    {
        return Vec::new();
    }
    let mut found: Vec<Discovered> = Vec::new();
    for pid in pids {
        if found.len() >= DISCOVERED_MAX {
            break;
        }
        if root.readf(bytes, format_args!("proc/{pid}/stat")).is_err() {
            continue;
        }
        let Some(stat) = PidStat::parse(bytes) else {
            continue;
        };
        // The second process is the parent of all kernel threads.
        let of_kernel = stat.pid == 2 || stat.parent == 2;
        let service = stat.parent == 1 || (stat.session == stat.pid && stat.parent != 0);
        if of_kernel || !service || stat.state == b'Z' {
            continue;
        }
        let key = String::from_utf8_lossy(stat.name).into_owned();
        if found.iter().any(|known| known.key == key) {
            continue;
        }
        let command = match root.readf(bytes, format_args!("proc/{pid}/cmdline")) {
            Ok(()) => command_line(bytes).chars().take(200).collect(),
            Err(_) => String::new(),
        };
        let uid = root.owner(format_args!("proc/{pid}"));
        let mut attributes = vec![("command", command)];
        attributes.extend(uid.ok().map(|uid| ("uid", uid.to_string())));
        let title = key.clone();
        found.push(Discovered {
            kind: TargetKind::new("process"),
            key,
            title,
            attributes,
        });
    }
    found
}
