//! What was measured before, for "what would this rule have done".

use std::sync::Arc;

use model::{CiId, MatchOp, Selector};
use tsdb::Tsdb;
use watch::{History, HostInfo, Inventory, SeriesPoints};

use super::{CI_LABEL, Directory};

/// Answers from the metrics store.
pub(crate) struct Past(pub(crate) Arc<Tsdb>);

impl History for Past {
    fn range(
        &self,
        host: CiId,
        selector: &Selector,
        (from_ms, to_ms): (i64, i64),
    ) -> Result<Vec<SeriesPoints>, String> {
        let of_host = selector
            .clone()
            .and(CI_LABEL, MatchOp::Eq, &host.to_string());
        let series = self.0.select(&of_host).map_err(|error| error.to_string())?;
        let lines = self.0.query(&series, from_ms, to_ms.saturating_sub(1));
        let lines = lines.map_err(|error| error.to_string())?;
        let labelled = series.iter().zip(lines).filter_map(|(id, points)| {
            let labels = self.0.labels(*id)?;
            let points = points
                .into_iter()
                .map(|point| (point.t_ms, point.value))
                .collect();
            Some(((*labels).clone(), points))
        });
        Ok(labelled.collect())
    }
}

impl Inventory for Directory {
    fn hosts(&self) -> Vec<HostInfo> {
        self.in_service()
    }
}
