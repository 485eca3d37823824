//! One run from start to end: reads its output, keeps its limits, leaves nothing behind.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use std::os::unix::process::ExitStatusExt;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions};
use stdx::Env;

use crate::contain::Guard;
use crate::pidstat::{PidStat, seconds};
use crate::spawn::spawn;
use crate::spec::{Leftovers, Spec};
use crate::transcript::{Stream, Transcript};

/// A program that writes more than this is a mistake: it is ended, whatever its time limit.
pub const OUTPUT_TOTAL_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How often a run is looked at while nothing happens, in milliseconds.
const LOOK_MS: u64 = 200;
/// How long output may still come after everything was killed, in milliseconds.
const DRAIN_MS: u64 = 1_000;

/// How a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// By itself, with this code.
    Exit(i32),
    /// By this signal, not ours.
    Signal(i32),
    /// At its time limit; `killed` when it did not heed SIGTERM.
    TimeLimit {
        /// Whether SIGKILL was needed.
        killed: bool,
    },
    /// It wrote more than [`OUTPUT_TOTAL_BYTES_MAX`].
    OutputLimit,
    /// Somebody cancelled it.
    Cancelled,
}

/// What a run used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Processor time in programs, with children it waited for, in seconds.
    pub user_s: f64,
    /// Processor time in the kernel, in seconds.
    pub system_s: f64,
    /// Most memory in use at once: of the cgroup where counted, else of the program itself as
    /// sampled; zero when it ended before the first look.
    pub memory_bytes_max: u64,
}

/// Everything about a run that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// How it ended.
    pub ended: Ended,
    /// What it wrote.
    pub transcript: Transcript,
    /// When it was started, UTC milliseconds.
    pub started_at_ms: i64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What it used.
    pub usage: Usage,
    /// Processes it left behind that were killed.
    pub leftovers_killed: u32,
    /// Processes that could not be killed; always zero unless one changed its user.
    pub survivors: u32,
    /// How its descendants were held together: `cgroup` or `subreaper`.
    pub containment: &'static str,
}

impl Report {
    /// Whether it ended by itself with code zero.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.ended == Ended::Exit(0)
    }
}

/// Why a program was not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It could not be started.
    #[error("{program} cannot be started")]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another user was asked for, without the right to become one.
    #[error("only root may run a program as user `{user}`")]
    NotRoot {
        /// The user.
        user: String,
    },
    /// Its descendants cannot be held together here.
    #[error("the descendants of the program cannot be contained")]
    Contain(#[source] std::io::Error),
    /// The system refused something it always grants.
    #[error("the program cannot be watched")]
    Watch(#[source] std::io::Error),
}

/// Cancels a run from another thread.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<OwnedFd>);

impl Cancel {
    /// A switch that is off.
    ///
    /// # Errors
    /// When this process has no descriptor left.
    pub fn new() -> std::io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Self(Arc::new(rustix::event::eventfd(0, flags)?)))
    }

    /// Ends the run, as its time limit would.
    pub fn cancel(&self) {
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }
}

/// Runs a program and waits for its end; `on_output` sees what it writes as it is written.
///
/// # Errors
/// When it cannot be started, contained or watched; a program that fails is a [`Report`].
pub fn run(
    spec: &Spec,
    env: &Env,
    cancel: Option<&Cancel>,
    on_output: &mut dyn FnMut(u64, Stream, &[u8]),
) -> Result<Report, RunError> {
    let id = format!("{}-{:016x}", std::process::id(), env.entropy.next_u64());
    let mut guard = Guard::new(spec.containment, &id, &spec.limits).map_err(RunError::Contain)?;
    let started_at_ms = env.clock.now_ms();
    let start_ns = env.clock.mono_ns();
    let child = match spawn(spec, &guard, &id) {
        Ok(child) => child,
        Err(error) => {
            guard.release();
            return Err(error);
        }
    };
    guard.started(child.id());
    let transcript = Transcript::new(spec.limits.output_bytes);
    let usage = Usage::default();
    let left = (0, 0);
    let mut run = Run {
        spec,
        env,
        start_ns,
        guard,
        child,
        transcript,
        usage,
        stop: None,
        left,
    };
    let result = run.attend(cancel, on_output);
    run.finish(result, started_at_ms)
}

/// Why we ended a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Why {
    Time,
    Output,
    Cancelled,
}

/// That a run is being ended: why, since when, and whether SIGKILL was sent.
#[derive(Clone, Copy, Debug)]
struct Stop {
    why: Why,
    at_ms: u64,
    killed: bool,
}

struct Run<'a> {
    spec: &'a Spec,
    env: &'a Env,
    start_ns: u64,
    guard: Guard,
    child: Child,
    transcript: Transcript,
    usage: Usage,
    stop: Option<Stop>,
    /// Left behind and killed; could not be killed.
    left: (u32, u32),
}

/// The two pipes; none when the program closed its end.
struct Pipes {
    out: Option<OwnedFd>,
    err: Option<OwnedFd>,
}

impl Run<'_> {
    fn elapsed_ms(&self) -> u64 {
        self.env.clock.mono_ns().saturating_sub(self.start_ns) / 1_000_000
    }

    /// Reads and watches until the program has ended; it is not waited for yet.
    fn attend(
        &mut self,
        cancel: Option<&Cancel>,
        on_output: &mut dyn FnMut(u64, Stream, &[u8]),
    ) -> std::io::Result<()> {
        let mut pipes = Pipes {
            out: self.child.stdout.take().map(OwnedFd::from),
            err: self.child.stderr.take().map(OwnedFd::from),
        };
        for pipe in [&pipes.out, &pipes.err].into_iter().flatten() {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // Kernels before 5.3 have no pidfd: then the end is seen at the next look.
        let pidfd = pid.and_then(|pid| rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok());
        let mut look_ms = 25;
        let mut next_look_ms = look_ms;
        while !self.has_ended(pid) {
            let now_ms = self.elapsed_ms();
            if now_ms >= next_look_ms {
                self.look();
                look_ms = (look_ms * 2).min(LOOK_MS);
                next_look_ms = now_ms + look_ms;
            }
            self.keep_limits(now_ms);
            let wait_ms = if pidfd.is_some() {
                self.wait_ms(now_ms, next_look_ms)
            } else {
                10
            };
            let cancelled = wait(&pipes, pidfd.as_ref(), cancel, wait_ms)?;
            if cancelled && self.stop.is_none() {
                self.end(Why::Cancelled);
            }
            self.read(&mut pipes, on_output);
        }
        self.account();
        if self.spec.leftovers == Leftovers::Keep && self.stop.is_none() {
            self.read(&mut pipes, on_output);
            return Ok(());
        }
        self.kill_all();
        self.drain(&mut pipes, on_output)
    }

    /// Whether the program itself has ended; its number stays taken until it is waited for.
    fn has_ended(&self, pid: Option<Pid>) -> bool {
        let Some(pid) = pid else { return true };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        loop {
            match rustix::process::waitid(WaitId::Pid(pid), options) {
                Ok(ended) => return ended.is_some(),
                Err(Errno::INTR) => {}
                Err(_) => return true,
            }
        }
    }

    /// A look at a run under way: its descendants and its memory.
    fn look(&mut self) {
        self.guard.observe();
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let peak = status.ok().and_then(|status| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
        });
        let peak = peak.unwrap_or(0).saturating_mul(1024);
        self.usage.memory_bytes_max = self.usage.memory_bytes_max.max(peak);
    }

    /// The kernel keeps the sums until the program is waited for.
    fn account(&mut self) {
        let stat = std::fs::read(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        if let Some(stat) = PidStat::parse(&stat) {
            let ([user, system], [child_user, child_system]) = (stat.ticks, stat.child_ticks);
            self.usage.user_s = seconds(user.saturating_add(child_user));
            self.usage.system_s = seconds(system.saturating_add(child_system));
        }
        if let Some(peak) = self.guard.memory_bytes_max() {
            self.usage.memory_bytes_max = peak;
        }
    }

    fn keep_limits(&mut self, now_ms: u64) {
        match self.stop {
            None if now_ms >= self.spec.limits.time_ms => self.end(Why::Time),
            Some(stop) if !stop.killed && now_ms >= stop.at_ms + self.spec.limits.grace_ms => {
                self.stop = Some(Stop {
                    killed: true,
                    ..stop
                });
                self.kill_all();
            }
            _ => {}
        }
    }

    fn kill_all(&mut self) {
        let (killed, survivors) = self.guard.kill_all(self.child.id());
        self.left = (self.left.0 + killed, survivors);
    }

    /// Asks the whole run to end.
    fn end(&mut self, why: Why) {
        self.stop = Some(Stop {
            why,
            at_ms: self.elapsed_ms(),
            killed: false,
        });
        self.guard.terminate();
    }

    /// How long to sleep when nothing happens, up to the next thing that time brings.
    fn wait_ms(&self, now_ms: u64, next_look_ms: u64) -> u64 {
        let limits = self.spec.limits;
        let deadline_ms = match self.stop {
            None => limits.time_ms,
            Some(stop) if !stop.killed => stop.at_ms + limits.grace_ms,
            Some(_) => now_ms + LOOK_MS,
        };
        deadline_ms.min(next_look_ms).saturating_sub(now_ms).max(1)
    }

    /// Reads what is there without waiting, at most a mebibyte, so that limits are looked at.
    fn read(&mut self, pipes: &mut Pipes, on_output: &mut dyn FnMut(u64, Stream, &[u8])) {
        let at_ms = self.elapsed_ms();
        let mut buffer = [0; 32 * 1024];
        for (pipe, stream) in [(&mut pipes.out, Stream::Out), (&mut pipes.err, Stream::Err)] {
            for _ in 0..16 {
                let Some(open) = pipe else { break };
                match rustix::io::read(&*open, &mut buffer) {
                    Ok(0) => *pipe = None,
                    Ok(count) => {
                        let bytes = buffer.get(..count).unwrap_or_default();
                        self.transcript.push(at_ms, stream, bytes);
                        on_output(at_ms, stream, bytes);
                    }
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => break,
                    Err(_) => *pipe = None,
                }
            }
        }
        if self.transcript.total_bytes() > OUTPUT_TOTAL_BYTES_MAX && self.stop.is_none() {
            self.end(Why::Output);
        }
    }

    /// Reads what is still in the pipes after everybody is dead.
    fn drain(
        &mut self,
        pipes: &mut Pipes,
        on_output: &mut dyn FnMut(u64, Stream, &[u8]),
    ) -> std::io::Result<()> {
        let end_ms = self.elapsed_ms() + DRAIN_MS;
        loop {
            self.read(pipes, on_output);
            let open = pipes.out.is_some() || pipes.err.is_some();
            if !open || self.elapsed_ms() >= end_ms {
                return Ok(());
            }
            wait(pipes, None, None, 50)?;
        }
    }

    fn finish(mut self, watched: std::io::Result<()>, at_ms: i64) -> Result<Report, RunError> {
        if watched.is_err() {
            self.kill_all();
        }
        let status = self.child.wait();
        self.guard.reaped(self.child.id());
        let duration_ms = self.elapsed_ms();
        // Orphans of the run that ended just now are waited for here.
        self.guard.observe();
        let containment = self.guard.name();
        self.guard.release();
        watched.map_err(RunError::Watch)?;
        let status = status.map_err(RunError::Watch)?;
        let (leftovers_killed, survivors) = self.left;
        Ok(Report {
            ended: ended(self.stop, status),
            transcript: self.transcript,
            started_at_ms: at_ms,
            duration_ms,
            usage: self.usage,
            leftovers_killed,
            survivors,
            containment,
        })
    }
}

fn ended(stop: Option<Stop>, status: ExitStatus) -> Ended {
    match stop.map(|stop| (stop.why, stop.killed)) {
        Some((Why::Time, killed)) => Ended::TimeLimit { killed },
        Some((Why::Output, _)) => Ended::OutputLimit,
        Some((Why::Cancelled, _)) => Ended::Cancelled,
        None => match (status.code(), status.signal()) {
            (Some(code), _) => Ended::Exit(code),
            (None, signal) => Ended::Signal(signal.unwrap_or(0)),
        },
    }
}

/// Sleeps until output, the end, a cancellation or the time; says whether it was cancelled.
fn wait(
    pipes: &Pipes,
    pidfd: Option<&OwnedFd>,
    cancel: Option<&Cancel>,
    wait_ms: u64,
) -> std::io::Result<bool> {
    let pipes = [&pipes.out, &pipes.err].into_iter().flatten();
    let mut fds: Vec<PollFd<'_>> = pipes
        .chain(pidfd)
        .map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN))
        .collect();
    let switch = fds.len();
    fds.extend(cancel.map(|c| PollFd::from_borrowed_fd(c.0.as_fd(), PollFlags::IN)));
    let wait = Duration::from_millis(wait_ms);
    let wait = Timespec::try_from(wait).map_err(std::io::Error::other)?;
    match rustix::event::poll(&mut fds, Some(&wait)) {
        Ok(_) => Ok(fds
            .get(switch)
            .is_some_and(|fd| fd.revents().contains(PollFlags::IN))),
        Err(Errno::INTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}
