//! Runs check commands on their periods, a few at a time, spread over the period.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use exec::{Cancel, Ended, Report, Spec, Stream, run};
use stdx::{Clock, Env, SystemClock};

use super::Command;
use super::parse::{Output, output};
use crate::collector::{SettingsError, Wake};

/// Commands that run at once; more wait for their turn.
const RUNNING_MAX: usize = 4;
/// Bytes of a plugin's output that are kept.
const OUTPUT_BYTES: usize = 64 * 1024;

/// A command, ready to run.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) id: String,
    spec: Spec,
    every_ns: u64,
}

/// What a command said last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) status: u8,
    pub(super) duration_s: f64,
    pub(super) output: Output,
    /// Grows with every run.
    pub(super) runs: u64,
}

impl Job {
    pub(super) fn new(command: &Command) -> Result<Self, SettingsError> {
        let id = &command.id;
        let error = |what: String| SettingsError {
            collector: super::PLUGIN.name,
            what,
        };
        let Some((program, arguments)) = command.command.split_first() else {
            return Err(error(format!("`{id}`: `command` is empty")));
        };
        if id.is_empty() || !program.starts_with('/') {
            return Err(error(format!("`{id}`: give a name and an absolute path")));
        }
        let span = |text: &str, name: &str| {
            let span = stdx::parse_duration_ms(text).ok().filter(|&ms| ms >= 1_000);
            span.ok_or_else(|| error(format!("`{id}`: `{name}` must be a span such as `60s`")))
        };
        let every_ms = span(&command.every, "every")?;
        let mut spec = Spec::new(program).args(arguments.iter().cloned());
        spec.limits.time_ms = span(&command.timeout, "timeout")?;
        spec.limits.output_bytes = OUTPUT_BYTES;
        Ok(Self {
            id: id.clone(),
            spec,
            every_ns: every_ms.saturating_mul(1_000_000),
        })
    }
}

struct State {
    jobs: Vec<Slot>,
    running: usize,
    wake: Option<Wake>,
    stop: bool,
}

struct Slot {
    job: Job,
    due_ns: u64,
    cancel: Option<Cancel>,
    outcome: Option<Outcome>,
}

/// The running schedule; dropping it cancels what runs.
pub(super) struct Schedule(Arc<(Mutex<State>, Condvar)>);

impl Drop for Schedule {
    fn drop(&mut self) {
        let mut state = lock(&self.0.0);
        state.stop = true;
        state
            .jobs
            .iter()
            .filter_map(|slot| slot.cancel.as_ref())
            .for_each(Cancel::cancel);
        drop(state);
        self.0.1.notify_all();
    }
}

impl Schedule {
    pub(super) fn start(jobs: Vec<Job>, wake: Option<Wake>) -> std::io::Result<Self> {
        let clock = SystemClock::new();
        let slots = jobs.into_iter().map(|job| {
            // The first run lies within the first tenth of the period, elsewhere for each command.
            let offset_ns = spread(&job.id) % (job.every_ns / 10).max(1);
            Slot {
                due_ns: offset_ns,
                job,
                cancel: None,
                outcome: None,
            }
        });
        let state = State {
            jobs: slots.collect(),
            running: 0,
            wake,
            stop: false,
        };
        let shared = Arc::new((Mutex::new(state), Condvar::new()));
        let thread = std::thread::Builder::new()
            .name("checks".into())
            .stack_size(64 * 1024);
        let own = Arc::clone(&shared);
        thread.spawn(move || schedule(&own, &clock))?;
        Ok(Self(shared))
    }

    /// The name and the last outcome of every command.
    pub(super) fn outcomes(&self) -> Vec<(String, Option<Outcome>)> {
        let state = lock(&self.0.0);
        state
            .jobs
            .iter()
            .map(|slot| (slot.job.id.clone(), slot.outcome.clone()))
            .collect()
    }

    pub(super) fn set_wake(&self, wake: Wake) {
        lock(&self.0.0).wake = Some(wake);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// FNV-1a: spreads commands evenly, the same on every start.
fn spread(id: &str) -> u64 {
    id.bytes().fold(0xCBF2_9CE4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

fn schedule(shared: &Arc<(Mutex<State>, Condvar)>, clock: &SystemClock) {
    let (mutex, bell) = &**shared;
    let mut state = lock(mutex);
    while !state.stop {
        let now_ns = clock.mono_ns();
        let room = RUNNING_MAX.saturating_sub(state.running);
        let mut next_ns = now_ns + 60_000_000_000;
        let mut started = 0;
        for place in 0..state.jobs.len() {
            let Some(slot) = state.jobs.get_mut(place) else {
                break;
            };
            if slot.cancel.is_some() {
                continue;
            }
            if slot.due_ns > now_ns || started >= room {
                // Without room the end of a run wakes this loop.
                let due_ns = if slot.due_ns > now_ns {
                    slot.due_ns
                } else {
                    next_ns
                };
                next_ns = next_ns.min(due_ns);
                continue;
            }
            // Runs that were missed are not made up for.
            slot.due_ns = now_ns + slot.job.every_ns;
            next_ns = next_ns.min(slot.due_ns);
            started += usize::from(start_one(shared, slot, place));
        }
        state.running += started;
        let wait = Duration::from_nanos(next_ns.saturating_sub(now_ns).max(1_000_000));
        state = bell
            .wait_timeout(state, wait)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
}

fn start_one(shared: &Arc<(Mutex<State>, Condvar)>, slot: &mut Slot, place: usize) -> bool {
    let Ok(cancel) = Cancel::new() else {
        return false;
    };
    let (job, own, switch) = (slot.job.clone(), Arc::clone(shared), cancel.clone());
    let work = move || {
        let outcome = check(&job, &switch);
        let mut state = lock(&own.0);
        state.running -= 1;
        let Some(slot) = state.jobs.get_mut(place) else {
            return;
        };
        slot.cancel = None;
        let runs = slot.outcome.as_ref().map_or(0, |last| last.runs) + 1;
        let news = slot
            .outcome
            .as_ref()
            .is_none_or(|last| last.status != outcome.status);
        slot.outcome = Some(Outcome { runs, ..outcome });
        let wake = state.wake.clone().filter(|_| news);
        drop(state);
        own.1.notify_all();
        if let Some(wake) = wake {
            wake();
        }
    };
    let thread = std::thread::Builder::new()
        .name("check".into())
        .stack_size(128 * 1024);
    let started = thread.spawn(work).is_ok();
    slot.cancel = started.then_some(cancel);
    started
}

fn check(job: &Job, cancel: &Cancel) -> Outcome {
    match run(&job.spec, &Env::system(), Some(cancel), &mut |_, _, _| {}) {
        Ok(report) => outcome(&report, job.spec.limits.time_ms),
        Err(error) => {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            let line = format!("{error}: {}", source.unwrap_or_default());
            Outcome {
                status: 3,
                output: Output {
                    line,
                    perf: Vec::new(),
                },
                ..Outcome::default()
            }
        }
    }
}

/// What a finished plugin means: its exit code, or 3 with the reason as its line.
fn outcome(report: &Report, time_ms: u64) -> Outcome {
    let mut said = output(&report.transcript.bytes(Stream::Out));
    if said.line.is_empty() {
        said.line = output(&report.transcript.bytes(Stream::Err)).line;
    }
    let (status, why) = match report.ended {
        Ended::Exit(code @ 0..=3) => (u8::try_from(code).unwrap_or(3), None),
        Ended::Exit(code) => (3, Some(format!("exit code {code} is not one of 0 to 3"))),
        Ended::Signal(signal) => (3, Some(format!("ended by signal {signal}"))),
        Ended::TimeLimit { .. } => (3, Some(format!("took longer than {time_ms} ms"))),
        Ended::OutputLimit => (3, Some("wrote too much".to_owned())),
        Ended::Cancelled => (3, Some("was cancelled".to_owned())),
    };
    if let Some(why) = why {
        let line = std::mem::take(&mut said.line);
        said.line = if line.is_empty() {
            why
        } else {
            format!("{why}: {line}")
        };
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
    let duration_s = report.duration_ms as f64 / 1_000.0;
    Outcome {
        status,
        duration_s,
        output: said,
        runs: 0,
    }
}
