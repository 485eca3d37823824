//! The head of the host page: state, marks, groups and labels, system, agent.

use cmdb::Host;
use console::views::{HostHead, ProblemLine};
use fleet::AgentRow;
use model::CellState;
use ui::Tag;
use watch::PairStatus;

use crate::Desk;

/// The version that agents are compared with: the server's own.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The head, from the record, the agent, the open problems and what is judged.
pub(super) fn head(
    desk: &Desk,
    (host, agent): (&Host, Option<&AgentRow>),
    problems: &[ProblemLine],
    pairs: &[PairStatus],
) -> HostHead {
    let picture = desk.live.picture();
    let place = picture.places.get(&host.id);
    let row = place.and_then(|place| picture.rows.get(*place as usize));
    let facts = &host.facts;
    let last_sample_ms = pairs.iter().filter_map(|pair| pair.last_ms).max();
    HostHead {
        id: host.id.to_string(),
        name: host.name.clone(),
        state: row.map_or(CellState::Unregistered, |row| row.worst().state()),
        marks: marks(problems),
        tags: tags(desk, host),
        os: facts.os_name.clone(),
        kernel: format!("{} {}", facts.kernel, facts.arch).trim().to_owned(),
        hardware: hardware(host),
        addresses: facts.addresses.clone(),
        agent_version: agent.map_or_else(String::new, |agent| agent.version.clone()),
        agent_outdated: agent.is_some_and(|agent| agent.version != VERSION),
        booted_ms: facts.booted_ms,
        last_sample_ms: last_sample_ms.or_else(|| agent.and_then(|agent| agent.seen_ms)),
        path: agent.map_or_else(String::new, |agent| agent.address.clone()),
    }
}

/// CPUs and memory in words; what is not known is left out.
pub(super) fn hardware(host: &Host) -> String {
    let facts = &host.facts;
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let memory = (facts.memory_bytes > 0).then(|| i18n::bytes(facts.memory_bytes as f64));
    let cpus = (facts.cpus > 0).then(|| format!("{} CPU", facts.cpus));
    let parts: Vec<String> = cpus.into_iter().chain(memory).collect();
    parts.join(" · ")
}

/// Groups, then labels; each leads to the hosts that share it.
pub(super) fn tags(desk: &Desk, host: &Host) -> Vec<Tag> {
    let groups = desk.hosts.groups_of(host.id).into_iter().map(|name| Tag {
        href: format!("/hosts?group={}", ui::encode(&name)),
        text: name,
    });
    let labels = host.labels.iter().map(|(name, value)| {
        let text = format!("{name}={value}");
        Tag {
            href: format!("/hosts?label={}", ui::encode(&text)),
            text,
        }
    });
    groups.chain(labels).collect()
}

/// Each mark of the host's problems once.
fn marks(problems: &[ProblemLine]) -> Vec<(&'static str, String)> {
    let mut all: Vec<(&'static str, String)> = Vec::new();
    for (mark, reason) in problems.iter().flat_map(|line| &line.marks) {
        let of_host = matches!(*mark, "maintenance" | "frozen");
        if of_host && !all.iter().any(|(known, _)| known == mark) {
            all.push((mark, reason.clone()));
        }
    }
    all
}
