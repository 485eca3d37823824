//! The series that exist, for the judge's driver.

use std::sync::Arc;

use model::{CiId, Labels, MatchOp, Selector};
use tsdb::{SeriesId, Tsdb};
use watch::Catalog;

use super::CI_LABEL;
use crate::ingest::host_of;

/// Answers from the metrics store's index.
pub(crate) struct Series(pub(crate) Arc<Tsdb>);

impl Series {
    fn each(&self, selector: &Selector, each: &mut dyn FnMut(SeriesId, &Labels)) {
        // A selector with a broken expression fits nothing; checking rules says so where it is written.
        for id in self.0.select(selector).unwrap_or_default() {
            if let Some(labels) = self.0.labels(id) {
                each(id, &labels);
            }
        }
    }
}

impl Catalog for Series {
    fn by_selector(&self, selector: &Selector, each: &mut dyn FnMut(u32, CiId, &Labels)) {
        self.each(selector, &mut |id, labels| {
            if let Some(host) = host_of(labels) {
                each(id.0, host, labels);
            }
        });
    }

    fn by_host(&self, host: CiId, each: &mut dyn FnMut(u32, &Labels)) {
        let of_host = Selector::default().and(CI_LABEL, MatchOp::Eq, &host.to_string());
        self.each(&of_host, &mut |id, labels| each(id.0, labels));
    }
}
