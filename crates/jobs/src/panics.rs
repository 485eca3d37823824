//! A panic costs one task: it is caught here and told as an error.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;

/// Why a piece of work gave no result of its own.
pub(crate) enum Broken {
    /// It took longer than allowed.
    TooSlow,
    /// It panicked, and said this.
    Panicked(String),
}

/// Runs `work` for at most `timeout`. The closure makes the future, so that a panic in making it is
/// caught as well.
pub(crate) async fn contained<T, F>(
    timeout: Duration,
    work: impl FnOnce() -> F,
) -> Result<T, Broken>
where
    F: Future<Output = T>,
{
    let caught = AssertUnwindSafe(async { work().await }).catch_unwind();
    match tokio::time::timeout(timeout, caught).await {
        Err(_) => Err(Broken::TooSlow),
        Ok(Err(panic)) => Err(Broken::Panicked(said(&*panic))),
        Ok(Ok(value)) => Ok(value),
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".into())
}
