//! The board of 10,000 hosts in a real browser: first paint, bytes, and how soon a change shows.

use super::Context;
use super::row::Row;
use super::server::{Server, Start};
use super::stats::{median, percentile};
use super::swarm::{METRICS, Size, Swarm};
use crate::screenshots::driver::Browser;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;

const SIZE: Size = Size {
    agents: 10_000,
    series: 4,
    interval_ms: 60_000,
};
/// Changes that are looked for, each a problem of its own on the host that gets worse.
const CHANGES: usize = 30;
/// How long a page may go on loading after its first paint.
const LOADS: Duration = Duration::from_secs(3);
/// How long a change may take to show before the row gives up, in seconds.
const PATIENCE_S: f64 = 30.0;

/// The first contentful paint, in milliseconds after the navigation began.
const PAINT: &str = "const p = performance.getEntriesByName('first-contentful-paint')[0]; \
                     return p ? p.startTime : 0";
/// Bytes over the network for everything that the page loaded.
const BYTES: &str = "return performance.getEntriesByType('navigation')\
                     .concat(performance.getEntriesByType('resource'))\
                     .reduce((sum, one) => sum + one.transferSize, 0)";
/// The number of major problems that the board shows.
const MAJOR: &str = "return document.querySelector('.count-box.s-major b').textContent";

/// Opens the board several times, then lets hosts get worse.
pub(super) fn run(context: &Context) -> Result<Vec<Row>> {
    let server = Server::fresh(context, "board", Start::default())?;
    server.bench_rules(METRICS)?;
    let start_s = context.shell.elapsed_s();
    let _swarm = Swarm::start(context, &server, SIZE, "host")?;
    println!(
        "  {} agents enrolled and connected within {:.0} s",
        SIZE.agents,
        context.shell.elapsed_s() - start_s
    );
    server.wait("every host has sent", |server| {
        std::thread::sleep(Duration::from_millis(500));
        Ok(server.metric("bongsu_series")? >= (SIZE.agents * SIZE.series) as f64)
    })?;
    // A program of its own, for ten thousand connections take their time for one line.
    let one = Size {
        agents: 1,
        series: CHANGES,
        interval_ms: 10_000,
    };
    let mut probe = Swarm::start(context, &server, one, "worse")?;
    let browser = Browser::start(server.folder())?;
    let url = format!("http://127.0.0.1:{}/", server.port());
    let (name, value) = server.cookie().split_once('=').context("a cookie")?;
    let cookie = json!({"name": name, "value": value, "url": url});
    browser.devtools("Network.setCookie", &cookie)?;
    browser.look("en", 1440, 900, "light")?;
    let (mut paint_ms, mut kib) = (Vec::new(), Vec::new());
    for _ in 0..context.options.runs.max(3) {
        browser.devtools("Network.clearBrowserCache", &json!({}))?;
        browser.open(&url)?;
        std::thread::sleep(LOADS);
        paint_ms.push(number(&browser, PAINT)?);
        kib.push(number(&browser, BYTES)? / 1_024.0);
    }
    let seconds = changes(context, &browser, &mut probe)?;
    let row = |what: &str, unit, ours, target| Row {
        ours,
        target: Some(target),
        ..Row::less(&format!("board of 10,000 hosts: {what}"), unit)
    };
    Ok(vec![
        row(
            "first paint, cold cache",
            "s",
            median(&paint_ms).map(|ms| ms / 1_000.0),
            1.0,
        ),
        row("a change shows, p50", "s", median(&seconds), 1.0),
        row("a change shows, p99", "s", percentile(&seconds, 0.99), 1.0),
        row("transferred", "KiB", median(&kib), 500.0),
    ])
}

fn number(browser: &Browser, script: &str) -> Result<f64> {
    let value = browser.script(script, &json!([]))?;
    value.as_f64().context("the page gave no number")
}

/// Seconds from a sample that makes a host worse to the number on the page.
fn changes(context: &Context, browser: &Browser, probe: &mut Swarm) -> Result<Vec<f64>> {
    let shown = || -> Result<Value> { browser.script(MAJOR, &json!([])) };
    let mut seconds = Vec::new();
    for n in 0..CHANGES {
        let before = shown()?;
        let start_s = context.shell.elapsed_s();
        probe.cross(0, n)?;
        while shown()? == before {
            let waited_s = context.shell.elapsed_s() - start_s;
            ensure!(
                waited_s < PATIENCE_S,
                "a change never showed: {before} stays"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        seconds.push(context.shell.elapsed_s() - start_s);
        std::thread::sleep(Duration::from_millis(700));
    }
    Ok(seconds)
}
