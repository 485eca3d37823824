//! Waiting for something to become true, and ports that are free.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::LazyLock;
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

/// A port that was free a moment ago; prefer binding to port 0 where you can.
///
/// # Panics
/// When no port is free.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a bound address").port()
}
