//! The way to the host: implemented by the server with the fleet and the signing key.

use db::BoxFuture;
use model::{CiId, RunId};

/// What the runner on the host is to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunRequest {
    /// The run.
    pub run: RunId,
    /// The script's text.
    pub body: String,
    /// Its environment beside the runner's own, all names beginning with `BONGSU_`.
    pub environment: Vec<(String, String)>,
    /// As whom; empty is the runner's unprivileged default.
    pub run_as: String,
    /// How long it may take, in milliseconds.
    pub time_limit_ms: u64,
    /// Only to say what would be done.
    pub dry_run: bool,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// It exited with this code.
    Exit(i32),
    /// A signal ended it.
    Signal(i32),
    /// It took too long and was stopped with everything it had started.
    TimeLimit,
    /// It wrote more than it may and was stopped.
    OutputLimit,
    /// It was cancelled.
    Cancelled,
}

/// What came back from the host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunReport {
    /// How it ended.
    pub ended: Ended,
    /// What it wrote, with times and stream marks.
    pub transcript: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// Why it was not carried out.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotCarriedOut {
    /// The agent is not connected, or the answer was lost; what was done is unknown.
    #[error("the host could not be reached: {0}")]
    Unreachable(String),
    /// The runner refused: signature, expiry, replay, allow-list.
    #[error("the runner refused: {0}")]
    Refused(String),
}

/// Carries out requests on hosts.
pub trait Hands: Send + Sync + 'static {
    /// Runs it there and waits for the end.
    ///
    /// # Errors
    /// When the host cannot be reached or its runner refuses.
    fn carry_out(
        &self,
        host: CiId,
        request: RunRequest,
    ) -> BoxFuture<'_, Result<RunReport, NotCarriedOut>>;
}
