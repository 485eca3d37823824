//! Numbers for series: the store's, with the labels that tell hosts apart, capped per host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fleet::{SeriesRefused, SeriesResolver};
use model::{CiId, Labels, METRIC_NAME, MatchOp, Selector, limits};
use tsdb::{SeriesId, Tsdb};

/// The label that carries a host's id; the join key of every series of a host.
pub(crate) const CI_LABEL: &str = "ci";
/// The label that carries a host's name, as public dashboards expect it.
pub(crate) const INSTANCE_LABEL: &str = "instance";
/// The label that says how a series came here, as public dashboards expect it.
const JOB_LABEL: &str = "job";
/// The job of everything that agents send.
const JOB: &str = "bongsu-agent";

/// Resolves series of agents in the metrics store.
pub(crate) struct Resolver {
    tsdb: Arc<Tsdb>,
    names: Mutex<HashMap<CiId, String>>,
    counts: Mutex<HashMap<CiId, usize>>,
}

impl Resolver {
    /// A resolver that knows how many series each host already has.
    pub(crate) fn new(tsdb: Arc<Tsdb>) -> Self {
        let by_host = tsdb.count_by(CI_LABEL).into_iter();
        let counts = by_host.filter_map(|(host, count)| {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            Some((host.parse::<CiId>().ok()?, count))
        });
        let counts = counts.collect();
        Self {
            tsdb,
            names: Mutex::default(),
            counts: Mutex::new(counts),
        }
    }

    /// Says under which name a host's series are kept from now on.
    pub(crate) fn name(&self, host: CiId, name: String) {
        self.names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(host, name);
    }

    /// The number of exactly these labels, without making one; slow, for hosts at their cap only.
    fn known(&self, labels: &Labels) -> Option<u32> {
        let equal = labels.iter().fold(Selector::default(), |selector, label| {
            selector.and(&label.name, MatchOp::Eq, &label.value)
        });
        let found = self.tsdb.select(&equal).ok()?;
        let same = |id: &SeriesId| self.tsdb.labels(*id).is_some_and(|found| *found == *labels);
        found.into_iter().find(same).map(|id| id.0)
    }

    fn instance(&self, host: CiId) -> String {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names
            .get(&host)
            .cloned()
            .unwrap_or_else(|| host.to_string())
    }
}

impl SeriesResolver for Resolver {
    fn resolve(
        &self,
        host: CiId,
        name: &str,
        labels: &[(&str, &str)],
    ) -> Result<u32, SeriesRefused> {
        let own = [
            (METRIC_NAME.to_owned(), name.to_owned()),
            (CI_LABEL.to_owned(), host.to_string()),
            (INSTANCE_LABEL.to_owned(), self.instance(host)),
            (JOB_LABEL.to_owned(), JOB.to_owned()),
        ];
        let given = labels
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let labels = Labels::new(own.into_iter().chain(given))
            .map_err(|error| SeriesRefused::Malformed(error.to_string()))?;
        // One lock over look-up and making: two connections of one host cannot pass the cap together.
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(host).or_insert(0);
        if *count >= limits::SERIES_PER_HOST_MAX {
            let known = self.known(&labels);
            return known.ok_or(SeriesRefused::Limit {
                limit: limits::SERIES_PER_HOST_MAX,
            });
        }
        let before = self.tsdb.series_count();
        let id = self
            .tsdb
            .resolve(&labels)
            .map_err(|error| SeriesRefused::Malformed(error.to_string()))?;
        if id.0 >= before {
            *count += 1;
        }
        Ok(id.0)
    }
}
