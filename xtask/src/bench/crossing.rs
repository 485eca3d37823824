//! From a pushed sample that crosses a threshold to the webhook that tells it.
//!
//! Idle, loaded, on a slow disk, and beside a hung channel; Prometheus with Alertmanager at its
//! tightest in the same run.

use super::hook::{Hook, is_opening};
use super::row::Row;
use super::server::{Server, Start};
use super::stats::percentile;
use super::swarm::{METRICS, Size, Swarm, named};
use super::{Context, prometheus};
use anyhow::{Context as _, Result, ensure};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Crossings of each kind, each of a target of its own.
pub(super) const CROSSINGS: usize = 120;
/// Between two crossings: longer than a notice takes, so that none waits for another.
const PAUSE_MS: u64 = 250;
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How long an fsync takes on the slow disk.
const FSYNC_MS: u32 = 20;
/// 100,000 samples a second on 100,000 pairs of rule and target.
const LOAD: Size = Size {
    agents: 500,
    series: 200,
    interval_ms: 1_000,
};
/// How long the load runs before anything is measured under it.
const LOAD_SETTLES: Duration = Duration::from_secs(20);

/// How long to wait after the crossing `n`: never in step with whoever scrapes every 100 ms.
pub(super) const fn pause(n: usize) -> Duration {
    Duration::from_millis(PAUSE_MS + (n as u64 * 37) % 100)
}

/// What happens beside the crossings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Beside {
    Nothing,
    HungChannel,
    SlowDisk,
    Load,
}

/// Measures every kind.
pub(super) fn run(context: &Context) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let peer = prometheus::crossings(context);
    let kinds = [
        (Beside::Nothing, "idle", [Some(0.1), Some(0.2)]),
        (Beside::HungChannel, "beside a hung channel", [None, None]),
        (Beside::SlowDisk, "an fsync takes 20 ms", [None, None]),
        (
            Beside::Load,
            "at 100,000 samples/s on 100,000 pairs",
            [None, Some(1.0)],
        ),
    ];
    for (beside, name, targets) in kinds {
        let seconds = crossings(context, beside)?;
        for ((share, said), target) in [(0.5, "p50"), (0.99, "p99")].into_iter().zip(targets) {
            let mut row = Row::less(&format!("sample crosses → webhook, {name}: {said}"), "s");
            row.ours = percentile(&seconds, share);
            row.target = target;
            if let (Beside::Nothing, Ok(peer)) = (beside, &peer) {
                let figure = percentile(peer, share).unwrap_or(f64::NAN);
                row.peers = vec![("Prometheus + Alertmanager".to_owned(), figure)];
            }
            rows.push(row);
        }
    }
    if let Err(error) = peer {
        println!("  Prometheus and Alertmanager were not measured: {error:#}");
    }
    Ok(rows)
}

fn crossings(context: &Context, beside: Beside) -> Result<Vec<f64>> {
    let hook = Hook::start(context.shell.clock())?;
    let mut start = Start::default();
    if beside == Beside::SlowDisk {
        start.preload = Some(slow_fsync(context)?);
    }
    let mut server = Server::fresh(context, "crossing", start)?;
    // More a minute than one person would be sent one by one.
    server.webhook(&hook.url(), Some(1_000))?;
    let hung = Hook::hung(context.shell.clock())?;
    if beside == Beside::HungChannel {
        server.webhook(&hung.url(), Some(1_000))?;
    }
    server.bench_rules(METRICS)?;
    let mut load = None;
    if beside == Beside::Load {
        load = Some(Swarm::start(context, &server, LOAD, "load")?);
        let per_rule = (LOAD.agents * LOAD.series / METRICS) as u64;
        server.wait("100,000 pairs are judged", |server| {
            Ok(server.targets("bench-0", "normal")? == per_rule)
        })?;
        std::thread::sleep(LOAD_SETTLES);
    }
    let size = Size {
        agents: 1,
        series: CROSSINGS,
        interval_ms: 10_000,
    };
    let mut probe = Swarm::start(context, &server, size, "probe")?;
    server.wait("the probe's targets are judged", |server| {
        Ok(server.targets("bench-0", "normal")? >= (CROSSINGS / METRICS) as u64)
    })?;
    let before = said(context, &mut server, load.as_mut())?;
    let seconds = cross_all(context, &hook, &mut probe)?;
    let after = said(context, &mut server, load.as_mut())?;
    if let (Some((cpu0, at0, sent0)), Some((cpu1, at1, sent1))) = (before, after) {
        let span_s = at1 - at0;
        println!(
            "  under load: {:.0} samples/s taken, {:.2} cores of the server",
            (sent1 - sent0) / span_s,
            (cpu1 - cpu0) / span_s
        );
    }
    if beside == Beside::HungChannel {
        ensure!(
            !hung.arrivals().is_empty(),
            "the hung channel was never asked"
        );
    }
    Ok(seconds)
}

/// What the load has done so far: processor seconds, moment, samples that were taken.
fn said(
    context: &Context,
    server: &mut Server<'_>,
    load: Option<&mut Swarm>,
) -> Result<Option<(f64, f64, f64)>> {
    let Some(load) = load else { return Ok(None) };
    println!("  the load: {}", load.report()?);
    let taken = server.metric("bongsu_samples_appended_total")?;
    Ok(Some((
        server.usage()?.cpu_s,
        context.shell.elapsed_s(),
        taken,
    )))
}

/// Lets one series after the other cross; the seconds of each.
fn cross_all(context: &Context, hook: &Hook, probe: &mut Swarm) -> Result<Vec<f64>> {
    let mut seconds = Vec::new();
    for series in 0..CROSSINGS {
        let (rule, key) = named(series);
        let skip = hook.arrivals().len();
        let start_s = context.shell.elapsed_s();
        probe.cross(0, series)?;
        let told = hook.wait(skip, PATIENCE, |body| is_opening(body, &rule, &key));
        let told = told.with_context(|| format!("{rule} on {key} was never told"))?;
        seconds.push(told.at_s - start_s);
        std::thread::sleep(pause(series));
    }
    Ok(seconds)
}

/// A library that makes every fsync take longer, compiled here.
fn slow_fsync(context: &Context) -> Result<PathBuf> {
    let folder = context.shell.root.join("target/bench");
    std::fs::create_dir_all(&folder)?;
    let (source, library) = (folder.join("slow_fsync.c"), folder.join("slow_fsync.so"));
    let mut text = String::from(
        "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <unistd.h>\n\
         static int slow(const char *name, int fd) {\n\
         int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);\n",
    );
    text.push_str(&format!(
        "usleep({});\nreturn real(fd);\n}}\n",
        FSYNC_MS * 1_000
    ));
    for name in ["fsync", "fdatasync"] {
        text.push_str(&format!(
            "int {name}(int fd) {{ return slow(\"{name}\", fd); }}\n"
        ));
    }
    std::fs::write(&source, text)?;
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl");
    crate::shell::run(&mut compiler).context("the slow disk needs a C compiler")?;
    Ok(library)
}
