//! Counts processes and emits their series.

use exec::PidStat;

use super::PLUGIN;
use crate::collector::{Collector, Tick};
use crate::rate::ratio;
use crate::root::{ReadError, Root};
use crate::scan::{as_f64, unsigned, words};
use crate::sink::Sink;

/// Files read per pass on average: with more processes the count is spread over passes.
const READS_PER_PASS: usize = 300;
/// States as node_exporter labels them.
const STATES: [(u8, &str); 8] = [
    (b'D', "D"),
    (b'I', "I"),
    (b'R', "R"),
    (b'S', "S"),
    (b'T', "T"),
    (b'X', "X"),
    (b'Z', "Z"),
    (b't', "t"),
];

#[derive(Debug, Default)]
pub(super) struct Processes {
    bytes: Vec<u8>,
    pids: Vec<u32>,
    states: [u64; 8],
    threads: u64,
    seen: u64,
    passes_to_wait: usize,
}

impl Collector for Processes {
    fn collect(&mut self, root: &Root, _now: &Tick, out: &mut Sink) {
        let result = self.count(root, out);
        out.status((PLUGIN.name, "count"), "", result);
        let most = |file: &str, bytes: &mut Vec<u8>| {
            root.read(file, bytes).ok()?;
            unsigned(bytes).map(as_f64)
        };
        let pids_max = most("proc/sys/kernel/pid_max", &mut self.bytes);
        let threads_max = most("proc/sys/kernel/threads-max", &mut self.bytes);
        out.put_some("node_processes_max_processes", &[], pids_max);
        out.put_some("node_processes_max_threads", &[], threads_max);
        // Threads have numbers too, so both limits are limits of threads.
        let limit = pids_max.into_iter().chain(threads_max).reduce(f64::min);
        let used = limit.and_then(|limit| ratio(as_f64(self.threads), limit));
        out.put_some("bongsu_processes_used_ratio", &[], used);
    }
}

impl Processes {
    fn count(&mut self, root: &Root, out: &mut Sink) -> Result<(), ReadError> {
        root.read("proc/loadavg", &mut self.bytes)?;
        let tasks = words(&self.bytes)
            .nth(3)
            .and_then(|word| word.split(|&b| b == b'/').nth(1));
        self.threads = tasks.and_then(unsigned).ok_or(ReadError::NotAvailable)?;
        out.put("node_processes_threads", &[], as_f64(self.threads));
        if self.passes_to_wait > 0 {
            self.passes_to_wait -= 1;
        } else {
            self.count_states(root)?;
        }
        out.put("node_processes_pids", &[], as_f64(self.seen));
        for ((_, state), &count) in STATES.iter().zip(&self.states) {
            out.put("node_processes_state", &[("state", state)], as_f64(count));
            match *state {
                "Z" => out.put("bongsu_processes_zombie", &[], as_f64(count)),
                "D" => out.put("bongsu_processes_blocked", &[], as_f64(count)),
                _ => {}
            }
        }
        Ok(())
    }

    fn count_states(&mut self, root: &Root) -> Result<(), ReadError> {
        self.pids.clear();
        let pids = &mut self.pids;
        root.list("proc", &mut |name| {
            let pid = unsigned(name.as_bytes()).and_then(|pid| u32::try_from(pid).ok());
            pids.extend(pid);
        })?;
        self.states = [0; 8];
        self.seen = 0;
        for &pid in &self.pids {
            // A process may end between the listing and the reading.
            if root
                .readf(&mut self.bytes, format_args!("proc/{pid}/stat"))
                .is_err()
            {
                continue;
            }
            let Some(stat) = PidStat::parse(&self.bytes) else {
                continue;
            };
            self.seen += 1;
            let place = STATES.iter().position(|(state, _)| *state == stat.state);
            if let Some(count) = place.and_then(|place| self.states.get_mut(place)) {
                *count += 1;
            }
        }
        self.passes_to_wait = self.pids.len() / READS_PER_PASS;
        Ok(())
    }
}
