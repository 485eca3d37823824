//! The machine a figure was measured on; a figure without it says nothing.

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

/// The value behind `name:` in a file of /proc.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    Some(line?.trim_start().strip_prefix(':')?.trim())
}

/// The number of a value such as `123 kB`.
pub(super) fn kib(value: &str) -> u64 {
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
}
