//! Programs beside the server, kept running: `bongsu agent`, once as agent and once as runner.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use jobs::Shutdown;
use tokio::process::{Child, Command};

/// The first wait before a dead agent is started again; it doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// An agent that ran so long is healthy: the next wait is short again.
const HEALTHY: Duration = Duration::from_secs(60);
/// How long it may take to leave after SIGTERM.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// The variable that tells the agent to end with the server that started it.
pub(crate) const STARTED_BY_SERVER: &str = "BONGSU_STARTED_BY_SERVER";

/// How a program beside the server is started.
#[derive(Clone, Debug)]
pub(crate) struct Beside {
    /// What it is, for the log.
    pub(crate) what: &'static str,
    /// Arguments after the program's name.
    pub(crate) arguments: Vec<String>,
    /// Where its log goes.
    pub(crate) log: PathBuf,
}

/// Keeps it running until the shutdown.
pub(crate) async fn keep(program: Beside, mut shutdown: Shutdown) {
    let mut wait = FIRST_WAIT;
    while !shutdown.is_down() {
        let began = tokio::time::Instant::now();
        match spawn(&program) {
            Ok(mut child) => {
                tokio::select! {
                    ended = child.wait() => {
                        let log = program.log.display();
                        tracing::warn!(?ended, %log, "{} ended; see its log", program.what);
                    }
                    () = shutdown.wait() => {
                        leave(&mut child).await;
                        return;
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "{} cannot start", program.what),
        }
        wait = if began.elapsed() > HEALTHY {
            FIRST_WAIT
        } else {
            (wait * 2).min(WAIT_MAX)
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shutdown.wait() => {}
        }
    }
}

fn spawn(program: &Beside) -> std::io::Result<Child> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&program.log)?;
    Command::new(std::env::current_exe()?)
        .args(&program.arguments)
        .env(STARTED_BY_SERVER, "1")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
}

async fn leave(child: &mut Child) {
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended this moment: then there is nobody to tell.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    if tokio::time::timeout(LEAVE_WITHIN, child.wait())
        .await
        .is_err()
    {
        drop(child.kill().await);
    }
}
