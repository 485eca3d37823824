//! What a collector is: it discovers, it collects, it says what it could not read.

use model::TargetKind;
use serde_json::Value;

use crate::field::Field;
use crate::root::Root;
use crate::sink::Sink;

/// The moment of one pass.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tick {
    /// Sample time: UTC milliseconds, anchored to the server's clock when there is a connection.
    pub now_ms: i64,
    /// Monotonic nanoseconds; rates are computed from it alone.
    pub mono_ns: u64,
    /// How far this host's own clock is ahead of the server's, in seconds; none while unmeasured.
    pub clock_offset_s: Option<f64>,
}

/// A thing that exists on the host and could be watched.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Discovered {
    /// Its kind, as in rules' targets: `filesystem`, `disk`, `interface`, `listener`, `unit`, ….
    pub kind: TargetKind,
    /// Its key within the host, as rules form it from labels: a mount point, a device.
    pub key: String,
    /// What a person calls it.
    pub title: String,
    /// More about it: file system type, size, process, address.
    pub attributes: Vec<(&'static str, String)>,
}

/// A setting that a collector refuses; says which and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("settings of collector `{collector}`: {what}")]
pub struct SettingsError {
    /// The collector.
    pub collector: &'static str,
    /// What is wrong, in words.
    pub what: String,
}

/// Called from any thread when something happened that should be measured at once.
pub type Wake = std::sync::Arc<dyn Fn() + Send + Sync>;

/// One collector. It keeps what it needs between passes, such as the counters of the last one.
pub trait Collector: Send {
    /// Takes its settings: the object under the collector's name, or `null` for the defaults.
    ///
    /// # Errors
    /// When a setting is malformed; the settings in force stay.
    fn configure(&mut self, settings: &Value) -> Result<(), SettingsError> {
        let _ = settings;
        Ok(())
    }

    /// What exists on this host and could be watched; asked every few minutes.
    fn discover(&mut self, root: &Root) -> Vec<Discovered> {
        let _ = root;
        Vec::new()
    }

    /// Takes the bell to ring when [`Collector::collect_urgent`] has something to tell.
    fn set_wake(&mut self, wake: Wake) {
        let _ = wake;
    }

    /// Tells only what changed since the last pass and cannot wait for the next, such as a death.
    fn collect_urgent(&mut self, root: &Root, now: &Tick, out: &mut Sink) {
        let _ = (root, now, out);
    }

    /// Measures once. Never blocks longer than its documented budget and never panics.
    fn collect(&mut self, root: &Root, now: &Tick, out: &mut Sink);
}

/// A collector as the list of all of them knows it: its name, its documents, how to make one.
#[derive(Clone, Copy, Debug)]
pub struct Plugin {
    /// Its name: the folder, the key of its settings, the first part of its statuses.
    pub name: &'static str,
    /// `metrics.toml`: every metric it emits.
    pub metrics: &'static str,
    /// `rules.toml`: its default rules, a `model::rule::RuleDocument`.
    pub rules: &'static str,
    /// `panel.toml`: its default graphs on the host page.
    pub panel: &'static str,
    /// Its settings, described so that the console can draw the form.
    pub fields: &'static [Field],
    /// Makes one with default settings.
    pub make: fn() -> Box<dyn Collector>,
}

/// Refuses a list in which two entries have the same name: their series would be the same too.
pub(crate) fn each_once<'a>(
    collector: &'static str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<(), SettingsError> {
    let mut seen = std::collections::BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(SettingsError {
                collector,
                what: format!("`{id}` is there twice"),
            });
        }
    }
    Ok(())
}

/// Reads a section of settings into a collector's own type; `null` gives the defaults.
pub(crate) fn settings_of<T>(collector: &'static str, section: &Value) -> Result<T, SettingsError>
where
    T: serde::de::DeserializeOwned + Default,
{
    if section.is_null() {
        return Ok(T::default());
    }
    serde::Deserialize::deserialize(section).map_err(|error: serde_json::Error| SettingsError {
        collector,
        what: error.to_string(),
    })
}
