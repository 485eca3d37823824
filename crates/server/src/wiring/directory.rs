//! All hosts in memory: answers per transition and per page without asking the records store.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use cmdb::{Cmdb, CmdbError, Host, HostFilter};
use model::CiId;
use watch::HostInfo;

/// Rows read at once while loading.
const PAGE_ROWS: usize = 2_000;

/// Hosts by id.
type Hosts = HashMap<CiId, Arc<Host>>;

/// The hosts as of the last change of the CMDB; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    cmdb: Cmdb,
    hosts: Arc<RwLock<Arc<Hosts>>>,
    /// How often agents collect, in milliseconds.
    interval_ms: u32,
}

impl Directory {
    /// The directory with every host of the CMDB, the retired too: history names them.
    pub(crate) async fn load(cmdb: Cmdb, interval_ms: u32) -> Result<Self, CmdbError> {
        let directory = Self {
            cmdb,
            hosts: Arc::default(),
            interval_ms,
        };
        directory.reload().await?;
        Ok(directory)
    }

    /// Reads all hosts again.
    pub(crate) async fn reload(&self) -> Result<(), CmdbError> {
        let mut hosts = HashMap::new();
        let mut after = None;
        loop {
            let filter = HostFilter {
                retired: true,
                after,
                limit: PAGE_ROWS,
                ..HostFilter::default()
            };
            let page = self.cmdb.hosts(&filter).await?;
            let full = page.len() == PAGE_ROWS;
            after = page.last().map(|host| host.name.clone());
            hosts.extend(page.into_iter().map(|host| (host.id, Arc::new(host))));
            if !full {
                break;
            }
        }
        *self.hosts.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(hosts);
        Ok(())
    }

    /// All hosts.
    pub(crate) fn all(&self) -> Arc<HashMap<CiId, Arc<Host>>> {
        self.hosts
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How often agents collect, in milliseconds.
    pub(crate) const fn interval_ms(&self) -> u32 {
        self.interval_ms
    }

    /// A host as watching sees it.
    pub(crate) fn seen_by_watching(&self, host: &Host) -> HostInfo {
        HostInfo {
            ci: host.id,
            name: host.name.clone(),
            os: host.facts.os_family.clone(),
            labels: host.labels.clone(),
            interval_ms: self.interval_ms,
        }
    }

    /// The hosts in service as watching sees them.
    pub(crate) fn in_service(&self) -> Vec<HostInfo> {
        let all = self.all();
        let in_service = all.values().filter(|host| host.retired_ms.is_none());
        in_service.map(|host| self.seen_by_watching(host)).collect()
    }

    /// One host.
    pub(crate) fn get(&self, ci: CiId) -> Option<Arc<Host>> {
        self.all().get(&ci).cloned()
    }
}
