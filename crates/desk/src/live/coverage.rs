//! Coverage: which discovered things are monitored, ignored or watched by nothing.

use std::collections::HashSet;

use cmdb::Discovered;
use model::CiId;

use crate::Desk;

/// How many discovered things are in which state.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Coverage {
    /// Some rule judges them.
    pub(crate) monitored: usize,
    /// Somebody chose to ignore them.
    pub(crate) ignored: usize,
    /// Nobody decided.
    pub(crate) unregistered: usize,
}

/// The state of one discovered thing, as a catalogue key.
pub(crate) fn of_host(thing: &Discovered, judged: &HashSet<(String, String)>) -> &'static str {
    let key = (thing.seen.kind.clone(), thing.seen.key.clone());
    if judged.contains(&key) {
        "coverage.monitored"
    } else if thing.ignored.is_some() {
        "coverage.ignored"
    } else {
        "coverage.unregistered"
    }
}

/// All discovered things that still exist, on hosts in service.
///
/// # Errors
/// When the records store fails.
pub(crate) async fn of_all(desk: &Desk) -> Result<Coverage, cmdb::CmdbError> {
    let mut things = desk.cmdb.discovered(None).await?;
    let (driver, hosts) = (desk.driver.clone(), desk.hosts.all());
    things.retain(|thing| {
        let host = hosts.get(&thing.ci);
        thing.gone_ms.is_none() && host.is_some_and(|host| host.retired_ms.is_none())
    });
    things.sort_by_key(|thing| thing.ci);
    let counted = tokio::task::spawn_blocking(move || {
        let mut coverage = Coverage::default();
        for same in things.chunk_by(|a, b| a.ci == b.ci) {
            let ci: Option<CiId> = same.first().map(|thing| thing.ci);
            let judged = ci.map(|ci| driver.judged_things(ci)).unwrap_or_default();
            for thing in same {
                match of_host(thing, &judged) {
                    "coverage.monitored" => coverage.monitored += 1,
                    "coverage.ignored" => coverage.ignored += 1,
                    _ => coverage.unregistered += 1,
                }
            }
        }
        coverage
    });
    Ok(counted.await.unwrap_or_default())
}
