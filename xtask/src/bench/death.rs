//! From the death of a watched process to the webhook that says so.

use super::Context;
use super::hook::{Hook, is_opening};
use super::row::Row;
use super::server::{Server, Start};
use super::stats::percentile;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Deaths, each of a process that is watched by itself.
const DEATHS: usize = 120;
/// Between two deaths: longer than a notice takes, so that none waits for another.
const PAUSE: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_secs(30);

/// Kills watched processes one after the other.
pub(super) fn run(context: &Context) -> Result<Vec<Row>> {
    let hook = Hook::start(context.shell.clock())?;
    let watches_self = true;
    let start = Start {
        watches_self,
        ..Start::default()
    };
    let server = Server::fresh(context, "death", start)?;
    server.webhook(&hook.url(), Some(1_000))?;
    let mut children = Vec::new();
    for n in 0..DEATHS {
        children.push(sleeper(n)?);
    }
    // Whatever happens, none of them outlives the row.
    let deaths = deaths(context, &server, &hook, &mut children);
    for child in &mut children {
        let _ = child.kill();
        let _ = child.wait();
    }
    let mut seconds = deaths?;
    seconds.retain(|seconds| seconds.is_finite());
    ensure!(
        seconds.len() == DEATHS,
        "only {} of {DEATHS} deaths were told",
        seconds.len()
    );
    let row = |name: &str, share, target| Row {
        ours: percentile(&seconds, share),
        target,
        ..Row::less(
            &format!("death of a watched process → webhook, {name} of {DEATHS}"),
            "s",
        )
    };
    Ok(vec![row("p50", 0.5, None), row("p99", 0.99, Some(1.0))])
}

fn deaths(
    context: &Context,
    server: &Server<'_>,
    hook: &Hook,
    children: &mut [Child],
) -> Result<Vec<f64>> {
    watch(server)?;
    let mut seconds = Vec::new();
    for (n, child) in children.iter_mut().enumerate() {
        let skip = hook.arrivals().len();
        let start_s = context.shell.elapsed_s();
        child.kill()?;
        let key = name(n);
        let told = hook.wait(skip, PATIENCE, |body| {
            is_opening(body, "process-gone", &key)
        });
        seconds.push(told.map_or(f64::INFINITY, |told| told.at_s - start_s));
        child.wait()?;
        std::thread::sleep(PAUSE);
    }
    Ok(seconds)
}

fn name(n: usize) -> String {
    format!("bench-{n:04}")
}

/// A process with a command line of its own.
fn sleeper(n: usize) -> Result<Child> {
    let mut command = Command::new("sleep");
    command.args(["3600.".to_owned() + &format!("{n:04}1")]);
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
    quiet.spawn().context("cannot start sleep")
}

/// Has the own agent watch all of them, and waits until each is known to run.
fn watch(server: &Server<'_>) -> Result<()> {
    let mut host = None;
    server.wait("the own agent connects", |server| {
        let agents = server.call("GET", "/api/v1/agents", &Value::Null)?;
        let items = agents.get("items").and_then(Value::as_array);
        let connected = items
            .into_iter()
            .flatten()
            .find(|agent| agent.get("connected").and_then(Value::as_bool) == Some(true));
        host = connected.and_then(|agent| agent.get("host")).cloned();
        Ok(host.is_some())
    })?;
    let whom = json!({"kind": "host", "id": host});
    for n in 0..DEATHS {
        let what = json!({"kind": "process", "pattern": format!("^sleep 3600\\.{n:04}1$")});
        let body = json!({"name": name(n), "what": what, "for": [whom], "why": "bench"});
        server.call("POST", "/api/v1/watched", &body)?;
    }
    server.wait("every process is watched and runs", |server| {
        Ok(server.targets("process-gone", "normal")? == DEATHS as u64)
    })
}
