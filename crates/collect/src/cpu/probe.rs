//! Reads the processor files and emits their series.

use super::parse::{self, CpuTicks, MODES, StatLine, TICKS_PER_SECOND};
use crate::collector::{Collector, Tick};
use crate::rate::ratio;
use crate::root::{ReadError, Root};
use crate::scan::as_f64;
use crate::sink::Sink;

const METRIC: &str = "node_cpu_seconds_total";
const GUEST: &str = "node_cpu_guest_seconds_total";

#[derive(Debug, Default)]
pub(super) struct Cpu {
    bytes: Vec<u8>,
    total: Option<CpuTicks>,
    /// The last ticks of each processor, in the order of the file.
    cores: Vec<CpuTicks>,
    online: usize,
}

impl Collector for Cpu {
    fn collect(&mut self, root: &Root, _now: &Tick, out: &mut Sink) {
        let result = self.stat(root, out);
        out.status(("cpu", "stat"), "", result);
        let result = self.load(root, out);
        out.status(("cpu", "load"), "", result);
        let result = self.pressure(root, out);
        out.status(("cpu", "pressure"), "", result);
    }
}

impl Cpu {
    fn stat(&mut self, root: &Root, out: &mut Sink) -> Result<(), ReadError> {
        root.read("proc/stat", &mut self.bytes)?;
        let mut core = 0;
        let mut busiest: Option<f64> = None;
        for line in parse::stat(&self.bytes) {
            match line {
                StatLine::Total(ticks) => {
                    if let Some(before) = self.total.replace(ticks) {
                        shares(&ticks.since(&before), out);
                    }
                }
                StatLine::Cpu(number, ticks) => {
                    seconds(number, &ticks, out);
                    if let Some(before) = self.cores.get_mut(core) {
                        let (used, all) = parse::used_of(&ticks.since(before));
                        let used = ratio(as_f64(used), as_f64(all));
                        busiest = busiest.into_iter().chain(used).reduce(f64::max);
                        *before = ticks;
                    } else {
                        self.cores.push(ticks);
                    }
                    core += 1;
                }
                StatLine::Other(name, value) => other(name, value, out),
            }
        }
        if core != self.online {
            // A processor came or went: the positions no longer mean the same ones.
            self.cores.truncate(core);
            busiest = None;
        }
        self.online = core;
        out.put_some("bongsu_cpu_core_used_ratio_max", &[], busiest);
        Ok(())
    }

    fn load(&mut self, root: &Root, out: &mut Sink) -> Result<(), ReadError> {
        root.read("proc/loadavg", &mut self.bytes)?;
        let [one, five, fifteen] = parse::loadavg(&self.bytes).ok_or(ReadError::NotAvailable)?;
        out.put("node_load1", &[], one);
        out.put("node_load5", &[], five);
        out.put("node_load15", &[], fifteen);
        let cpus = u32::try_from(self.online).map_or(0.0, f64::from);
        out.put_some("bongsu_load_per_cpu", &[], ratio(one, cpus));
        Ok(())
    }

    fn pressure(&mut self, root: &Root, out: &mut Sink) -> Result<(), ReadError> {
        const FILES: [(&str, &str, Option<&str>, Option<&str>); 4] = [
            (
                "cpu",
                "proc/pressure/cpu",
                Some("node_pressure_cpu_waiting_seconds_total"),
                None,
            ),
            (
                "memory",
                "proc/pressure/memory",
                Some("node_pressure_memory_waiting_seconds_total"),
                Some("node_pressure_memory_stalled_seconds_total"),
            ),
            (
                "io",
                "proc/pressure/io",
                Some("node_pressure_io_waiting_seconds_total"),
                Some("node_pressure_io_stalled_seconds_total"),
            ),
            (
                "irq",
                "proc/pressure/irq",
                None,
                Some("node_pressure_irq_stalled_seconds_total"),
            ),
        ];
        for (resource, file, waiting, stalled) in FILES {
            match root.read(file, &mut self.bytes) {
                Ok(()) => {}
                // Accounting of interrupts is a build option of newer kernels.
                Err(_) if resource == "irq" => continue,
                // Built in, but switched off on the kernel's command line.
                Err(ReadError::Os(rustix::io::Errno::OPNOTSUPP)) => {
                    return Err(ReadError::NotAvailable);
                }
                Err(error) => return Err(error),
            }
            let (some, full) = parse::pressure(&self.bytes);
            if let (Some(metric), Some(some)) = (waiting, some) {
                out.put(metric, &[], some.total_s);
                let labels = [("resource", resource)];
                out.put("bongsu_pressure_waiting_ratio", &labels, some.avg60_ratio);
            }
            if let (Some(metric), Some(full)) = (stalled, full) {
                out.put(metric, &[], full.total_s);
            }
        }
        Ok(())
    }
}

fn seconds(cpu: &str, ticks: &CpuTicks, out: &mut Sink) {
    for (mode, &ticks) in MODES.iter().zip(&ticks.modes).take(ticks.known) {
        out.put(
            METRIC,
            &[("cpu", cpu), ("mode", mode)],
            as_f64(ticks) / TICKS_PER_SECOND,
        );
    }
    if ticks.known == MODES.len() {
        let [user, nice] = ticks.guest;
        out.put(
            GUEST,
            &[("cpu", cpu), ("mode", "user")],
            as_f64(user) / TICKS_PER_SECOND,
        );
        out.put(
            GUEST,
            &[("cpu", cpu), ("mode", "nice")],
            as_f64(nice) / TICKS_PER_SECOND,
        );
    }
}

fn shares(delta: &[u64; 8], out: &mut Sink) {
    let (used, all) = parse::used_of(delta);
    out.put_some(
        "bongsu_cpu_used_ratio",
        &[],
        ratio(as_f64(used), as_f64(all)),
    );
    for (mode, &ticks) in MODES.iter().zip(delta) {
        if *mode != "idle" {
            let share = ratio(as_f64(ticks), as_f64(all));
            out.put_some("bongsu_cpu_mode_ratio", &[("mode", mode)], share);
        }
    }
}

fn other(name: &[u8], value: u64, out: &mut Sink) {
    let metric = match name {
        b"intr" => "node_intr_total",
        b"ctxt" => "node_context_switches_total",
        b"btime" => "node_boot_time_seconds",
        b"processes" => "node_forks_total",
        b"procs_running" => "node_procs_running",
        b"procs_blocked" => "node_procs_blocked",
        _ => return,
    };
    out.put(metric, &[], as_f64(value));
}
