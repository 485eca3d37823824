//! The fleet's view of the inventory: enrolments become hosts, facts and discoveries are kept.

use std::collections::BTreeMap;

use cmdb::{Cmdb, Host, HostFacts, Seen};
use db::BoxFuture;
use fleet::{HostIdentity, HostRegistry, RegistryRefused, Thing, TokenGrant};
use model::CiId;

/// Answers the fleet from the CMDB.
#[derive(Clone)]
pub(crate) struct Inventory {
    cmdb: Cmdb,
}

impl Inventory {
    pub(crate) const fn new(cmdb: Cmdb) -> Self {
        Self { cmdb }
    }

    /// Keeps facts; a failure is logged, for the agent cannot do anything about it.
    pub(crate) async fn facts(&self, ci: CiId, facts: fleet::HostFacts) {
        if let Err(error) = self.cmdb.observe(ci, converted(&facts)).await {
            tracing::warn!(host.id = %ci, %error, "the facts of a host were not kept");
        }
    }

    /// Keeps the list of discovered things.
    pub(crate) async fn discovered(&self, ci: CiId, things: Vec<Thing>) {
        let seen = things.into_iter().map(|thing| Seen {
            kind: thing.kind,
            key: thing.key,
            title: thing.title,
            attributes: thing.attributes.into_iter().collect(),
        });
        if let Err(error) = self.cmdb.discover(ci, seen.collect()).await {
            tracing::warn!(host.id = %ci, %error, "the discoveries of a host were not kept");
        }
    }
}

impl HostRegistry for Inventory {
    fn enrol<'a>(
        &'a self,
        facts: &'a fleet::HostFacts,
        token: &'a TokenGrant,
        known: Option<CiId>,
    ) -> BoxFuture<'a, Result<HostIdentity, RegistryRefused>> {
        Box::pin(async move {
            if let Some(ci) = known
                && let Ok(host) = self.cmdb.host(ci).await
                && host.retired_ms.is_none()
            {
                self.facts(ci, facts.clone()).await;
                return Ok(identity(host));
            }
            let labels: BTreeMap<String, String> = token.labels.iter().cloned().collect();
            let host = self.cmdb.enrol(converted(facts), labels).await;
            host.map(identity)
                .map_err(|error| RegistryRefused(error.to_string()))
        })
    }

    fn name(&self, host: CiId) -> BoxFuture<'_, Option<String>> {
        Box::pin(async move {
            let host = self.cmdb.host(host).await.ok()?;
            host.retired_ms.is_none().then_some(host.name)
        })
    }
}

fn identity(host: Host) -> HostIdentity {
    HostIdentity {
        ci: host.id,
        name: host.name,
    }
}

fn converted(facts: &fleet::HostFacts) -> HostFacts {
    HostFacts {
        hostname: facts.hostname.clone(),
        machine: facts.machine_id.clone(),
        os_family: "linux".to_owned(),
        os_name: facts.os_name.clone(),
        kernel: facts.kernel.clone(),
        arch: facts.arch.clone(),
        addresses: facts.addresses.clone(),
        cpus: facts.cpus,
        memory_bytes: facts.memory_bytes,
        booted_ms: (facts.booted_s > 0).then_some(facts.booted_s * 1_000),
    }
}
