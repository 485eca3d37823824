//! What agents are to do: watched things of `watch` as settings of the collectors.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use db::BoxFuture;
use fleet::{AgentConfig, ConfigSource};
use model::CiId;
use serde_json::{Map, Value, json};
use watch::{Config, Watched, WatchedKind, config_for};

use super::Directory;

/// Watching as of the last change.
#[derive(Debug, Default)]
struct Known {
    config: Config,
    watched: Vec<Watched>,
}

/// Answers the fleet what a host's agent is to do; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct AgentSettings {
    directory: Directory,
    order_key: [u8; 32],
    known: Arc<RwLock<Arc<Known>>>,
}

impl AgentSettings {
    /// Settings that also name the key with which orders are signed.
    pub(crate) fn new(directory: Directory, order_key: [u8; 32]) -> Self {
        Self {
            directory,
            order_key,
            known: Arc::default(),
        }
    }

    /// Takes over groups and watched things.
    pub(crate) fn learn(&self, config: Config, watched: Vec<Watched>) {
        let known = Arc::new(Known { config, watched });
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

impl ConfigSource for AgentSettings {
    fn config_for(&self, host: CiId) -> BoxFuture<'_, AgentConfig> {
        let known = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let settings = self.directory.get(host).map_or(Value::Null, |host| {
            settings(&config_for(
                &self.directory.seen_by_watching(&host),
                &known.config,
                &known.watched,
            ))
        });
        let config = AgentConfig {
            interval_ms: self.directory.interval_ms(),
            settings_json: settings.to_string(),
            orders_allowed: true,
            order_keys: vec![self.order_key],
            backlog_per_s: 0,
        };
        Box::pin(async move { config })
    }
}

/// The settings of all collectors that watch something.
fn settings(watched: &[Watched]) -> Value {
    let mut lists: BTreeMap<(&str, &str), Vec<Value>> = BTreeMap::new();
    for thing in watched.iter().filter(|thing| thing.enabled) {
        let (place, entry) = entry(&thing.name, &thing.what);
        lists.entry(place).or_default().push(entry);
    }
    let mut collectors: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for ((collector, list), entries) in lists {
        collectors
            .entry(collector)
            .or_default()
            .insert(list.to_owned(), entries.into());
    }
    json!(collectors)
}

/// In which list of which collector a watched thing stands, and how.
fn entry(name: &str, what: &WatchedKind) -> ((&'static str, &'static str), Value) {
    match what {
        WatchedKind::Process {
            pattern,
            user,
            min,
            max,
        } => (
            ("process", "watch"),
            json!({ "id": name, "regex": pattern, "user": user, "min_count": min, "max_count": max }),
        ),
        WatchedKind::Unit { unit } => (("unit", "watch"), json!(unit)),
        WatchedKind::File { path } => (("file", "watch"), json!({ "id": name, "path": path })),
        // The collector sees a directory as the files that fit a pattern in it.
        WatchedKind::Directory { path, entries } => {
            let entries = if entries.is_empty() { "*" } else { entries };
            let path = format!("{}/{entries}", path.trim_end_matches('/'));
            (("file", "watch"), json!({ "id": name, "path": path }))
        }
        WatchedKind::Check {
            command,
            args,
            interval_s,
            timeout_s,
        } => {
            let program = std::iter::once(command.clone()).chain(args.iter().cloned());
            let command: Vec<String> = program.collect();
            let (every, limit) = (format!("{interval_s}s"), format!("{timeout_s}s"));
            let entry = json!({ "id": name, "command": command, "every": every, "timeout": limit });
            (("check", "commands"), entry)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_collector_understands_how_a_thing_is_watched() {
        let process = WatchedKind::Process {
            pattern: "nginx: master".into(),
            user: String::new(),
            min: 1,
            max: Some(4),
        };
        let check = WatchedKind::Check {
            command: "/usr/lib/nagios/plugins/check_ntp".into(),
            args: vec!["-H".into(), "localhost".into()],
            interval_s: 60,
            timeout_s: 10,
        };
        let unit = WatchedKind::Unit {
            unit: "nginx.service".into(),
        };
        let file = WatchedKind::File {
            path: "/var/backup/done".into(),
        };
        let directory = WatchedKind::Directory {
            path: "/var/spool/mail/".into(),
            entries: String::new(),
        };
        for what in [process, check, unit, file, directory] {
            let ((collector, list), value) = entry("one", &what);
            let settings = json!({ collector: { list: [value] } });
            let root = collect::Root::live().unwrap();
            let mut collectors = collect::Collectors::new(root, collect::ALL);
            assert!(collectors.configure(&settings).is_ok(), "{settings}");
        }
    }
}
