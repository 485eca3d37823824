//! Reading samples: parts, frozen tables and the active one as if they were one list.

use std::sync::Arc;

use super::Tsdb;
use crate::SeriesId;
use crate::error::{Error, Result};
use crate::guard::{read, write};
use crate::memory::{MemTable, Point, sort_and_dedup};
use crate::part::{Key, Part, Range, Wanted};

impl Tsdb {
    /// The samples of each series with `from_ms <= t_ms <= to_ms`, sorted, each time once; an unknown
    /// series has none.
    ///
    /// # Errors
    /// When the query would read more samples than allowed.
    pub fn query(&self, series: &[SeriesId], from_ms: i64, to_ms: i64) -> Result<Vec<Vec<Point>>> {
        let mut out = vec![Vec::new(); series.len()];
        let wanted = self.wanted(series);
        let mut unique = wanted.clone();
        unique.dedup_by_key(|want| want.key);
        self.read_into(&unique, Range { from_ms, to_ms }, &mut out)?;
        // A series asked for twice was read once, into the first of its places.
        for (want, before) in wanted.iter().skip(1).zip(&wanted) {
            if want.key == before.key {
                let same = out.get(before.out).cloned().unwrap_or_default();
                if let Some(slot) = out.get_mut(want.out) {
                    *slot = same;
                }
            }
        }
        Ok(out)
    }

    fn wanted(&self, series: &[SeriesId]) -> Vec<Wanted> {
        let index = read(&self.inner.index);
        let key = |series: SeriesId| Key {
            metric: index.metric_key(series.0),
            series: series.0,
        };
        let mut wanted: Vec<Wanted> = series
            .iter()
            .enumerate()
            .map(|(out, &s)| Wanted { key: key(s), out })
            .collect();
        wanted.sort_unstable();
        wanted
    }

    fn read_into(&self, wanted: &[Wanted], range: Range, out: &mut [Vec<Point>]) -> Result<()> {
        if range.from_ms > range.to_ms {
            return Ok(());
        }
        let limit = self.inner.options.query_samples_max;
        let mut left = limit;
        // One moment: what leaves memory enters the parts under the same lock.
        let (parts, frozen, fresh) = {
            let head = read(&self.inner.head);
            let fresh = collect(&head.active, wanted, range);
            (head.parts.clone(), head.frozen.clone(), fresh)
        };
        for part in parts.iter().filter(|part| part.overlaps(range)) {
            part.read(wanted, range, out, &mut left)
                .map_err(|_| Error::QueryTooLarge { limit })?;
        }
        let frozen = frozen.iter().map(|table| collect(table, wanted, range));
        for points in frozen.chain(std::iter::once(fresh)) {
            for (want, mut points) in wanted.iter().zip(points) {
                let read = points.len() as u64;
                left = left
                    .checked_sub(read)
                    .ok_or(Error::QueryTooLarge { limit })?;
                if let Some(out) = out.get_mut(want.out) {
                    out.append(&mut points);
                }
            }
        }
        for points in out {
            sort_and_dedup(points);
        }
        Ok(())
    }

    /// The newest sample of a series. In memory, except for a series without a sample since the
    /// store was opened: its first question reads a part.
    #[must_use]
    pub fn last(&self, series: SeriesId) -> Option<Point> {
        // Tables in memory were seen as they were filled; only parts can hold a newer sample.
        let (known, complete, parts) = {
            let head = read(&self.inner.head);
            let (known, complete) = head.last.get(series);
            (known, complete, head.parts.clone())
        };
        if complete {
            return known;
        }
        let found = self.last_in_parts(&parts, series, known);
        let mut head = write(&self.inner.head);
        if let Some(point) = found {
            head.last.see(series, point);
        }
        head.last.set_complete(series);
        head.last.get(series).0
    }

    /// The newest sample in `parts` that is newer than `known`.
    fn last_in_parts(
        &self,
        parts: &[Arc<Part>],
        series: SeriesId,
        known: Option<Point>,
    ) -> Option<Point> {
        let from_ms = known.map_or(i64::MIN, |point| point.t_ms.saturating_add(1));
        let range = Range {
            from_ms,
            to_ms: i64::MAX,
        };
        let wanted = self.wanted(&[series]);
        for day in parts.chunk_by(|a, b| a.meta().day == b.meta().day).rev() {
            let mut points = [Vec::new()];
            for part in day.iter().filter(|part| part.overlaps(range)) {
                let mut left = u64::MAX;
                let _unbounded = part.read(&wanted, range, &mut points, &mut left);
            }
            let [points] = &mut points;
            sort_and_dedup(points);
            if let Some(last) = points.last() {
                return Some(*last);
            }
        }
        None
    }
}

/// The points of each wanted series in a table, in order of arrival.
fn collect(table: &MemTable, wanted: &[Wanted], range: Range) -> Vec<Vec<Point>> {
    let within = |point: &&Point| (range.from_ms..=range.to_ms).contains(&point.t_ms);
    let points = |want: &Wanted| {
        let all = table.points(SeriesId(want.key.series));
        all.iter().filter(within).copied().collect()
    };
    wanted.iter().map(points).collect()
}
