//! From `kill -9` to the first judgement, with 200,000 series and 100,000 pairs of rule and target.

use super::Context;
use super::hook::{Hook, is_opening};
use super::load::THOUSAND;
use super::row::Row;
use super::server::{Server, Start};
use super::stats::median;
use super::swarm::{METRICS, Size, Swarm, named};
use anyhow::{Context as _, Result, ensure};
use std::time::Duration;

/// How long agents send before the first kill: several snapshots, and a log behind the last.
const FILLS: Duration = Duration::from_secs(45);
/// And between two kills.
const AGAIN: Duration = Duration::from_secs(25);
const PATIENCE: Duration = Duration::from_secs(60);

/// Kills the server, starts it, and lets one agent come back at once with a crossing.
pub(super) fn run(context: &Context) -> Result<Vec<Row>> {
    let hook = Hook::start(context.shell.clock())?;
    let mut server = Server::fresh(context, "restart", Start::default())?;
    server.webhook(&hook.url(), Some(1_000))?;
    server.bench_rules(METRICS / 2)?;
    let one = Size {
        agents: 1,
        ..THOUSAND
    };
    let mut probe = Swarm::start(context, &server, one, "probe")?;
    let mut swarm = Swarm::start(context, &server, THOUSAND, "load")?;
    std::thread::sleep(FILLS);
    let series = server.metric("bongsu_series")?;
    ensure!(series > 200_000.0, "only {series} series are there");
    let (mut alive, mut told, mut used) = (vec![], vec![], vec![]);
    let (mut before, mut after) = (vec![], vec![]);
    for round in 0..context.options.runs.max(1) {
        before.push(server.usage()?.rss_mib);
        server.kill()?;
        let start_s = context.shell.elapsed_s();
        server.start_again()?;
        let (rule, key) = named(round);
        let skip = hook.arrivals().len();
        probe.tell("reconnect 0\n")?;
        probe.answer()?;
        alive.push(context.shell.elapsed_s() - start_s);
        probe.cross(0, round)?;
        let arrival = hook.wait(skip, PATIENCE, |body| is_opening(body, &rule, &key));
        told.push(arrival.context("nothing was told after the start")?.at_s - start_s);
        used.push(server.usage()?.cpu_s);
        after.push(server.peak_rss_mib().context("the server runs")?);
        server.enter()?;
        // The others come back too, and fill memory and log again before the next kill.
        swarm.tell("reconnect *\n")?;
        swarm.answer()?;
        std::thread::sleep(AGAIN);
    }
    let row = |what: &str, unit, values: &[f64], target| Row {
        ours: median(values),
        target,
        ..Row::less(&format!("kill -9 with 200,000 series: {what}"), unit)
    };
    Ok(vec![
        row("start → agents connect again", "s", &alive, None),
        row(
            "start → a new sample is judged and told",
            "s",
            &told,
            Some(0.5),
        ),
        row("processor time by then", "s", &used, None),
        row("RSS before", "MiB", &before, None),
        row(
            "most RSS of the new start by then",
            "MiB",
            &after,
            median(&before),
        ),
    ])
}
