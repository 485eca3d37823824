//! Emits what is known of watched files.

use std::time::Duration;

use serde_json::Value;

use super::walk::{Found, look};
use super::{PLUGIN, Settings, Watched};
use crate::background::Background;
use crate::collector::{Collector, SettingsError, Tick, each_once, settings_of};
use crate::root::Root;
use crate::scan::as_f64;
use crate::sink::Sink;
use crate::status::Availability;

/// How long all watched files together may take.
const TIMEOUT: Duration = Duration::from_secs(2);
const SIGNAL: (&str, &str) = ("file", "watch");

#[derive(Default)]
pub(super) struct File {
    watch: Vec<Watched>,
    gone: Vec<String>,
    thread: Option<Background<Vec<String>, Vec<Found>>>,
}

impl Collector for File {
    fn configure(&mut self, settings: &Value) -> Result<(), SettingsError> {
        let settings: Settings = settings_of(PLUGIN.name, settings)?;
        each_once(
            PLUGIN.name,
            settings.watch.iter().map(|entry| entry.id.as_str()),
        )?;
        let bad = settings
            .watch
            .iter()
            .find(|w| w.id.is_empty() || !w.path.starts_with('/'));
        if let Some(Watched { id, .. }) = bad {
            let what = format!("`{id}`: give a name and an absolute path");
            return Err(SettingsError {
                collector: PLUGIN.name,
                what,
            });
        }
        let before = std::mem::replace(&mut self.watch, settings.watch);
        self.gone
            .extend(before.into_iter().map(|watched| watched.id));
        Ok(())
    }

    fn collect(&mut self, root: &Root, now: &Tick, out: &mut Sink) {
        self.gone
            .drain(..)
            .for_each(|id| out.status_gone(SIGNAL, &id));
        if self.watch.is_empty() {
            return;
        }
        let found = match self.look(root) {
            Ok(found) => found,
            Err(state) => {
                for watched in &self.watch {
                    out.status_is(SIGNAL, &watched.id, state.clone());
                }
                return;
            }
        };
        for (watched, found) in self.watch.iter().zip(&found) {
            let state = if found.not_permitted && found.count == 0 {
                // Whether it is there is not known: say neither that it is nor that it is not.
                Availability::NotPermitted
            } else if found.cut {
                tell(&watched.id, found, now, out);
                Availability::Failed("more names than are looked at".to_owned())
            } else {
                tell(&watched.id, found, now, out);
                Availability::Available
            };
            out.status_is(SIGNAL, &watched.id, state);
        }
    }
}

impl File {
    fn look(&mut self, root: &Root) -> Result<Vec<Found>, Availability> {
        let prefix = root
            .path()
            .to_string_lossy()
            .trim_end_matches('/')
            .to_owned();
        let paths = self
            .watch
            .iter()
            .map(|watched| format!("{prefix}{}", watched.path))
            .collect();
        if self.thread.is_none() {
            let work = |paths: Vec<String>| paths.iter().map(|path| look(path)).collect();
            let thread = Background::start("files", work);
            self.thread = Some(thread.map_err(|e| Availability::Failed(e.to_string()))?);
        }
        let thread = self.thread.as_mut().ok_or(Availability::NotAvailable)?;
        let hangs = || Availability::Failed("the file system does not answer".to_owned());
        thread.ask(paths, TIMEOUT).ok_or_else(hangs)
    }
}

fn tell(id: &str, found: &Found, now: &Tick, out: &mut Sink) {
    let labels = [("watched", id)];
    out.put(
        "bongsu_file_exists",
        &labels,
        if found.count > 0 { 1.0 } else { 0.0 },
    );
    out.put("bongsu_file_count", &labels, as_f64(found.count));
    out.put("bongsu_file_size_bytes", &labels, as_f64(found.size_bytes));
    // Files carry the host's own time; sample time is the server's.
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 are below 2^53"
    )]
    let age =
        |ms: i64| ((now.now_ms - ms) as f64 / 1_000.0 + now.clock_offset_s.unwrap_or(0.0)).max(0.0);
    out.put_some(
        "bongsu_file_newest_age_seconds",
        &labels,
        found.newest_ms.map(age),
    );
    out.put_some(
        "bongsu_file_oldest_age_seconds",
        &labels,
        found.oldest_ms.map(age),
    );
}
