//! A thread that holds the watched processes by pidfd and looks for new ones every second.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use exec::PidStat;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags};

use super::finder::{Finder, Member};
use super::parse::Pattern;
use crate::collector::Wake;
use crate::root::{ReadError, Root};

/// How often new processes are looked for.
const SCAN_S: i64 = 1;

/// What is known of one watched kind of process.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Count {
    /// Its name.
    pub id: String,
    /// How many there must be.
    pub min_count: u32,
    /// How many there may be.
    pub max_count: Option<u32>,
    /// The processes that run, by number.
    pub pids: Vec<u32>,
    /// Ends seen since the watch began.
    pub deaths: u64,
    /// Grows with every change, so that a reader sees whether there is news.
    pub generation: u64,
}

impl Count {
    /// Whether enough of them run.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.pids.len() >= usize::try_from(self.min_count).unwrap_or(usize::MAX)
    }

    /// How many more run than may; none where any number may.
    #[must_use]
    pub fn surplus(&self) -> Option<u64> {
        let runs = self.pids.len() as u64;
        self.max_count.map(|max| runs.saturating_sub(max.into()))
    }
}

struct State {
    patterns: Arc<Vec<Pattern>>,
    /// Another list of patterns came.
    changed: bool,
    /// Whether a scan was made since.
    known: bool,
    counts: Vec<Count>,
    error: Option<ReadError>,
    pidfd: bool,
    wake: Option<Wake>,
    stop: bool,
}

/// The running watch; dropping it ends the thread.
pub struct ProcessWatcher {
    state: Arc<Mutex<State>>,
    bell: Arc<OwnedFd>,
}

impl std::fmt::Debug for ProcessWatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessWatcher")
            .field("counts", &self.counts())
            .finish()
    }
}

impl Drop for ProcessWatcher {
    fn drop(&mut self) {
        lock(&self.state).stop = true;
        ring(&self.bell);
    }
}

impl ProcessWatcher {
    /// Starts the thread on this machine.
    ///
    /// # Errors
    /// When a descriptor or the thread cannot be made.
    pub fn start() -> std::io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let bell = Arc::new(rustix::event::eventfd(0, flags)?);
        let root = Root::live().map_err(std::io::Error::other)?;
        let state = Arc::new(Mutex::new(State {
            patterns: Arc::default(),
            changed: false,
            known: false,
            counts: Vec::new(),
            error: None,
            pidfd: true,
            wake: None,
            stop: false,
        }));
        let watch = Watch {
            root,
            state: Arc::clone(&state),
            bell: Arc::clone(&bell),
            finder: Finder::default(),
            held: BTreeMap::new(),
        };
        let thread = std::thread::Builder::new()
            .name("processes".into())
            .stack_size(128 * 1024);
        thread.spawn(move || watch.run())?;
        Ok(Self { state, bell })
    }

    /// Watches these from now on.
    pub fn watch(&self, patterns: Vec<Pattern>) {
        let mut state = lock(&self.state);
        state.counts = patterns
            .iter()
            .map(|pattern| Count {
                id: pattern.watched().id.clone(),
                min_count: pattern.watched().min_count,
                max_count: pattern.watched().max_count,
                ..Count::default()
            })
            .collect();
        state.patterns = Arc::new(patterns);
        state.changed = true;
        state.known = false;
        drop(state);
        ring(&self.bell);
    }

    /// Is called from the thread with every change.
    pub fn set_wake(&self, wake: Wake) {
        lock(&self.state).wake = Some(wake);
    }

    /// What is known now; none until the first look after [`ProcessWatcher::watch`].
    #[must_use]
    pub fn counts(&self) -> Option<Vec<Count>> {
        let state = lock(&self.state);
        state.known.then(|| state.counts.clone())
    }

    /// Why the last look failed, if it did.
    #[must_use]
    pub fn error(&self) -> Option<ReadError> {
        lock(&self.state).error
    }

    /// Whether ends are seen at once; otherwise, on kernels without pidfd, within a second.
    #[must_use]
    pub fn sees_deaths_at_once(&self) -> bool {
        lock(&self.state).pidfd
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ring(bell: &OwnedFd) {
    let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
}

/// What the thread owns.
struct Watch {
    root: Root,
    state: Arc<Mutex<State>>,
    bell: Arc<OwnedFd>,
    finder: Finder,
    /// The watched processes; without a descriptor on kernels that have none.
    held: BTreeMap<Member, Option<OwnedFd>>,
}

impl Watch {
    fn run(mut self) {
        let mut patterns = Arc::default();
        loop {
            {
                let mut state = lock(&self.state);
                if state.stop {
                    return;
                }
                if std::mem::take(&mut state.changed) {
                    patterns = Arc::clone(&state.patterns);
                    self.finder.reset();
                    self.held.clear();
                }
            }
            if !patterns.is_empty() {
                self.look(&patterns);
            }
            let idle = patterns.is_empty();
            self.wait(idle);
        }
    }

    /// Looks for new processes and for those that are gone.
    fn look(&mut self, patterns: &[Pattern]) {
        match self.finder.scan(&self.root, patterns) {
            Ok(scanned) => {
                if scanned {
                    self.hold();
                }
                self.publish(None);
            }
            Err(error) => self.publish(Some(error)),
        }
    }

    fn hold(&mut self) {
        let now: Vec<Member> = self.finder.members().collect();
        self.held.retain(|member, _| now.contains(member));
        for member in now {
            if self.held.contains_key(&member) {
                continue;
            }
            let raw = i32::try_from(member.pid).ok().and_then(Pid::from_raw);
            let fd = raw.map(|pid| rustix::process::pidfd_open(pid, PidfdFlags::empty()));
            match fd {
                Some(Ok(fd)) if self.is_same(member) => {
                    self.held.insert(member, Some(fd));
                }
                // It ended, and its number may belong to another by now: the next scan tells.
                Some(Ok(_) | Err(rustix::io::Errno::SRCH)) | None => self.finder.forget(member.pid),
                Some(Err(_)) => {
                    lock(&self.state).pidfd = false;
                    self.held.insert(member, None);
                }
            }
        }
    }

    /// Whether the number still belongs to the process that was found.
    fn is_same(&self, member: Member) -> bool {
        let mut bytes = Vec::new();
        self.root
            .readf(&mut bytes, format_args!("proc/{}/stat", member.pid))
            .is_ok()
            && PidStat::parse(&bytes).is_some_and(|stat| stat.start_ticks == member.start_ticks)
    }

    /// Sleeps until a process ends, the bell rings or a second is over.
    fn wait(&mut self, idle: bool) {
        let gone: Vec<Member> = {
            let mut fds = vec![PollFd::from_borrowed_fd(self.bell.as_fd(), PollFlags::IN)];
            let held: Vec<_> = self
                .held
                .iter()
                .filter_map(|(m, fd)| Some((*m, fd.as_ref()?)))
                .collect();
            for (_, fd) in &held {
                fds.push(PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
            }
            let second = Timespec {
                tv_sec: SCAN_S,
                tv_nsec: 0,
            };
            let _ = rustix::event::poll(&mut fds, (!idle).then_some(&second));
            let ended = fds.iter().skip(1).map(|fd| !fd.revents().is_empty());
            held.iter()
                .zip(ended)
                .filter(|(_, ended)| *ended)
                .map(|((m, _), _)| *m)
                .collect()
        };
        let mut bytes = [0; 8];
        let _ = rustix::io::read(&*self.bell, &mut bytes);
        for member in &gone {
            self.held.remove(member);
            self.finder.forget(member.pid);
        }
        if !gone.is_empty() {
            self.publish(None);
        }
    }

    fn publish(&self, error: Option<ReadError>) {
        let mut state = lock(&self.state);
        if state.changed {
            return;
        }
        state.error = error;
        if error.is_some() {
            return;
        }
        let mut news = !state.known;
        state.known = true;
        for (place, count) in state.counts.iter_mut().enumerate() {
            let members = self.held.keys().filter(|member| member.pattern == place);
            let pids: Vec<u32> = members.map(|member| member.pid).collect();
            if pids != count.pids {
                let ended = count.pids.iter().filter(|pid| !pids.contains(pid)).count();
                count.deaths += ended as u64;
                count.generation += 1;
                count.pids = pids;
                news = true;
            }
        }
        let wake = state.wake.clone().filter(|_| news);
        drop(state);
        if let Some(wake) = wake {
            wake();
        }
    }
}
