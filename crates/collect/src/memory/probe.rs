//! Reads the memory files and emits their series.

use super::parse::{self, FIELDS, Meminfo};
use crate::collector::{Collector, Tick};
use crate::root::{ReadError, Root};
use crate::scan::as_f64;
use crate::sink::Sink;
use crate::status::Availability;

#[derive(Debug, Default)]
pub(super) struct Memory {
    bytes: Vec<u8>,
}

impl Collector for Memory {
    fn collect(&mut self, root: &Root, _now: &Tick, out: &mut Sink) {
        let result = self.meminfo(root, out);
        out.status(("memory", "meminfo"), "", result);
        let result = root.read("proc/vmstat", &mut self.bytes);
        for (metric, value) in parse::vmstat(&self.bytes) {
            out.put(metric, &[], as_f64(value));
        }
        out.status(("memory", "vmstat"), "", result);
    }
}

impl Memory {
    fn meminfo(&mut self, root: &Root, out: &mut Sink) -> Result<(), ReadError> {
        root.read("proc/meminfo", &mut self.bytes)?;
        let info = Meminfo::parse(&self.bytes);
        for ((_, metric), bytes) in FIELDS.iter().zip(info.bytes) {
            out.put_some(metric, &[], bytes.map(as_f64));
        }
        out.put_some("bongsu_memory_used_ratio", &[], info.used_ratio());
        let swap = info.swap_free_ratio();
        out.put_some("bongsu_swap_free_ratio", &[], swap);
        let swap = swap.map_or(Availability::NotAvailable, |_| Availability::Available);
        out.status_is(("memory", "swap"), "", swap);
        Ok(())
    }
}
