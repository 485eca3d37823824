//! The server under a thousand agents: its share of a core, its memory.

use super::Context;
use super::row::Row;
use super::server::{Server, Start};
use super::swarm::{METRICS, Size, Swarm};
use anyhow::Result;
use std::time::Duration;

/// A thousand hosts as they are.
pub(super) const THOUSAND: Size = Size {
    agents: 1_000,
    series: 200,
    interval_ms: 10_000,
};
/// How long the load runs before it is measured.
const SETTLES: Duration = Duration::from_secs(30);

/// Watches the server for the window that was asked for.
pub(super) fn run(context: &Context) -> Result<Vec<Row>> {
    let mut server = Server::fresh(context, "load", Start::default())?;
    // Every second series is judged: far more of them than of a host with the default rules.
    server.bench_rules(METRICS / 2)?;
    let mut swarm = Swarm::start(context, &server, THOUSAND, "load")?;
    std::thread::sleep(SETTLES);
    let taken = server.metric("bongsu_samples_appended_total")?;
    let (before, start_s) = (server.usage()?, context.shell.elapsed_s());
    std::thread::sleep(Duration::from_secs(context.options.seconds.max(60)));
    let (after, span_s) = (server.usage()?, context.shell.elapsed_s() - start_s);
    let taken = server.metric("bongsu_samples_appended_total")? - taken;
    println!(
        "  {:.0} samples/s taken; the swarm: {}",
        taken / span_s,
        swarm.report()?
    );
    let row = |what: &str, unit, ours, target| Row {
        ours: Some(ours),
        target: Some(target),
        ..Row::less(
            &format!("server, 1,000 agents × 200 series at 10 s: {what}"),
            unit,
        )
    };
    let cores = (after.cpu_s - before.cpu_s) / span_s;
    Ok(vec![
        row("CPU", "cores", cores, 0.5),
        row("RSS", "MiB", after.rss_mib, 350.0),
    ])
}
