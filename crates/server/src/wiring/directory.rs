//! All hosts in memory: answers per transition and per page without asking the records store.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use cmdb::{Cmdb, CmdbError, Host, HostFilter};
use model::CiId;

/// Rows read at once while loading.
const PAGE_ROWS: usize = 2_000;

/// Hosts by id.
type Hosts = HashMap<CiId, Arc<Host>>;

/// The hosts as of the last change of the CMDB; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    cmdb: Cmdb,
    hosts: Arc<RwLock<Arc<Hosts>>>,
}

impl Directory {
    /// The directory with every host of the CMDB, the retired too: history names them.
    pub(crate) async fn load(cmdb: Cmdb) -> Result<Self, CmdbError> {
        let directory = Self {
            cmdb,
            hosts: Arc::default(),
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

    /// One host.
    pub(crate) fn get(&self, ci: CiId) -> Option<Arc<Host>> {
        self.all().get(&ci).cloned()
    }
}
