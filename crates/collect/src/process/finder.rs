//! Finds watched processes in `/proc`, looking at each process as seldom as correctness allows.

use std::collections::HashMap;

use exec::PidStat;

use super::parse::{Pattern, command_line, last_pid, pid};
use crate::root::{ReadError, Root};

/// A process may become another program (exec) shortly after it was made: so long it is looked at
/// again, in scans.
const YOUNG_SCANS: u32 = 5;
/// Every so many scans all processes are looked at again, whatever is known of them.
const FULL_SCANS: u32 = 30;

/// A process that was looked at.
#[derive(Clone, Copy, Debug)]
struct Seen {
    start_ticks: u64,
    scans: u32,
    /// The place of the pattern that it meets.
    meets: Option<usize>,
    mark: u32,
}

/// A watched process.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Member {
    pub(super) pid: u32,
    /// With the number it names the process for good.
    pub(super) start_ticks: u64,
    /// The place of the pattern that it meets.
    pub(super) pattern: usize,
}

#[derive(Debug, Default)]
pub(super) struct Finder {
    seen: HashMap<u32, Seen>,
    bytes: Vec<u8>,
    pids: Vec<u32>,
    last_pid: Option<u64>,
    young: bool,
    scans: u32,
}

impl Finder {
    /// Forgets everything: other patterns are in force.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Looks for processes; false when nothing can have changed and nothing was looked at.
    pub(super) fn scan(&mut self, root: &Root, patterns: &[Pattern]) -> Result<bool, ReadError> {
        self.scans += 1;
        let full = self.scans % FULL_SCANS == 1;
        root.read("proc/loadavg", &mut self.bytes)?;
        let last = last_pid(&self.bytes);
        if !full && !self.young && last.is_some() && last == self.last_pid {
            return Ok(false);
        }
        self.last_pid = last;
        self.pids.clear();
        let pids = &mut self.pids;
        root.list("proc", &mut |name| pids.extend(pid(name)))?;
        let mark = self.scans;
        self.young = false;
        for at in 0..self.pids.len() {
            let Some(&pid) = self.pids.get(at) else { break };
            let known = self
                .seen
                .get_mut(&pid)
                .filter(|seen| !full && seen.scans >= YOUNG_SCANS);
            if let Some(seen) = known {
                seen.mark = mark;
            } else {
                self.look(root, patterns, pid);
            }
        }
        self.seen.retain(|_, seen| seen.mark == mark);
        Ok(true)
    }

    fn look(&mut self, root: &Root, patterns: &[Pattern], pid: u32) {
        if root
            .readf(&mut self.bytes, format_args!("proc/{pid}/stat"))
            .is_err()
        {
            return;
        }
        let Some(stat) = PidStat::parse(&self.bytes).filter(|stat| stat.state != b'Z') else {
            return;
        };
        let start_ticks = stat.start_ticks;
        let name = String::from_utf8_lossy(stat.name).into_owned();
        let before = self
            .seen
            .get(&pid)
            .filter(|seen| seen.start_ticks == start_ticks);
        let scans = before.map_or(0, |seen| seen.scans) + 1;
        self.young |= scans < YOUNG_SCANS;
        if root
            .readf(&mut self.bytes, format_args!("proc/{pid}/cmdline"))
            .is_err()
        {
            self.bytes.clear();
        }
        let command = command_line(&mut self.bytes);
        let ask = patterns.iter().any(Pattern::needs_user);
        let uid = ask
            .then(|| root.owner(format_args!("proc/{pid}")).ok())
            .flatten();
        let meets = patterns
            .iter()
            .position(|pattern| pattern.meets(&name, &command, uid));
        self.seen.insert(
            pid,
            Seen {
                start_ticks,
                scans,
                meets,
                mark: self.scans,
            },
        );
    }

    /// The watched processes that the last scan saw.
    pub(super) fn members(&self) -> impl Iterator<Item = Member> {
        self.seen.iter().filter_map(|(&pid, seen)| {
            let start_ticks = seen.start_ticks;
            seen.meets.map(|pattern| Member {
                pid,
                start_ticks,
                pattern,
            })
        })
    }

    /// A process is known to have ended.
    pub(super) fn forget(&mut self, pid: u32) {
        self.seen.remove(&pid);
    }
}
