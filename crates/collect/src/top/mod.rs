//! The processes that use most processor time and memory: asked for on demand, never a series.
//!
//! Processor use needs two looks: ask once, wait a second or so, ask again.

use std::collections::HashMap;

use exec::{PAGE_BYTES, PidStat};

use crate::collector::Tick;
use crate::rate::seconds_between;
use crate::root::{ReadError, Root};
use crate::scan::{as_f64, unsigned};

/// One process of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct TopProcess {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// Its command line, at most 200 characters; empty for kernel threads.
    pub command: String,
    /// The number of its user, where it may be asked.
    pub uid: Option<u32>,
    /// Processor use since the look before, 1 is one processor; none at the first look.
    pub cpu_ratio: Option<f64>,
    /// Memory in use.
    pub memory_bytes: f64,
    /// Threads.
    pub threads: u64,
}

/// The answer: the first so many by processor use and by memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopReport {
    /// By processor use; empty at the first look.
    pub by_cpu: Vec<TopProcess>,
    /// By memory.
    pub by_memory: Vec<TopProcess>,
    /// All processes.
    pub processes: usize,
}

/// Remembers the look before.
#[derive(Debug, Default)]
pub struct Top {
    last: HashMap<(u32, u64), f64>,
    last_tick: Option<Tick>,
    bytes: Vec<u8>,
}

impl Top {
    /// Looks at every process and gives the first `count` of both lists.
    ///
    /// # Errors
    /// When the list of processes may not be read.
    pub fn look(&mut self, root: &Root, now: &Tick, count: usize) -> Result<TopReport, ReadError> {
        let elapsed_s = self
            .last_tick
            .replace(*now)
            .and_then(|last| seconds_between(&last, now));
        let mut pids = Vec::new();
        root.list("proc", &mut |name| {
            pids.extend(unsigned(name.as_bytes()).and_then(|pid| u32::try_from(pid).ok()));
        })?;
        let mut seen = HashMap::new();
        let mut all = Vec::new();
        for pid in pids {
            if root
                .readf(&mut self.bytes, format_args!("proc/{pid}/stat"))
                .is_err()
            {
                continue;
            }
            let Some(stat) = PidStat::parse(&self.bytes) else {
                continue;
            };
            let (key, cpu_s) = ((pid, stat.start_ticks), stat.cpu_s());
            seen.insert(key, cpu_s);
            let before_s = self.last.get(&key).copied().unwrap_or(0.0);
            all.push(TopProcess {
                pid,
                name: String::from_utf8_lossy(stat.name).into_owned(),
                command: String::new(),
                uid: None,
                cpu_ratio: elapsed_s.map(|elapsed_s| (cpu_s - before_s).max(0.0) / elapsed_s),
                memory_bytes: as_f64(stat.rss_pages) * PAGE_BYTES,
                threads: stat.threads,
            });
        }
        self.last = seen;
        let processes = all.len();
        let mut by_cpu = Vec::new();
        if elapsed_s.is_some() {
            all.sort_by(|a, b| {
                b.cpu_ratio
                    .unwrap_or(0.0)
                    .total_cmp(&a.cpu_ratio.unwrap_or(0.0))
            });
            by_cpu = all.iter().take(count).cloned().collect();
        }
        all.sort_by(|a, b| b.memory_bytes.total_cmp(&a.memory_bytes));
        all.truncate(count);
        let mut report = TopReport {
            by_cpu,
            by_memory: all,
            processes,
        };
        let listed = report.by_cpu.iter_mut().chain(&mut report.by_memory);
        listed.for_each(|process| self.describe(root, process));
        Ok(report)
    }

    fn describe(&mut self, root: &Root, process: &mut TopProcess) {
        let pid = process.pid;
        if root
            .readf(&mut self.bytes, format_args!("proc/{pid}/cmdline"))
            .is_ok()
        {
            let command = crate::process::parse::command_line(&mut self.bytes);
            process.command = command.chars().take(200).collect();
        }
        process.uid = root.owner(format_args!("proc/{pid}")).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::at;

    #[test]
    fn two_looks_tell_who_is_busy() {
        let root = Root::live().unwrap();
        let mut top = Top::default();
        let first = top.look(&root, &at(0), 5).unwrap();
        assert!(first.by_cpu.is_empty() && !first.by_memory.is_empty());
        let mut sum = 0_u64;
        for n in 0..30_000_000_u64 {
            sum = std::hint::black_box(sum.wrapping_mul(31) ^ n);
        }
        let second = top.look(&root, &at(1), 5_000).unwrap();
        let own = second
            .by_cpu
            .iter()
            .find(|p| p.pid == std::process::id())
            .unwrap();
        assert!(own.cpu_ratio.unwrap() > 0.0, "{own:?} {sum}");
        assert!(own.command.contains("collect") && own.uid.is_some());
        let sorted = second
            .by_memory
            .is_sorted_by(|a, b| a.memory_bytes >= b.memory_bytes);
        assert!(sorted && second.processes == second.by_memory.len());
    }
}
