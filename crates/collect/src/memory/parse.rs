//! `/proc/meminfo` and `/proc/vmstat` as numbers.

use crate::scan::{as_f64, lines, unsigned, words};

/// The lines of `/proc/meminfo` that are kept: its word, the metric.
pub const FIELDS: [(&[u8], &str); 22] = [
    (b"MemTotal:", "node_memory_MemTotal_bytes"),
    (b"MemFree:", "node_memory_MemFree_bytes"),
    (b"MemAvailable:", "node_memory_MemAvailable_bytes"),
    (b"Buffers:", "node_memory_Buffers_bytes"),
    (b"Cached:", "node_memory_Cached_bytes"),
    (b"SwapCached:", "node_memory_SwapCached_bytes"),
    (b"Active:", "node_memory_Active_bytes"),
    (b"Inactive:", "node_memory_Inactive_bytes"),
    (b"SwapTotal:", "node_memory_SwapTotal_bytes"),
    (b"SwapFree:", "node_memory_SwapFree_bytes"),
    (b"Dirty:", "node_memory_Dirty_bytes"),
    (b"Writeback:", "node_memory_Writeback_bytes"),
    (b"AnonPages:", "node_memory_AnonPages_bytes"),
    (b"Mapped:", "node_memory_Mapped_bytes"),
    (b"Shmem:", "node_memory_Shmem_bytes"),
    (b"Slab:", "node_memory_Slab_bytes"),
    (b"SReclaimable:", "node_memory_SReclaimable_bytes"),
    (b"KernelStack:", "node_memory_KernelStack_bytes"),
    (b"PageTables:", "node_memory_PageTables_bytes"),
    (b"CommitLimit:", "node_memory_CommitLimit_bytes"),
    (b"Committed_AS:", "node_memory_Committed_AS_bytes"),
    (b"HardwareCorrupted:", "node_memory_HardwareCorrupted_bytes"),
];

/// The lines of `/proc/vmstat` that are kept.
pub const EVENTS: [(&[u8], &str); 7] = [
    (b"oom_kill", "node_vmstat_oom_kill"),
    (b"pgfault", "node_vmstat_pgfault"),
    (b"pgmajfault", "node_vmstat_pgmajfault"),
    (b"pgpgin", "node_vmstat_pgpgin"),
    (b"pgpgout", "node_vmstat_pgpgout"),
    (b"pswpin", "node_vmstat_pswpin"),
    (b"pswpout", "node_vmstat_pswpout"),
];

/// `/proc/meminfo`, in bytes; the places are those of [`FIELDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Meminfo {
    /// Each field that the kernel has.
    pub bytes: [Option<u64>; 22],
}

impl Meminfo {
    /// Reads the file.
    #[must_use]
    pub fn parse(file: &[u8]) -> Self {
        let mut info = Self::default();
        for line in lines(file) {
            let mut words = words(line);
            let (Some(name), Some(value)) = (words.next(), words.next().and_then(unsigned)) else {
                continue;
            };
            let scale = if words.next() == Some(b"kB") { 1024 } else { 1 };
            let at = FIELDS.iter().position(|(field, _)| *field == name);
            if let Some(slot) = at.and_then(|at| info.bytes.get_mut(at)) {
                *slot = Some(value.saturating_mul(scale));
            }
        }
        info
    }

    fn get(&self, name: &[u8]) -> Option<u64> {
        let at = FIELDS.iter().position(|(field, _)| *field == name)?;
        self.bytes.get(at).copied().flatten()
    }

    /// Memory that programs could still get. Kernels before 3.14 do not estimate it; then it is
    /// what is free plus the cache that is not shared memory.
    #[must_use]
    pub fn available(&self) -> Option<u64> {
        if let Some(bytes) = self.get(b"MemAvailable:") {
            return Some(bytes);
        }
        let or_zero = |name: &[u8]| self.get(name).unwrap_or(0);
        let cache = [&b"Cached:"[..], b"Buffers:", b"SReclaimable:"];
        let cache = cache.into_iter().map(or_zero).fold(0, u64::saturating_add);
        let cache = cache.saturating_sub(or_zero(b"Shmem:"));
        Some(self.get(b"MemFree:")?.saturating_add(cache))
    }

    /// The share of memory in use, without the cache that can be given back.
    #[must_use]
    pub fn used_ratio(&self) -> Option<f64> {
        let total = self.get(b"MemTotal:").filter(|&total| total > 0)?;
        let used = total.saturating_sub(self.available()?);
        Some(as_f64(used) / as_f64(total))
    }

    /// The free share of swap; none on a host without swap.
    #[must_use]
    pub fn swap_free_ratio(&self) -> Option<f64> {
        let total = self.get(b"SwapTotal:").filter(|&total| total > 0)?;
        Some(as_f64(self.get(b"SwapFree:")?) / as_f64(total))
    }
}

/// The kept counters of `/proc/vmstat`: (metric, value).
pub fn vmstat(file: &[u8]) -> impl Iterator<Item = (&'static str, u64)> {
    lines(file).filter_map(|line| {
        let mut words = words(line);
        let name = words.next()?;
        let (_, metric) = EVENTS.iter().find(|(event, _)| *event == name)?;
        Some((*metric, unsigned(words.next()?)?))
    })
}

/// Every parser of this collector over arbitrary bytes: none may panic.
pub fn fuzz_memory(data: &[u8]) {
    let info = Meminfo::parse(data);
    let _ = (
        info.used_ratio(),
        info.swap_free_ratio(),
        vmstat(data).count(),
    );
}
