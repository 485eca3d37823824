//! What the agent's threads share: the queue, fresh samples, the server's wishes, ways to wake.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use stdx::Env;
use wire::Kind;

use crate::anchor::Anchor;
use crate::dictionary::Dictionary;
use crate::error::AgentError;
use crate::log;
use crate::queue::{Moment, Queue};
use crate::settings::Settings;

/// Fresh passes that wait for the connection; an older one becomes backlog.
const FRESH_MAX: usize = 8;

/// Wakes a thread that polls.
#[derive(Debug)]
pub(crate) struct Waker(OwnedFd);

impl Waker {
    fn new() -> Result<Self, AgentError> {
        let made = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let failed = AgentError::system("make an event descriptor");
        made.map(Self).map_err(|errno| failed(errno.into()))
    }

    pub(crate) fn wake(&self) {
        // It is full only when nobody has looked 2^64 times.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    pub(crate) fn settle(&self) {
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }

    pub(crate) const fn fd(&self) -> &OwnedFd {
        &self.0
    }
}

/// Waits until one of the descriptors is ready or the time is over.
pub(crate) fn wait(fds: &mut [PollFd<'_>], timeout_ms: u64) {
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout_ms / 1_000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(timeout_ms % 1_000).unwrap_or(0) * 1_000_000,
    };
    // A signal ends the wait early, which every caller can bear.
    let _ = poll(fds, Some(&timeout));
}

/// A descriptor to wait for input on.
pub(crate) fn readable<Fd: std::os::fd::AsFd>(fd: &Fd) -> PollFd<'_> {
    PollFd::new(fd, PollFlags::IN)
}

/// A pass that is to be sent at once.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) seq: u64,
    /// It is in the queue too; otherwise it is lost when it cannot be sent.
    pub(crate) on_disk: bool,
    pub(crate) epoch: u32,
    pub(crate) moment: Moment,
    pub(crate) samples: Vec<(u32, f64)>,
}

/// What passes between the collecting thread and the connection.
#[derive(Debug, Default)]
pub(crate) struct Hand {
    pub(crate) dictionary: Dictionary,
    pub(crate) fresh: VecDeque<Fresh>,
    /// The newest pass that did not fit into `fresh`: it is backlog.
    pub(crate) overflow: Option<u64>,
    pub(crate) connected: bool,
    pub(crate) clock: Anchor,
    /// The server's wishes, until the collecting thread has taken them.
    pub(crate) config: Option<wire::Config>,
    /// A pass is wanted now.
    pub(crate) collect_now: bool,
    /// Something happened that cannot wait for the next pass.
    pub(crate) urgent: bool,
    /// What exists here, what is measured, what is wrong; each with a number that changes.
    pub(crate) discovered: (u64, wire::Discovered),
    pub(crate) statuses: (u64, wire::Statuses),
    pub(crate) notes: (u64, wire::Notes),
    pub(crate) warnings: (u64, BTreeMap<(String, String), String>),
    /// Answers to questions of the connection with this number.
    pub(crate) answers: Vec<(u64, Kind, Vec<u8>)>,
}

/// Everything shared.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) env: Env,
    pub(crate) settings: Settings,
    pub(crate) data_dir: PathBuf,
    pub(crate) root: PathBuf,
    pub(crate) link: Waker,
    pub(crate) collector: Waker,
    queue: Mutex<Queue>,
    hand: Mutex<Hand>,
    stopping: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        env: Env,
        settings: Settings,
        (data_dir, root): (PathBuf, PathBuf),
        queue: Queue,
        clock: Anchor,
    ) -> Result<Arc<Self>, AgentError> {
        Ok(Arc::new(Self {
            env,
            settings,
            data_dir,
            root,
            link: Waker::new()?,
            collector: Waker::new()?,
            queue: Mutex::new(queue),
            hand: Mutex::new(Hand {
                clock,
                ..Hand::default()
            }),
            stopping: AtomicBool::new(false),
        }))
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.link.wake();
        self.collector.wake();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Hands a pass to the connection; what does not fit stays in the queue only.
    pub(crate) fn offer(&self, fresh: Fresh) {
        let mut hand = self.hand();
        if !hand.connected {
            drop(hand);
            self.missed(&fresh);
            return;
        }
        hand.fresh.push_back(fresh);
        let missed = if hand.fresh.len() > FRESH_MAX {
            hand.fresh.pop_front()
        } else {
            None
        };
        if let Some(missed) = &missed {
            hand.overflow = Some(missed.seq);
        }
        drop(hand);
        if let Some(missed) = missed {
            self.missed(&missed);
        }
        self.link.wake();
    }

    /// A fresh pass that could not be sent: on disk it is backlog, otherwise it is lost.
    pub(crate) fn missed(&self, fresh: &Fresh) {
        if !fresh.on_disk {
            let mut queue = self.queue();
            queue
                .spool
                .lost(fresh.seq, fresh.moment.time_ms, spool::Reason::DiskFull);
        }
    }

    /// Sets or (with an empty text) takes back a warning for the operator; logged when new.
    pub(crate) fn warn(&self, code: &str, subject: &str, text: &str) {
        let mut hand = self.hand();
        let key = (code.to_owned(), subject.to_owned());
        let before = hand.warnings.1.get(&key).map_or("", String::as_str);
        if before == text {
            return;
        }
        if text.is_empty() {
            self.log("INFO", format_args!("settled: {before}"));
        } else {
            self.log("WARN", format_args!("{text}"));
        }
        hand.warnings.1.insert(key, text.to_owned());
        hand.warnings.0 += 1;
        drop(hand);
        self.link.wake();
    }

    pub(crate) fn answer(&self, connection: u64, kind: Kind, body: Vec<u8>) {
        self.hand().answers.push((connection, kind, body));
        self.link.wake();
    }

    pub(crate) fn log(&self, weight: &str, text: fmt::Arguments<'_>) {
        log::line(&*self.env.clock, weight, text);
    }
}
