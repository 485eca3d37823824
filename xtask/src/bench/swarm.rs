//! Pretended agents in a program of their own, steered line by line.

use super::server::Server;
use super::{Context, programs};
use crate::process::Running;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

/// Metrics that a pretended agent has; series of one are told apart by `device`.
pub(super) const METRICS: usize = 40;
/// Above this lies no value that was not told to.
pub(super) const LINE: u64 = 1_000_000_000_000;

/// How many agents, and what they send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Agents.
    pub(super) agents: usize,
    /// Series of each.
    pub(super) series: usize,
    /// Between two passes, in milliseconds.
    pub(super) interval_ms: u32,
}

/// A swarm that is connected.
pub(super) struct Swarm {
    #[expect(dead_code, reason = "ends the program when it goes")]
    running: Running,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Swarm {
    /// Enrols and connects a swarm; waits until all are there.
    pub(super) fn start(
        context: &Context,
        server: &Server<'_>,
        size: Size,
        prefix: &str,
    ) -> Result<Self> {
        let (pin, token) = server.token(size.agents)?;
        let mut command = Command::new(programs::path(context, "swarm")?);
        command
            .args([&server.agents_address(), &pin, &token])
            .args([size.agents.to_string(), size.series.to_string()])
            .args([size.interval_ms.to_string(), prefix.to_owned()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut running = Running::start_loud(&mut command)?;
        let child = running.child();
        let to = child.stdin.take().context("a pipe to the swarm")?;
        let from = child.stdout.take().context("a pipe from the swarm")?;
        let from = BufReader::new(from).lines();
        let mut swarm = Self { running, to, from };
        swarm.answer()?;
        Ok(swarm)
    }

    /// Hands over lines.
    pub(super) fn tell(&mut self, lines: &str) -> Result<()> {
        self.to.write_all(lines.as_bytes())?;
        Ok(self.to.flush()?)
    }

    /// The next line that it says.
    pub(super) fn answer(&mut self) -> Result<Value> {
        let line = self.from.next().context("the swarm ended")??;
        Ok(serde_json::from_str(&line)?)
    }

    /// What was sent so far.
    pub(super) fn report(&mut self) -> Result<Value> {
        self.tell("report\n")?;
        self.answer()
    }

    /// Lets one series of one agent cross the line and sends it at once.
    pub(super) fn cross(&mut self, agent: usize, series: usize) -> Result<()> {
        self.tell(&format!(
            "hold {agent} {series} {}\nsend {agent}\n",
            LINE * 2
        ))
    }
}

/// The rule and the target's key of a series, as a notice names them.
pub(super) fn named(series: usize) -> (String, String) {
    (
        format!("bench-{}", series % METRICS),
        format!("dev{}", series / METRICS),
    )
}
