//! A thread that rings the bell when a watched unit's cgroup fills, empties, comes or goes.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, PollFd, PollFlags};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use crate::collector::Wake;

/// What is watched, and who is told.
#[derive(Default)]
struct State {
    /// The folder of each unit, which need not exist.
    folders: Vec<PathBuf>,
    wake: Option<Wake>,
    stop: bool,
}

/// The running watch; dropping it ends the thread.
pub(super) struct UnitWatcher {
    state: Arc<Mutex<State>>,
    bell: Arc<OwnedFd>,
}

impl std::fmt::Debug for UnitWatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnitWatcher").finish_non_exhaustive()
    }
}

impl Drop for UnitWatcher {
    fn drop(&mut self) {
        lock(&self.state).stop = true;
        ring(&self.bell);
    }
}

impl UnitWatcher {
    /// Starts the thread.
    ///
    /// # Errors
    /// When a descriptor or the thread cannot be made.
    pub(super) fn start() -> std::io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let bell = Arc::new(rustix::event::eventfd(0, flags)?);
        let notify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, rung) = (Arc::clone(&state), Arc::clone(&bell));
        let thread = std::thread::Builder::new()
            .name("units".into())
            .stack_size(64 * 1024);
        thread.spawn(move || run(&shared, &rung, &notify))?;
        Ok(Self { state, bell })
    }

    /// Watches these folders and is called from the thread with every change.
    pub(super) fn watch(&self, folders: Vec<PathBuf>, wake: Option<Wake>) {
        let mut state = lock(&self.state);
        state.folders = folders;
        state.wake = wake;
        drop(state);
        ring(&self.bell);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ring(bell: &OwnedFd) {
    let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
}

fn run(state: &Mutex<State>, bell: &OwnedFd, notify: &OwnedFd) {
    let mut is_news = false;
    loop {
        let wake = {
            let state = lock(state);
            if state.stop {
                return;
            }
            // First watched, then looked at: what changes in between is seen either way.
            arm(notify, &state.folders);
            state.wake.clone().filter(|_| is_news)
        };
        if let Some(wake) = wake {
            wake();
        }
        let mut fds = [bell, notify].map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
        let _ = rustix::event::poll(&mut fds, None);
        let mut bytes = [0; 4096];
        let _ = rustix::io::read(bell, &mut bytes);
        is_news = false;
        while rustix::io::read(notify, &mut bytes).is_ok_and(|count| count > 0) {
            is_news = true;
        }
    }
}

/// Watches what exists now; a watch that is there already is only set again, and what vanished has
/// taken its watch along.
fn arm(notify: &OwnedFd, folders: &[PathBuf]) {
    let made_or_gone = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::ONLYDIR;
    let mut parents = BTreeSet::new();
    for folder in folders {
        // A template's slice may itself come and go.
        let above = folder.ancestors().skip(1).take(2);
        parents.extend(above.filter(|parent| parent.exists()));
        for file in ["cgroup.events", "cgroup.procs"] {
            let path = folder.join(file);
            if inotify::add_watch(notify, &path, WatchFlags::MODIFY).is_ok() {
                break;
            }
        }
    }
    for parent in parents {
        // A folder that vanished meanwhile is news by itself.
        let _ = inotify::add_watch(notify, parent, made_or_gone);
    }
}
