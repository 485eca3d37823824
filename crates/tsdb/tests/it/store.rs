//! What the tests share: a directory, a clock and a small store in it.

use std::path::Path;
use std::sync::Arc;

use model::Labels;
use stdx::{Env, VirtualClock};
use tsdb::{AppendBatch, Options, Point, RecoveryReport, SeriesId, Tsdb};

/// 2026-01-01T00:00:00Z.
pub(crate) const T0: i64 = 1_767_225_600_000;

pub(crate) fn options() -> Options {
    Options {
        background: false,
        ..Options::default()
    }
}

pub(crate) fn env() -> (Env, Arc<VirtualClock>) {
    Env::simulated(T0 + 3_600_000, 1)
}

pub(crate) fn open(dir: &Path) -> Tsdb {
    open_with(dir, options()).0
}

pub(crate) fn open_with(dir: &Path, options: Options) -> (Tsdb, RecoveryReport) {
    Tsdb::open(dir, options, env().0).unwrap()
}

pub(crate) fn labels(name: &str, host: u32) -> Labels {
    Labels::metric(name, &[("host", host.to_string().as_str())]).unwrap()
}

pub(crate) fn batch(rows: &[(SeriesId, i64, f64)]) -> AppendBatch {
    let mut batch = AppendBatch::new(9, 4);
    for &(series, t_ms, value) in rows {
        batch.push(series, t_ms, value);
    }
    batch
}

pub(crate) fn point(t_ms: i64, value: f64) -> Point {
    Point { t_ms, value }
}

/// All points of one series.
pub(crate) fn all(tsdb: &Tsdb, series: SeriesId) -> Vec<Point> {
    tsdb.query(&[series], i64::MIN, i64::MAX).unwrap().remove(0)
}
