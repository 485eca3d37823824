//! Prometheus with Alertmanager at its tightest: the same crossings through the peer.

use super::crossing::{CROSSINGS, PATIENCE, pause};
use super::hook::Hook;
use super::peers::{ALERTMANAGER, PROMETHEUS};
use super::{Context, programs};
use crate::http::{free_port, request, wait_for};
use crate::process::Running;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Scraping and evaluating more often than this buys it nothing on two cores.
const TIGHT: &str = "100ms";

/// Seconds from the moment a value crosses to the webhook, for each of the crossings.
pub(super) fn crossings(context: &Context) -> Result<Vec<f64>> {
    let hook = Hook::start(context.shell.clock())?;
    let crossed = Arc::new(AtomicUsize::new(0));
    let exporter = exporter(Arc::clone(&crossed))?;
    let folder = programs::folder(context, "prometheus")?;
    let (own, alerts) = (free_port()?, free_port()?);
    write_settings(&folder, &hook.url(), (exporter, alerts))?;
    let mut command = ALERTMANAGER.command(context)?;
    command
        .arg(format!(
            "--config.file={}",
            folder.join("alertmanager.yml").display()
        ))
        .arg(format!(
            "--storage.path={}",
            folder.join("alerts").display()
        ))
        .arg(format!("--web.listen-address=127.0.0.1:{alerts}"))
        .arg("--cluster.listen-address=");
    let _alertmanager = Running::start(&mut command)?;
    wait_for(alerts)?;
    let mut command = PROMETHEUS.command(context)?;
    command
        .arg(format!(
            "--config.file={}",
            folder.join("prometheus.yml").display()
        ))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.join("data").display()
        ))
        .arg(format!("--web.listen-address=127.0.0.1:{own}"));
    let _prometheus = Running::start(&mut command)?;
    wait_for(own)?;
    wait_for_data(own)?;
    let mut seconds = Vec::new();
    for n in 1..=CROSSINGS {
        let skip = hook.arrivals().len();
        let start_s = context.shell.elapsed_s();
        crossed.store(n, Ordering::Relaxed);
        let is_it = |body: &Value| names(body, &n.to_string());
        let told = hook
            .wait(skip, PATIENCE, is_it)
            .context("an alert was never told")?;
        seconds.push(told.at_s - start_s);
        std::thread::sleep(pause(n));
    }
    Ok(seconds)
}

fn names(body: &Value, n: &str) -> bool {
    let alerts = body.get("alerts").and_then(Value::as_array);
    alerts.into_iter().flatten().any(|alert| {
        let label = |name: &str| {
            alert
                .pointer(&format!("/labels/{name}"))
                .and_then(Value::as_str)
        };
        label("n") == Some(n) && alert.get("status").and_then(Value::as_str) == Some("firing")
    })
}

fn write_settings(folder: &Path, hook: &str, (exporter, alerts): (u16, u16)) -> Result<()> {
    std::fs::write(
        folder.join("prometheus.yml"),
        format!(
            "global: {{scrape_interval: {TIGHT}, evaluation_interval: {TIGHT}}}\n\
             rule_files: [rules.yml]\n\
             scrape_configs:\n  - job_name: bench\n    scrape_timeout: {TIGHT}\n    \
             static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]\n\
             alerting:\n  alertmanagers:\n    \
             - static_configs: [{{targets: ['127.0.0.1:{alerts}']}}]\n"
        ),
    )?;
    std::fs::write(
        folder.join("rules.yml"),
        format!(
            "groups:\n  - name: bench\n    interval: {TIGHT}\n    \
             rules: [{{alert: Bench, expr: 'bench_probe > 0.5'}}]\n"
        ),
    )?;
    std::fs::write(
        folder.join("alertmanager.yml"),
        format!(
            "route:\n  receiver: hook\n  group_by: ['...']\n  group_wait: 0s\n  \
             group_interval: 1s\n  repeat_interval: 1h\n\
             receivers: [{{name: hook, webhook_configs: [{{url: '{hook}'}}]}}]\n"
        ),
    )?;
    Ok(())
}

/// Answers every scrape: the first so many probes have crossed.
fn exporter(crossed: Arc<AtomicUsize>) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let crossed = Arc::clone(&crossed);
            std::thread::spawn(move || {
                let mut asked = [0; 4096];
                while stream.read(&mut asked).is_ok_and(|count| count > 0) {
                    let far = crossed.load(Ordering::Relaxed);
                    let mut text = String::new();
                    for n in 1..=CROSSINGS {
                        text.push_str(&format!(
                            "bench_probe{{n=\"{n}\"}} {}\n",
                            u8::from(n <= far)
                        ));
                    }
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\
                         Content-Length: {}\r\n\r\n",
                        text.len()
                    );
                    if stream.write_all((head + &text).as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    Ok(port)
}

fn wait_for_data(port: u16) -> Result<()> {
    for _ in 0..300 {
        let answer = request(port, "GET", "/api/v1/query?query=count(bench_probe)", "")?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if text.contains(&format!("\"{CROSSINGS}\"")) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    ensure!(false, "Prometheus scraped nothing");
    Ok(())
}
