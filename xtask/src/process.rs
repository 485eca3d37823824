//! Programs that are started, measured from outside through /proc, and ended with all their own.

use anyhow::{Context as _, Result, bail};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Ticks of /proc/<pid>/stat a second: `USER_HZ`, 100 in every Linux ABI we run on.
const TICKS_PER_S: f64 = 100.0;

/// What a program and its children cost at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Resident memory; pages shared between the children are counted once a child.
    pub(crate) rss_mib: f64,
    /// Memory in proportion to who shares it: the fair figure for programs that fork.
    pub(crate) pss_mib: f64,
    /// CPU time used since the start, user and system.
    pub(crate) cpu_s: f64,
}

/// A program that is ended when this value goes.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts a program with its output dropped.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let said = crate::shell::shown(command);
        let quiet = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = quiet
            .spawn()
            .with_context(|| format!("cannot start `{said}`"))?;
        Ok(Self { child })
    }

    /// Starts a program whose output goes where the command says.
    pub(crate) fn start_loud(command: &mut Command) -> Result<Self> {
        let said = crate::shell::shown(command);
        let child = command.spawn();
        let child = child.with_context(|| format!("cannot start `{said}`"))?;
        Ok(Self { child })
    }

    /// The program's process number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The program itself, for its pipes.
    pub(crate) const fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Ends the program at once, as a power cut would; what it started is left alone.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// The most memory that the program ever had, in MiB; none when it is gone.
    pub(crate) fn peak_rss_mib(&self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        field(&status, "VmHWM").map(|value| kib(value) as f64 / 1024.0)
    }

    /// What it and its children cost now.
    pub(crate) fn usage(&mut self) -> Result<Usage> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the program ended early: {status}");
        }
        let mut sum = Usage::default();
        for pid in tree(self.child.id()) {
            // A child that ended since it was listed costs nothing any more.
            if let Some(one) = usage_of(pid) {
                sum.rss_mib += one.rss_mib;
                sum.pss_mib += one.pss_mib;
                sum.cpu_s += one.cpu_s;
            }
        }
        Ok(sum)
    }

    /// Runs `step` every `interval` for `window`; returns the memory at the end and the cores used
    /// on average (1.0 = one core busy all the time).
    pub(crate) fn watch(
        &mut self,
        interval: Duration,
        window: Duration,
        mut step: impl FnMut() -> Result<()>,
    ) -> Result<(Usage, f64)> {
        // The first answer fills caches that a running agent has long filled.
        step()?;
        let before = self.usage()?;
        let rounds = (window.as_secs_f64() / interval.as_secs_f64())
            .ceil()
            .max(1.0);
        let mut round = 0.0;
        while round < rounds {
            std::thread::sleep(interval);
            step()?;
            round += 1.0;
        }
        let after = self.usage()?;
        let cores = (after.cpu_s - before.cpu_s) / (rounds * interval.as_secs_f64());
        Ok((after, cores))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An ended program's number may be another's by now.
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let all = tree(self.child.id());
        // Asked politely, a parent ends its own children; what is left after that is killed.
        signal("-TERM", &[self.child.id()]);
        for _ in 0..40 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        signal("-KILL", &all);
        let _ = self.child.wait();
    }
}

fn signal(name: &str, pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    let quiet = Stdio::null;
    let _ = Command::new("kill")
        .arg(name)
        .args(pids)
        .stdout(quiet())
        .stderr(quiet())
        .status();
}

/// A process and all its descendants, parents first.
fn tree(root: u32) -> Vec<u32> {
    let mut all = vec![root];
    let mut at = 0;
    while let Some(pid) = all.get(at).copied() {
        at += 1;
        let threads = fs::read_dir(format!("/proc/{pid}/task"));
        for thread in threads.into_iter().flatten().flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            all.extend(
                children
                    .split_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            );
        }
    }
    all
}

fn usage_of(pid: u32) -> Option<Usage> {
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}"));
    let mib =
        |text: &str, name: &str| field(text, name).map_or(0.0, |value| kib(value) as f64 / 1024.0);
    let rollup = read("smaps_rollup").unwrap_or_default();
    Some(Usage {
        rss_mib: mib(&read("status").ok()?, "VmRSS"),
        pss_mib: mib(&rollup, "Pss"),
        cpu_s: exact_cpu_s(pid).or_else(|| cpu_s(&read("stat").ok()?))?,
    })
}

/// CPU time to the nanosecond, over the threads that are alive; none where the kernel keeps none.
///
/// An idle agent uses less than one tick of 10 ms in a minute.
fn exact_cpu_s(pid: u32) -> Option<f64> {
    let mut sum_ns = 0.0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        sum_ns += text.split(' ').next()?.parse::<f64>().ok()?;
    }
    Some(sum_ns / 1e9)
}

/// User and system time of a line of /proc/<pid>/stat; the program's name may hold anything.
fn cpu_s(stat: &str) -> Option<f64> {
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_S)
}

/// The value behind `name:` in a file of /proc.
pub(crate) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    Some(line?.trim_start().strip_prefix(':')?.trim())
}

/// The number of a value such as `123 kB`.
pub(crate) fn kib(value: &str) -> u64 {
    value
        .split(' ')
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_proc_files_are_read() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nMemTotal:  2048 kB\n";
        assert_eq!(field(text, "model name"), Some("Some CPU @ 2 GHz"));
        assert_eq!(field(text, "MemTotal").map(kib), Some(2048));
        assert_eq!(field(text, "Absent"), None);
    }

    #[test]
    fn cpu_time_is_read_behind_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(cpu_s(stat), Some(2.0));
        assert_eq!(cpu_s("nonsense"), None);
    }

    #[test]
    fn a_program_and_its_child_are_measured_and_ended() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 60 & sleep 60; true"]);
        let mut running = Running::start(&mut shell).unwrap();
        let pid = running.child.id();
        // Both sleeps are there as soon as the shell has forked twice.
        while tree(pid).len() < 3 {
            std::thread::yield_now();
        }
        let usage = running.usage().unwrap();
        assert!(
            usage.rss_mib > 0.0 && usage.pss_mib <= usage.rss_mib,
            "{usage:?}"
        );
        let children = tree(pid);
        drop(running);
        let is_gone = |pid: &u32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ") || stat.contains(") X ")
        };
        // A killed process is gone as soon as the kernel gets to it.
        while !children.iter().all(is_gone) {
            std::thread::yield_now();
        }
    }
}
