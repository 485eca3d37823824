//! Samples that are not in a part yet, as they arrived.

use roaring::RoaringBitmap;

use crate::SeriesId;
use crate::wal::AppendBatch;

/// One sample of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// UTC milliseconds.
    pub t_ms: i64,
    /// The value; a stale series ends with the bits of `STALE_NAN_BITS`.
    pub value: f64,
}

/// The value with which Prometheus marks the end of a series; kept bit by bit.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// A table in memory: filled while active, then frozen and written to parts.
#[derive(Debug, Default)]
pub(crate) struct MemTable {
    series: Vec<Vec<Point>>,
    pub(crate) samples: u64,
    pub(crate) bytes: u64,
    /// Log position after the last batch in it.
    pub(crate) upto: u64,
    /// Monotonic reading at the first sample.
    pub(crate) since_ns: Option<u64>,
}

impl MemTable {
    pub(crate) fn insert(&mut self, batch: &AppendBatch, last: &mut LastPoints) {
        for (series, t_ms, value) in batch.iter() {
            let at = series.index();
            if at >= self.series.len() {
                let before = self.series.capacity();
                self.series.resize_with(at + 1, Vec::new);
                self.bytes += ((self.series.capacity() - before) * size_of::<Vec<Point>>()) as u64;
            }
            let Some(points) = self.series.get_mut(at) else {
                continue;
            };
            let before = points.capacity();
            let point = Point { t_ms, value };
            points.push(point);
            self.bytes += ((points.capacity() - before) * size_of::<Point>()) as u64;
            self.samples += 1;
            last.see(series, point);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// The points of one series in order of arrival.
    pub(crate) fn points(&self, series: SeriesId) -> &[Point] {
        self.series.get(series.index()).map_or(&[], Vec::as_slice)
    }

    /// Every series that has points.
    pub(crate) fn series(&self) -> impl Iterator<Item = (u32, &[Point])> {
        let filled = (0..)
            .zip(&self.series)
            .filter(|(_, points)| !points.is_empty());
        filled.map(|(series, points)| (series, points.as_slice()))
    }
}

/// The newest point of every series seen since the store was opened.
#[derive(Debug, Default)]
pub(crate) struct LastPoints {
    points: Vec<Point>,
    /// Series whose older parts need not be asked: the point here is their newest.
    complete: RoaringBitmap,
    /// The newest time of all.
    pub(crate) newest_ms: Option<i64>,
}

const NONE: Point = Point {
    t_ms: i64::MIN,
    value: 0.0,
};

impl LastPoints {
    pub(crate) fn see(&mut self, series: SeriesId, point: Point) {
        let at = series.index();
        if at >= self.points.len() {
            self.points.resize(at + 1, NONE);
        }
        if let Some(last) = self.points.get_mut(at)
            && point.t_ms >= last.t_ms
        {
            *last = point;
        }
        self.newest_ms = self.newest_ms.max(Some(point.t_ms));
    }

    pub(crate) fn set_complete(&mut self, series: SeriesId) {
        self.complete.insert(series.0);
    }

    /// The newest point known, and whether no part can hold a newer one.
    pub(crate) fn get(&self, series: SeriesId) -> (Option<Point>, bool) {
        let point = self.points.get(series.index()).copied();
        let complete = self.complete.contains(series.0);
        (point.filter(|point| point.t_ms != NONE.t_ms), complete)
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        (self.points.capacity() * size_of::<Point>()) as u64
    }
}

/// Sorts by time; of points with one time the last in the list wins.
pub(crate) fn sort_and_dedup(points: &mut Vec<Point>) {
    if points.is_sorted_by(|a, b| a.t_ms < b.t_ms) {
        return;
    }
    points.sort_by_key(|point| point.t_ms);
    // `dedup_by` hands the later one first: keep its value in the earlier, drop the later.
    points.dedup_by(|later, kept| {
        let same = later.t_ms == kept.t_ms;
        if same {
            *kept = *later;
        }
        same
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_times_the_last_written_wins() {
        let p = |t_ms, value| Point { t_ms, value };
        let mut points = vec![p(3, 1.0), p(1, 2.0), p(3, 3.0), p(2, 4.0), p(3, 5.0)];
        sort_and_dedup(&mut points);
        assert_eq!(points, vec![p(1, 2.0), p(2, 4.0), p(3, 5.0)]);
    }

    #[test]
    fn the_newest_point_is_kept_whatever_the_order() {
        let mut table = MemTable::default();
        let mut last = LastPoints::default();
        let mut batch = AppendBatch::new(0, 0);
        for t_ms in [5, 10, 7] {
            batch.push(SeriesId(2), t_ms, 1.0);
        }
        table.insert(&batch, &mut last);
        assert_eq!((table.samples, table.points(SeriesId(2)).len()), (3, 3));
        assert_eq!(last.get(SeriesId(2)).0.unwrap().t_ms, 10);
        assert_eq!(last.get(SeriesId(1)), (None, false));
    }
}
