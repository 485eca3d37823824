//! 10,000 problems open at once: when they are recorded, when they are told, who else waits.

use super::Context;
use super::hook::{Arrival, Hook};
use super::row::Row;
use super::server::{Server, Start};
use super::stats::percentile;
use super::swarm::{LINE, METRICS, Size, Swarm};
use anyhow::{Result, ensure};
use serde_json::Value;
use std::time::Duration;

const SIZE: Size = Size {
    agents: 50,
    series: 200,
    interval_ms: 10_000,
};
const PROBLEMS: usize = SIZE.agents * SIZE.series;
/// How long it may take before the row gives up, in seconds.
const PATIENCE_S: f64 = 120.0;

/// Lets every series of every agent cross in one pass.
pub(super) fn run(context: &Context) -> Result<Vec<Row>> {
    let hook = Hook::start(context.shell.clock())?;
    let server = Server::fresh(context, "storm", Start::default())?;
    server.webhook(&hook.url(), None)?;
    server.bench_rules(METRICS)?;
    let mut swarm = Swarm::start(context, &server, SIZE, "storm")?;
    let per_rule = (PROBLEMS / METRICS) as u64;
    server.wait("every target is judged", |server| {
        Ok(server.targets("bench-0", "normal")? == per_rule)
    })?;
    let holds = (0..SIZE.series).map(|series| format!("hold * {series} {}\n", LINE * 2));
    let holds: String = holds.collect();
    let start_s = context.shell.elapsed_s();
    swarm.tell(&(holds + "send *\n"))?;
    let (mut reads, mut recorded_s, mut judged_s) = (Vec::new(), None, None);
    let told_s = loop {
        let now_s = context.shell.elapsed_s();
        ensure!(
            now_s - start_s < PATIENCE_S,
            "only {} of {PROBLEMS} were told",
            told(&hook.arrivals())
        );
        for path in ["/api/v1/problems?limit=50", "/"] {
            let asked_s = context.shell.elapsed_s();
            let answer = server.ask(("GET", path), "")?;
            ensure!(answer.status == 200, "{path} gave {}", answer.status);
            reads.push((context.shell.elapsed_s() - asked_s) * 1_000.0);
        }
        if judged_s.is_none() && server.targets("bench-0", "major")? == per_rule {
            judged_s = Some(context.shell.elapsed_s() - start_s);
        }
        if recorded_s.is_none() && problems(&server)? >= PROBLEMS as u64 {
            recorded_s = Some(context.shell.elapsed_s() - start_s);
        }
        let arrivals = hook.arrivals();
        if told(&arrivals) >= PROBLEMS && recorded_s.is_some() {
            break arrivals.last().map(|last| last.at_s - start_s);
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    println!("  {} webhooks told them", hook.arrivals().len());
    let row = |what: &str, unit, ours, target| Row {
        ours,
        target,
        ..Row::less(&format!("10,000 problems at once: {what}"), unit)
    };
    Ok(vec![
        row("judged", "s", judged_s, None),
        row("recorded", "s", recorded_s, Some(5.0)),
        row("told", "s", told_s, Some(5.0)),
        row(
            "reads meanwhile, p99",
            "ms",
            percentile(&reads, 0.99),
            Some(200.0),
        ),
    ])
}

/// How many problems the record store counts as open: what the console's frame shows.
fn problems(server: &Server<'_>) -> Result<u64> {
    let page = server.ask(("GET", "/"), "")?;
    let text = String::from_utf8_lossy(&page.body).into_owned();
    let counts = text.split("data-count=\"").skip(1).filter_map(|rest| {
        let number = rest.split("<b>").nth(1)?.split('<').next()?;
        number.replace([',', '.'], "").trim().parse::<u64>().ok()
    });
    Ok(counts.sum())
}

/// How many problems the webhooks have told: singly, and bound into digests.
fn told(arrivals: &[Arrival]) -> usize {
    let of = |arrival: &Arrival| {
        let count = arrival
            .body
            .pointer("/digest/count")
            .and_then(Value::as_u64);
        count.map_or(1, |count| usize::try_from(count).unwrap_or(0))
    };
    arrivals.iter().map(of).sum()
}
