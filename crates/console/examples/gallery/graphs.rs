//! Graph data in the shape of `docs/format/graph.md`, made up of waves.

use std::collections::HashMap;

use axum::extract::Query;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use console::samples::pick;
use model::{Lang, Severity};

/// A line: its label, its middle, how far it swings, and how rough it is.
type Line = (&'static str, f64, f64, f64);

#[expect(clippy::too_many_lines, reason = "one table of made-up lines")]
fn lines(name: &str) -> (&'static str, bool, Vec<Line>) {
    const GIB: f64 = 1_073_741_824.0;
    const MIB: f64 = 1_048_576.0;
    match name {
        "cpu" => (
            "ratio",
            true,
            vec![
                ("user", 0.28, 0.12, 0.05),
                ("system", 0.08, 0.03, 0.02),
                ("iowait", 0.04, 0.03, 0.03),
                ("softirq", 0.01, 0.006, 0.004),
                ("steal", 0.005, 0.003, 0.003),
            ],
        ),
        "load" => (
            "plain",
            false,
            vec![
                ("load1", 0.7, 0.4, 0.2),
                ("load5", 0.66, 0.3, 0.05),
                ("load15", 0.62, 0.2, 0.01),
            ],
        ),
        "memory" => (
            "bytes",
            true,
            vec![
                ("used", 41.0 * GIB, 3.0 * GIB, GIB / 4.0),
                ("buffers", 1.2 * GIB, 0.1 * GIB, 0.0),
                ("cache", 14.0 * GIB, 2.0 * GIB, 0.0),
            ],
        ),
        "swap" => ("bytes", false, vec![("used", 1.1 * GIB, 0.3 * GIB, 0.0)]),
        "disk_space" => (
            "ratio",
            false,
            vec![
                ("/", 0.41, 0.005, 0.0),
                ("/var", 0.93, 0.05, 0.002),
                ("/data", 0.912, 0.004, 0.0),
            ],
        ),
        "disk_io" => (
            "bytes_per_second",
            false,
            vec![
                ("vda read", 12.0 * MIB, 9.0 * MIB, 6.0 * MIB),
                ("vda write", 48.0 * MIB, 22.0 * MIB, 18.0 * MIB),
            ],
        ),
        "disk_await" => (
            "seconds",
            false,
            vec![("vda", 0.004, 0.002, 0.002), ("vdb", 0.011, 0.006, 0.005)],
        ),
        "network" => (
            "bytes_per_second",
            false,
            vec![
                ("ens3 in", 84.0 * MIB, 30.0 * MIB, 12.0 * MIB),
                ("ens3 out", 61.0 * MIB, 26.0 * MIB, 10.0 * MIB),
            ],
        ),
        "network_errors" => (
            "per_second",
            false,
            vec![
                ("ens3 errors", 0.2, 0.2, 0.6),
                ("ens3 drops", 0.6, 0.5, 1.0),
            ],
        ),
        "tcp" => (
            "plain",
            false,
            vec![
                ("established", 1_840.0, 300.0, 40.0),
                ("time_wait", 620.0, 200.0, 60.0),
                ("listen", 31.0, 0.0, 0.0),
                ("syn_recv", 4.0, 3.0, 3.0),
            ],
        ),
        "disk_fill" => ("ratio", false, vec![("/var", 0.9, 0.0, 0.001)]),
        _ => (
            "ratio",
            false,
            vec![
                ("cpu", 0.06, 0.04, 0.03),
                ("io", 0.12, 0.08, 0.06),
                ("memory", 0.01, 0.01, 0.01),
            ],
        ),
    }
}

/// `/api/v1/graph`.
pub(crate) async fn graph(Query(query): Query<HashMap<String, String>>) -> Response {
    let number =
        |key: &str, other: f64| query.get(key).and_then(|v| v.parse().ok()).unwrap_or(other);
    let name = query.get("name").map_or("cpu", String::as_str);
    let lang = query
        .get("lang")
        .and_then(|code| Lang::from_code(code))
        .unwrap_or_default();
    let (from, to) = (number("from", 0.0), number("to", 3_600_000.0));
    let points = number("points", 600.0).clamp(2.0, 1_500.0) as usize;
    let step = (to - from) / points as f64;
    let (unit, stacked, lines) = lines(name);
    let times: Vec<f64> = (0..points)
        .map(|at| ((from + step * at as f64) / 1_000.0).round())
        .collect();
    let series: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| serie(at, *line, &times, name, to))
        .collect();
    let mut body = serde_json::json!({
        "unit": unit, "stacked": stacked, "step_ms": step, "t": times, "series": series,
        "marks": [], "thresholds": [], "late": [],
    });
    if name == "cpu" {
        body["y_max"] = 1.0.into();
    }
    if name == "disk_space" || name == "disk_fill" {
        body["thresholds"] = [
            (Severity::Minor, 0.9),
            (Severity::Major, 0.95),
            (Severity::Critical, 0.98),
        ]
        .map(|level| threshold(lang, level))
        .into();
        body["marks"] = serde_json::json!([
            {"from": to - 27.0 * 60_000.0, "to": to - 11.0 * 60_000.0, "severity": "major", "title": pick(lang, "디스크 사용률", "Disk used"), "url": "/problems/x"},
            {"from": to - 11.0 * 60_000.0, "to": null, "severity": "critical", "title": pick(lang, "디스크 사용률", "Disk used"), "url": "/problems/x"},
        ]);
    }
    (
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

fn threshold(lang: Lang, (severity, value): (Severity, f64)) -> serde_json::Value {
    let label = format!(
        "{} {}",
        ui::severity_word(lang, severity),
        i18n::percent(value)
    );
    serde_json::json!({"severity": severity.name(), "value": value, "label": label})
}

fn serie(
    at: usize,
    (label, middle, swing, rough): Line,
    times: &[f64],
    name: &str,
    to: f64,
) -> serde_json::Value {
    let noise =
        |t: f64, k: f64| ((t * 12.989_8 * k + at as f64 * 78.233).sin() * 43_758.545).fract();
    let mean: Vec<Option<f64>> = times
        .iter()
        .map(|t| {
            let wave =
                (t / 900.0 + at as f64).sin() * 0.6 + (t / 7_000.0 + at as f64 * 2.0).sin() * 0.4;
            let mut value = middle + swing * wave + rough * noise(*t, 1.0);
            if name == "disk_fill" {
                let minutes_left = (to / 1_000.0 - t) / 60.0;
                value = (0.62 + 0.363 * (-minutes_left / 55.0).exp()).min(0.983)
                    + rough * noise(*t, 1.0);
            }
            Some(rounded(value.max(0.0)))
        })
        .collect();
    let shift = |by: f64| {
        mean.iter()
            .map(|v| v.map(|v| rounded((v + by * (rough + swing * 0.12)).max(0.0))))
            .collect::<Vec<_>>()
    };
    serde_json::json!({"label": label, "mean": mean, "min": shift(-1.0), "max": shift(1.0)})
}

/// Five significant digits: what a graph can show.
fn rounded(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}
