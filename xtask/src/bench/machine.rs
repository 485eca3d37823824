//! The machine a figure was measured on; a figure without it says nothing.

use crate::process::{field, kib};
use std::fs;

/// What the machine is.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    /// Cores this process may use.
    pub(super) cores: usize,
    /// The processor's name.
    pub(super) cpu: String,
    /// Memory in MiB.
    pub(super) memory_mib: u64,
    /// Kernel release.
    pub(super) kernel: String,
}

impl Machine {
    /// This machine.
    pub(super) fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: field(&text("/proc/cpuinfo"), "model name")
                .unwrap_or("unknown")
                .to_owned(),
            memory_mib: field(&text("/proc/meminfo"), "MemTotal").map_or(0, kib) / 1024,
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }

    /// The machine in one line.
    pub(super) fn line(&self) -> String {
        let Self {
            cores,
            cpu,
            memory_mib,
            kernel,
        } = self;
        format!("{cores} cores of {cpu}, {memory_mib} MiB, Linux {kernel}")
    }
}
