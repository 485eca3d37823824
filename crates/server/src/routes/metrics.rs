//! The server's numbers about itself in Prometheus' text format.

use std::fmt::Write;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::Own;

/// One number: name, type, help, value.
struct Number(&'static str, &'static str, &'static str, f64);

/// Everything as text.
pub(crate) async fn metrics(State(own): State<Own>) -> impl IntoResponse {
    let mut text = String::new();
    for Number(name, kind, help, value) in storage(&own) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
        );
    }
    for (name, help, value) in own.findings.numbers() {
        let _ = writeln!(
            text,
            "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}"
        );
    }
    text.push_str("# HELP bongsu_check_ok Whether a part of the server works.\n");
    text.push_str("# TYPE bongsu_check_ok gauge\n");
    for check in own.health.checks() {
        let ok = u8::from(check.ok);
        let _ = writeln!(text, "bongsu_check_ok{{check=\"{}\"}} {ok}", check.name);
    }
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn storage(own: &Own) -> Vec<Number> {
    let stats = own.tsdb.stats();
    let (gauge, counter) = ("gauge", "counter");
    vec![
        Number(
            "bongsu_series",
            gauge,
            "Series known.",
            f64::from(stats.series),
        ),
        Number(
            "bongsu_samples_appended_total",
            counter,
            "Samples taken since the start.",
            stats.samples_appended as f64,
        ),
        Number(
            "bongsu_samples_refused_total",
            counter,
            "Samples too old or too far in the future.",
            stats.samples_refused as f64,
        ),
        Number("bongsu_parts", gauge, "Parts on disk.", stats.parts as f64),
        Number(
            "bongsu_part_bytes",
            gauge,
            "Bytes of parts on disk.",
            stats.part_bytes as f64,
        ),
        Number(
            "bongsu_part_samples",
            gauge,
            "Samples in parts.",
            stats.part_samples as f64,
        ),
        Number(
            "bongsu_wal_bytes",
            gauge,
            "Bytes of the log.",
            stats.wal_bytes as f64,
        ),
        Number(
            "bongsu_wal_fsync_seconds",
            gauge,
            "Duration of the last fsync of the log.",
            stats.last_fsync_ms / 1_000.0,
        ),
        Number(
            "bongsu_wal_fsyncs_total",
            counter,
            "Fsyncs of the log.",
            stats.fsyncs as f64,
        ),
        Number(
            "bongsu_wal_failures_total",
            counter,
            "Writes and fsyncs of the log that failed.",
            stats.wal_failures as f64,
        ),
        Number(
            "bongsu_memory_samples",
            gauge,
            "Samples not yet in a part.",
            stats.memory_samples as f64,
        ),
    ]
}
