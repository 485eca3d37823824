//! All collectors together: one pass, one discovery, and what each of them cost.

use serde_json::Value;
use stdx::Clock;

use crate::collector::{Collector, Discovered, Plugin, SettingsError, Tick, Wake};
use crate::root::Root;
use crate::sink::Sink;

/// All collectors of this program, with their state between passes.
pub struct Collectors {
    root: Root,
    members: Vec<Member>,
}

struct Member {
    plugin: Plugin,
    collector: Box<dyn Collector>,
    enabled: bool,
    last_ns: u64,
}

impl std::fmt::Debug for Collectors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.members.iter().map(|m| m.plugin.name))
            .finish()
    }
}

impl Collectors {
    /// One of each in `plugins` (usually [`crate::ALL`]), with default settings.
    #[must_use]
    pub fn new(root: Root, plugins: &[Plugin]) -> Self {
        let members = plugins.iter().map(|&plugin| Member {
            plugin,
            collector: (plugin.make)(),
            enabled: true,
            last_ns: 0,
        });
        Self {
            root,
            members: members.collect(),
        }
    }

    /// Hands every collector its section: an object with the collectors' names as keys; `false`
    /// instead of a section switches a collector off. Missing sections mean the defaults.
    ///
    /// # Errors
    /// One for every malformed section; the others are in force nevertheless.
    pub fn configure(&mut self, settings: &Value) -> Result<(), Vec<SettingsError>> {
        let mut errors = Vec::new();
        for member in &mut self.members {
            let section = settings.get(member.plugin.name).unwrap_or(&Value::Null);
            member.enabled = *section != Value::Bool(false);
            let section = if section.is_boolean() {
                &Value::Null
            } else {
                section
            };
            errors.extend(member.collector.configure(section).err());
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }

    /// One pass: the sink then holds the samples. `clock` measures what each collector costs.
    pub fn collect(&mut self, now: &Tick, clock: &dyn Clock, out: &mut Sink) {
        out.begin(now);
        for member in self.members.iter_mut().filter(|member| member.enabled) {
            let start_ns = clock.mono_ns();
            member.collector.collect(&self.root, now, out);
            member.last_ns = clock.mono_ns().saturating_sub(start_ns);
        }
        for member in self.members.iter().filter(|member| member.enabled) {
            let seconds = crate::scan::as_f64(member.last_ns) / 1e9;
            out.put(
                "bongsu_collector_seconds",
                &[("collector", member.plugin.name)],
                seconds,
            );
        }
    }

    /// Hands every collector the bell; call [`Collectors::collect_urgent`] when it rings.
    pub fn set_wake(&mut self, wake: &Wake) {
        self.members
            .iter_mut()
            .for_each(|member| member.collector.set_wake(wake.clone()));
    }

    /// A pass that holds only what cannot wait; cheap, and empty when nothing happened.
    pub fn collect_urgent(&mut self, now: &Tick, out: &mut Sink) {
        out.begin(now);
        for member in self.members.iter_mut().filter(|member| member.enabled) {
            member.collector.collect_urgent(&self.root, now, out);
        }
    }

    /// Everything that exists on this host and could be watched, sorted, each thing once.
    pub fn discover(&mut self) -> Vec<Discovered> {
        let mut found = Vec::new();
        for member in self.members.iter_mut().filter(|member| member.enabled) {
            found.extend(member.collector.discover(&self.root));
        }
        found.sort();
        found.dedup_by(|a, b| (&a.kind, &a.key) == (&b.kind, &b.key));
        found
    }

    /// What one pass of each collector cost last, in nanoseconds of the monotonic clock.
    pub fn costs(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.members
            .iter()
            .map(|member| (member.plugin.name, member.last_ns))
    }

    /// The root that is measured.
    #[must_use]
    pub const fn root(&self) -> &Root {
        &self.root
    }
}
