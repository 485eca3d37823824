//! Holds the descendants of a run together, whatever they do to get away, and kills them.
//!
//! With a cgroup the kernel keeps the list and kills it whole. Without one this process becomes the
//! reaper of its orphans, and a run knows its own by four marks: descent, session, what was seen
//! earlier, and a variable in the environment.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, WaitOptions};

use crate::pidstat::PidStat;
use crate::spec::{Containment, Limits};

/// The variable that marks every process of a run.
pub(crate) const MARK: &str = "BONGSU_RUN";
/// Rounds of killing before the survivors are reported; each waits a little longer.
const KILL_ROUNDS: u32 = 60;
/// Rounds of stopping: a process that is stopped can make no more children.
const STOP_ROUNDS: u32 = 30;

/// The direct children of this process that runs wait for: nobody else may reap or kill them.
static CHILDREN: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// The descendants of one run.
#[derive(Debug)]
pub(crate) enum Guard {
    Cgroup {
        dir: PathBuf,
        procs: OwnedFd,
    },
    Subreaper {
        mark: String,
        known: BTreeMap<u32, u64>,
        root: Option<u32>,
    },
}

impl Guard {
    /// Prepares the containment of one run; `id` is unique on this machine.
    pub(crate) fn new(wanted: Containment, id: &str, limits: &Limits) -> std::io::Result<Self> {
        if wanted != Containment::Subreaper {
            match cgroup(id, limits) {
                Ok(guard) => return Ok(guard),
                Err(error) if wanted == Containment::Cgroup => return Err(error),
                Err(_) => {}
            }
        }
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        Ok(Self::Subreaper {
            mark: format!("{MARK}={id}"),
            known: BTreeMap::new(),
            root: None,
        })
    }

    /// The file through which the child puts itself into the cgroup before it becomes the program.
    pub(crate) fn join_fd(&self) -> Option<&OwnedFd> {
        match self {
            Self::Cgroup { procs, .. } => Some(procs),
            Self::Subreaper { .. } => None,
        }
    }

    /// The child exists.
    pub(crate) fn started(&mut self, pid: u32) {
        children().push(pid);
        if let Self::Subreaper { root, known, .. } = self {
            *root = Some(pid);
            if let Some(found) = read(pid) {
                known.insert(pid, found.start_ticks);
            }
        }
    }

    /// The child was waited for.
    pub(crate) fn reaped(&mut self, pid: u32) {
        children().retain(|&child| child != pid);
    }

    /// Looks for new descendants; cheap with a cgroup, a walk over `/proc` without.
    pub(crate) fn observe(&mut self) {
        if let Self::Subreaper { mark, known, root } = self {
            claim(mark, known, *root);
        }
    }

    /// Asks every process of the run to end.
    pub(crate) fn terminate(&mut self) {
        self.observe();
        for pid in self.members() {
            send(pid, Signal::TERM);
        }
    }

    /// Kills every process of the run but does not wait for the child itself; gives how many there
    /// were and how many could not be killed.
    pub(crate) fn kill_all(&mut self, child: u32) -> (u32, u32) {
        let mut victims = 0;
        if matches!(self, Self::Subreaper { .. }) {
            for _ in 0..STOP_ROUNDS {
                let before = self.member_count();
                self.observe();
                let members = self.members();
                members.iter().for_each(|&pid| send(pid, Signal::STOP));
                if members.len() == before {
                    break;
                }
            }
        }
        for round in 0..KILL_ROUNDS {
            self.observe();
            let members = self.members();
            let others = members.iter().filter(|&&pid| pid != child).count();
            victims = victims.max(u32::try_from(others).unwrap_or(u32::MAX));
            if members.is_empty() {
                return (victims, 0);
            }
            if let Self::Cgroup { dir, .. } = self {
                // Since Linux 5.14 the kernel kills the whole group at once, forks included.
                let _ = fs::write(dir.join("cgroup.kill"), "1");
            }
            members.iter().for_each(|&pid| send(pid, Signal::KILL));
            std::thread::sleep(Duration::from_millis(u64::from(round).min(20) * 5 + 1));
        }
        (
            victims,
            u32::try_from(self.members().len()).unwrap_or(u32::MAX),
        )
    }

    /// Ends the containment; what is still alive lives on outside of it.
    pub(crate) fn release(self) {
        let Self::Cgroup { dir, .. } = self else {
            return;
        };
        if let Some(parent) = dir.parent() {
            for pid in cgroup_members(&dir) {
                let _ = fs::write(parent.join("cgroup.procs"), pid.to_string());
            }
        }
        // A group with a process that is just ending is busy for a moment.
        for wait_ms in [0, 1, 5, 20, 100] {
            std::thread::sleep(Duration::from_millis(wait_ms));
            if fs::remove_dir(&dir).is_ok() {
                return;
            }
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Cgroup { .. } => "cgroup",
            Self::Subreaper { .. } => "subreaper",
        }
    }

    /// The greatest memory use of all processes together, where the kernel counts it.
    pub(crate) fn memory_bytes_max(&self) -> Option<u64> {
        let Self::Cgroup { dir, .. } = self else {
            return None;
        };
        fs::read_to_string(dir.join("memory.peak"))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    fn member_count(&self) -> usize {
        match self {
            Self::Cgroup { dir, .. } => cgroup_members(dir).len(),
            Self::Subreaper { known, .. } => known.len(),
        }
    }

    /// The living processes of the run.
    fn members(&self) -> Vec<u32> {
        match self {
            Self::Cgroup { dir, .. } => cgroup_members(dir)
                .into_iter()
                .filter(|&pid| read(pid).is_some_and(|process| process.state != b'Z'))
                .collect(),
            Self::Subreaper { known, .. } => known
                .iter()
                .filter(|&(&pid, &start)| {
                    read(pid).is_some_and(|p| p.start_ticks == start && p.state != b'Z')
                })
                .map(|(&pid, _)| pid)
                .collect(),
        }
    }
}

fn children() -> std::sync::MutexGuard<'static, Vec<u32>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended in between: then there is nobody to tell.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// What the marks need of one process.
#[derive(Clone, Copy, Debug)]
struct Process {
    parent: u32,
    session: u32,
    start_ticks: u64,
    state: u8,
}

fn read(pid: u32) -> Option<Process> {
    let bytes = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = PidStat::parse(&bytes)?;
    let PidStat {
        parent,
        session,
        start_ticks,
        state,
        ..
    } = stat;
    Some(Process {
        parent,
        session,
        start_ticks,
        state,
    })
}

/// Adds to `known` whatever belongs to the run, forgets what ended, and reaps its orphans.
fn claim(mark: &str, known: &mut BTreeMap<u32, u64>, root: Option<u32>) {
    let mut all = BTreeMap::new();
    let Ok(entries) = fs::read_dir("/proc") else {
        return;
    };
    for entry in entries.flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok());
        if let Some((pid, process)) = pid.and_then(|pid| Some((pid, read(pid)?))) {
            all.insert(pid, process);
        }
    }
    known.retain(|pid, start| {
        all.get(pid)
            .is_some_and(|process| process.start_ticks == *start)
    });
    let own = std::process::id();
    let others = children().clone();
    loop {
        let before = known.len();
        for (&pid, process) in &all {
            if known.contains_key(&pid)
                || pid == own
                || (others.contains(&pid) && root != Some(pid))
            {
                continue;
            }
            let by_descent = known.contains_key(&process.parent);
            let by_session = root.is_some_and(|root| process.session == root);
            let orphan = process.parent == own || process.parent == 1;
            if by_descent || by_session || (orphan && has_mark(pid, mark)) {
                known.insert(pid, process.start_ticks);
            }
        }
        if known.len() == before {
            break;
        }
    }
    for (&pid, process) in &all {
        let orphan = process.parent == own && root != Some(pid) && known.contains_key(&pid);
        if orphan && process.state == b'Z' {
            let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
            let _ = rustix::process::waitpid(raw, WaitOptions::NOHANG);
            known.remove(&pid);
        }
    }
}

fn has_mark(pid: u32, mark: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment
        .split(|&byte| byte == 0)
        .any(|variable| variable == mark.as_bytes())
}

/// Makes a cgroup below the one this process is in.
fn cgroup(id: &str, limits: &Limits) -> std::io::Result<Guard> {
    let none = || std::io::Error::from(std::io::ErrorKind::Unsupported);
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let mount = mounts.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        right
            .starts_with("cgroup2 ")
            .then(|| left.split(' ').nth(4))
            .flatten()
    });
    let groups = fs::read_to_string("/proc/self/cgroup")?;
    let own = groups
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        .ok_or_else(none)?;
    let base = Path::new(mount.ok_or_else(none)?).join(own.trim_start_matches('/'));
    let dir = base.join(format!("bongsu-run-{id}"));
    fs::create_dir(&dir)?;
    if let Some(processes) = limits.processes {
        // Only where the pids controller is delegated; the rlimit remains otherwise.
        let _ = fs::write(dir.join("pids.max"), processes.to_string());
    }
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    match rustix::fs::open(dir.join("cgroup.procs"), flags, Mode::empty()) {
        Ok(procs) => Ok(Guard::Cgroup { dir, procs }),
        Err(errno) => {
            let _ = fs::remove_dir(&dir);
            Err(errno.into())
        }
    }
}

fn cgroup_members(dir: &Path) -> Vec<u32> {
    let list = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    list.lines().filter_map(|line| line.parse().ok()).collect()
}
