//! Waiting for something to become true, and ports that are free.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use stdx::{Clock as _, SystemClock};

static CLOCK: LazyLock<SystemClock> = LazyLock::new(SystemClock::new);
const PAUSE: Duration = Duration::from_millis(2);

/// Nanoseconds since this process first asked.
pub(crate) fn mono_ns() -> u64 {
    CLOCK.mono_ns()
}

/// Waits until `done` says so; whether it did within `timeout`. Blocks the thread: in an async test
/// use a runtime with several threads, or [`wait_for`].
pub fn wait_until(timeout: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end_ns = mono_ns() + u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX / 2);
    loop {
        if done() {
            return true;
        }
        if mono_ns() > end_ns {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Waits until `get` gives something.
///
/// # Panics
/// When it gives nothing within `timeout`; `what` names the thing.
pub async fn wait_for<T>(what: &str, timeout: Duration, get: impl AsyncFn() -> Option<T>) -> T {
    let end_ns = mono_ns() + u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX / 2);
    loop {
        if let Some(found) = get().await {
            return found;
        }
        assert!(mono_ns() <= end_ns, "waited {timeout:?} in vain for {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// The first port of a row of `count` that were free a moment ago; prefer binding to port 0 where
/// you can. They lie below those that the kernel gives to connections, and each process of a run
/// begins to look at a place of its own, so that neither takes one away in between.
///
/// # Panics
/// When there is no such row.
#[must_use]
pub fn free_ports(count: u16) -> u16 {
    /// Where the rows begin, how far apart, and how many there are: up to port 30,000.
    const FIRST: u32 = 10_000;
    const APART: u32 = 8;
    const ROWS: u32 = 2_500;
    static LOOKED: AtomicU32 = AtomicU32::new(0);
    let process = std::process::id().wrapping_mul(13);
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok();
    for _ in 0..ROWS {
        let row = process.wrapping_add(LOOKED.fetch_add(1, Ordering::Relaxed)) % ROWS;
        let first = u16::try_from(FIRST + row * APART).expect("below 65,536");
        if (first..first + count).all(is_free) {
            return first;
        }
    }
    panic!("no {count} free ports in a row");
}
