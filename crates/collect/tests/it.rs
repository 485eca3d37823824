//! What one pass of all collectors costs on this machine: allocations are bound, time is printed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use collect::{ALL, Collectors, Root, Sink, Tick};
use stdx::{Clock, SystemClock};

/// Counts what the system's allocator is asked for.
struct Counting;

static CALLS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn own_cpu_s() -> f64 {
    let stat = std::fs::read("/proc/self/stat").unwrap();
    exec::PidStat::parse(&stat).unwrap().cpu_s()
}

fn pass(all: &mut Collectors, clock: &SystemClock, sink: &mut Sink) {
    let now = Tick {
        now_ms: clock.now_ms(),
        mono_ns: clock.mono_ns(),
        clock_offset_s: None,
    };
    all.collect(&now, clock, sink);
}

#[test]
fn a_steady_pass_allocates_next_to_nothing() {
    const PASSES: u32 = 300;
    let clock = SystemClock::new();
    let mut all = Collectors::new(Root::live().unwrap(), ALL);
    let mut sink = Sink::new();
    for _ in 0..5 {
        pass(&mut all, &clock, &mut sink);
    }
    let (calls, start_ns, start_s) = (CALLS.load(Ordering::Relaxed), clock.mono_ns(), own_cpu_s());
    for _ in 0..PASSES {
        pass(&mut all, &clock, &mut sink);
    }
    let per_pass = (CALLS.load(Ordering::Relaxed) - calls) / u64::from(PASSES);
    let wall_us = (clock.mono_ns() - start_ns) / 1_000 / u64::from(PASSES);
    let cpu_us = (own_cpu_s() - start_s) * 1e6 / f64::from(PASSES);
    println!(
        "{} series, {} samples a pass; a pass: {wall_us} µs, {cpu_us:.0} µs of processor, \
         {per_pass} allocations",
        sink.series_count(),
        sink.samples().len()
    );
    for (name, ns) in all.costs() {
        println!("  {name}: {} µs", ns / 1_000);
    }
    // Mount points handed to the thread that asks for their space, and the socket's buffer.
    assert!(per_pass < 40, "{per_pass} allocations a pass");
    assert!(sink.samples().len() > 150);
}
