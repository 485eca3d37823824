//! Adding, changing and listing hosts.

use std::collections::BTreeMap;

use db::{Change, Tx};
use model::CiId;

use super::Cmdb;
use crate::{CHANGED, CmdbError, Host, HostChange, HostFacts, HostFilter, store};

/// How many numbered names are tried when a name is taken: `web01-2`, `web01-3`, ….
const NUMBERED_NAMES_MAX: u32 = 10_000;

impl Cmdb {
    /// Makes a host a configuration item, or finds the one that this machine already is.
    ///
    /// A machine that enrols again (same machine-id) keeps its id, name and history; a retired one is
    /// in service again. A taken name gets a number.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn enrol(
        &self,
        facts: HostFacts,
        labels: BTreeMap<String, String>,
    ) -> Result<Host, CmdbError> {
        let new_id = CiId::new(&self.env);
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let known = match facts.machine.as_str() {
                        "" => None,
                        machine => store::host_by_machine(tx, machine).await?,
                    };
                    if let Some(before) = known {
                        let mut host = before.clone();
                        host.facts = facts;
                        host.retired_ms = None;
                        host.labels.extend(labels);
                        host.version += 1;
                        save(tx, "agent", Some(&before), &host, "enrolled again").await?;
                        return Ok(host);
                    }
                    let host = Host {
                        id: new_id,
                        name: free_name(tx, &facts.hostname).await?,
                        labels,
                        facts,
                        retired_ms: None,
                        created_ms: tx.now_ms(),
                        version: 1,
                    };
                    save(tx, "agent", None, &host, "enrolled").await?;
                    Ok(host)
                })
            })
            .await
    }

    /// Keeps what a machine newly says of itself; name and labels stay.
    ///
    /// # Errors
    /// When the host does not exist, or the store fails.
    pub async fn observe(&self, id: CiId, facts: HostFacts) -> Result<(), CmdbError> {
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let found = store::host(tx, id).await?;
                    let before = found.ok_or(CmdbError::NotFound("this host"))?;
                    let hostname = before.facts.hostname.clone();
                    let facts = HostFacts { hostname, ..facts };
                    if facts != before.facts {
                        let after = Host { facts, ..before };
                        store::save_host(tx, &after).await?;
                        tx.hint(CHANGED);
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Changes name, labels or service state, if the host still has the version the caller saw.
    ///
    /// # Errors
    /// When it does not exist, was changed meanwhile, a name or label is refused, or the store fails.
    pub async fn change(
        &self,
        id: CiId,
        seen: Option<i64>,
        change: HostChange,
        by: &str,
    ) -> Result<Host, CmdbError> {
        let by = by.to_owned();
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let found = store::host(tx, id).await?;
                    let before = found.ok_or(CmdbError::NotFound("this host"))?;
                    if let Some(seen) = seen.filter(|seen| *seen != before.version) {
                        let (name, found) = (before.name, before.version);
                        return Err(CmdbError::ChangedMeanwhile { name, found, seen });
                    }
                    let after = applied(tx, &before, &change).await?;
                    save(tx, &by, Some(&before), &after, &change.why).await?;
                    Ok(after)
                })
            })
            .await
    }

    /// One host.
    ///
    /// # Errors
    /// When it does not exist, or the store fails.
    pub async fn host(&self, id: CiId) -> Result<Host, CmdbError> {
        let found = store::host(&mut self.db.reader(), id).await?;
        found.ok_or(CmdbError::NotFound("this host"))
    }

    /// The host of this name.
    ///
    /// # Errors
    /// When it does not exist, or the store fails.
    pub async fn host_by_name(&self, name: &str) -> Result<Host, CmdbError> {
        let found = store::host_by_name(&mut self.db.reader(), name).await?;
        found.ok_or(CmdbError::NotFound("this host"))
    }

    /// The host with this machine-id, if there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_machine(&self, machine: &str) -> Result<Option<Host>, CmdbError> {
        Ok(store::host_by_machine(&mut self.db.reader(), machine).await?)
    }

    /// Hosts by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn hosts(&self, filter: &HostFilter) -> Result<Vec<Host>, CmdbError> {
        let mut reader = self.db.reader();
        if filter.labels.is_empty() {
            return Ok(store::hosts(&mut reader, filter).await?);
        }
        // Labels are JSON text in the store: match here, page by page, until the limit is full.
        let mut kept = Vec::new();
        let mut page = HostFilter {
            limit: 1_000,
            ..filter.clone()
        };
        loop {
            let rows = store::hosts(&mut reader, &page).await?;
            let last = rows.last().map(|host| host.name.clone());
            let full = rows.len() == page.limit;
            kept.extend(
                rows.into_iter()
                    .filter(|host| has_labels(host, &filter.labels)),
            );
            if !full || kept.len() >= filter.limit {
                kept.truncate(filter.limit);
                return Ok(kept);
            }
            page.after = last;
        }
    }
}

fn has_labels(host: &Host, wanted: &[(String, String)]) -> bool {
    wanted
        .iter()
        .all(|(name, value)| host.labels.get(name) == Some(value))
}

async fn applied(tx: &mut Tx, before: &Host, change: &HostChange) -> Result<Host, CmdbError> {
    let mut after = Host {
        version: before.version + 1,
        ..before.clone()
    };
    if let Some(name) = &change.name {
        check_name(name)?;
        let taken = store::host_by_name(tx, name).await?;
        if taken.is_some_and(|other| other.id != before.id) {
            return Err(CmdbError::NameTaken(name.clone()));
        }
        after.name.clone_from(name);
    }
    if let Some(labels) = &change.labels {
        check_labels(labels)?;
        after.labels.clone_from(labels);
    }
    match change.retired {
        Some(true) => after.retired_ms = before.retired_ms.or(Some(tx.now_ms())),
        Some(false) => after.retired_ms = None,
        None => {}
    }
    Ok(after)
}

async fn free_name(tx: &mut Tx, hostname: &str) -> Result<String, CmdbError> {
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let base: String = hostname.chars().filter(|c| kept(*c)).take(200).collect();
    let base = if base.is_empty() {
        "host".to_owned()
    } else {
        base
    };
    let mut name = base.clone();
    for number in 2..NUMBERED_NAMES_MAX {
        if store::host_by_name(tx, &name).await?.is_none() {
            return Ok(name);
        }
        name = format!("{base}-{number}");
    }
    Err(CmdbError::NameTaken(base))
}

fn check_name(name: &str) -> Result<(), CmdbError> {
    let fits = (1..=253).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if fits {
        Ok(())
    } else {
        Err(CmdbError::BadName(name.to_owned()))
    }
}

fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), CmdbError> {
    for (name, value) in labels {
        let head = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !head || !rest || !(1..=200).contains(&value.chars().count()) {
            return Err(CmdbError::BadLabel(name.clone()));
        }
    }
    Ok(())
}

async fn save(
    tx: &mut Tx,
    by: &str,
    before: Option<&Host>,
    after: &Host,
    why: &str,
) -> Result<(), CmdbError> {
    match before {
        Some(_) => store::save_host(tx, after).await?,
        None => store::insert_host(tx, after).await?,
    }
    let told = |host: &Host| {
        serde_json::json!({
            "name": host.name,
            "labels": host.labels,
            "retired_ms": host.retired_ms,
        })
    };
    tx.record_change(Change {
        actor: by,
        object_kind: "host",
        object_id: after.id.to_string(),
        before: before.map(told),
        after: Some(told(after)),
        why,
    })
    .await?;
    tx.hint(CHANGED);
    Ok(())
}
