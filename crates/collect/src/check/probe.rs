//! Emits what check commands said last.

use std::collections::HashMap;

use model::TargetKind;
use serde_json::Value;

use super::schedule::{Job, Outcome, Schedule};
use super::{PLUGIN, Settings};
use crate::collector::{Collector, Discovered, SettingsError, Tick, Wake, each_once, settings_of};
use crate::root::Root;
use crate::sink::Sink;
use crate::status::Availability;

const SIGNAL: (&str, &str) = ("check", "command");

#[derive(Default)]
pub(super) struct Check {
    jobs: Vec<Job>,
    schedule: Option<Schedule>,
    wake: Option<Wake>,
    /// The run of each check that was told last.
    told: HashMap<String, u64>,
    gone: Vec<String>,
}

impl Collector for Check {
    fn configure(&mut self, settings: &Value) -> Result<(), SettingsError> {
        let settings: Settings = settings_of(PLUGIN.name, settings)?;
        each_once(
            PLUGIN.name,
            settings.commands.iter().map(|entry| entry.id.as_str()),
        )?;
        let jobs: Result<Vec<_>, _> = settings.commands.iter().map(Job::new).collect();
        let jobs = jobs?;
        let before = std::mem::replace(&mut self.jobs, jobs)
            .into_iter()
            .map(|job| job.id);
        let here = |id: &String| self.jobs.iter().any(|job| job.id == *id);
        self.gone.extend(before.filter(|id| !here(id)));
        self.told.clear();
        self.schedule = None;
        Ok(())
    }

    fn set_wake(&mut self, wake: Wake) {
        if let Some(schedule) = &self.schedule {
            schedule.set_wake(wake.clone());
        }
        self.wake = Some(wake);
    }

    fn discover(&mut self, _root: &Root) -> Vec<Discovered> {
        let found = self.jobs.iter().map(|job| Discovered {
            kind: TargetKind::new("check"),
            key: job.id.clone(),
            title: job.id.clone(),
            attributes: Vec::new(),
        });
        found.collect()
    }

    fn collect_urgent(&mut self, _root: &Root, _now: &Tick, out: &mut Sink) {
        for (id, outcome) in self.schedule.iter().flat_map(Schedule::outcomes) {
            if let Some(outcome) = outcome
                && self.told.insert(id.clone(), outcome.runs) != Some(outcome.runs)
            {
                tell(&id, &outcome, out);
            }
        }
    }

    fn collect(&mut self, root: &Root, _now: &Tick, out: &mut Sink) {
        for id in self.gone.drain(..) {
            out.status_gone(SIGNAL, &id);
            out.note(PLUGIN.name, &id, "");
        }
        // Commands belong to this machine: a copy of another one has none.
        if self.jobs.is_empty() || !root.is_live() {
            return;
        }
        if self.schedule.is_none() {
            match Schedule::start(self.jobs.clone(), self.wake.clone()) {
                Ok(schedule) => self.schedule = Some(schedule),
                Err(error) => {
                    out.status_is(SIGNAL, "", Availability::Failed(error.to_string()));
                    return;
                }
            }
        }
        for (id, outcome) in self.schedule.iter().flat_map(Schedule::outcomes) {
            if let Some(outcome) = outcome {
                self.told.insert(id.clone(), outcome.runs);
                tell(&id, &outcome, out);
            }
        }
    }
}

fn tell(id: &str, outcome: &Outcome, out: &mut Sink) {
    let labels = [("check", id)];
    out.put("bongsu_check_status", &labels, f64::from(outcome.status));
    out.put("bongsu_check_duration_seconds", &labels, outcome.duration_s);
    for perf in &outcome.output.perf {
        let labels = [("check", id), ("label", perf.label.as_str())];
        out.put("bongsu_check_perf", &labels, perf.value);
    }
    out.status_is(SIGNAL, id, Availability::Available);
    out.note(PLUGIN.name, id, &outcome.output.line);
}
