//! Which maintenance and which silence cover a target at a moment.

use model::{RuleId, Severity, Target};

use super::matching::Matching;
use super::window::window_at;
use crate::model::{Maintenance, Scope, Silence};
use crate::ports::HostFacts;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Cover<'a> {
    /// The rule.
    pub rule: RuleId,
    /// The rule's key.
    pub rule_key: &'a str,
    /// The board column.
    pub group: &'a str,
    /// The target.
    pub target: &'a Target,
    /// The severity.
    pub severity: Severity,
    /// The host.
    pub host: &'a HostFacts,
}

/// The maintenances and silences in force at one moment.
#[derive(Clone, Debug, Default)]
pub struct CoverSet {
    maintenances: Vec<(String, Scope, Option<Matching>)>,
    silences: Vec<(String, Matching)>,
}

impl CoverSet {
    /// Those in force at `now_ms`. One with a selector that cannot be read covers nothing: when in
    /// doubt, tell.
    #[must_use]
    pub fn new(maintenances: &[Maintenance], silences: &[Silence], now_ms: i64) -> Self {
        let mut set = Self::default();
        for one in maintenances {
            let labels = one.scope.labels.as_ref().map(Matching::new).transpose();
            if one.cancelled_ms.is_none()
                && window_at(&one.when, now_ms).is_some()
                && let Ok(labels) = labels
            {
                set.maintenances
                    .push((one.label(), one.scope.clone(), labels));
            }
        }
        for one in silences {
            let lasts = one.cancelled_ms.is_none() && one.from_ms <= now_ms && now_ms < one.to_ms;
            if let (true, Ok(matching)) = (lasts, Matching::new(&one.selector)) {
                set.silences.push((one.label(), matching));
            }
        }
        set
    }

    /// The names of all in force; when they are the same, nothing began and nothing ended.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let maintenances = self.maintenances.iter().map(|(name, ..)| name.as_str());
        maintenances
            .chain(self.silences.iter().map(|(name, _)| name.as_str()))
            .collect()
    }

    /// The maintenance that covers this.
    #[must_use]
    pub fn maintenance(&self, cover: &Cover<'_>) -> Option<String> {
        let covering = self.maintenances.iter().find(|(_, scope, labels)| {
            let rule = scope.rules.is_empty() || scope.rules.contains(&cover.rule);
            rule && covers_host(scope, labels.as_ref(), cover)
        });
        covering.map(|(name, ..)| name.clone())
    }

    /// The silence that covers this.
    #[must_use]
    pub fn silence(&self, cover: &Cover<'_>) -> Option<String> {
        let covering = self.silences.iter().find(|(_, matching)| {
            matching.fits(|name| own_label(name, cover).unwrap_or_else(|| host_label(name, cover)))
        });
        covering.map(|(name, _)| name.clone())
    }
}

fn covers_host(scope: &Scope, labels: Option<&Matching>, cover: &Cover<'_>) -> bool {
    scope.everything
        || scope.hosts.contains(&cover.target.ci)
        || scope
            .groups
            .iter()
            .any(|group| cover.host.groups.contains(group))
        || labels.is_some_and(|labels| labels.fits(|name| host_label(name, cover)))
}

fn host_label<'a>(name: &str, cover: &Cover<'a>) -> &'a str {
    if name == "host" {
        return &cover.host.name;
    }
    let found = cover.host.labels.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value)
}

fn own_label<'a>(name: &str, cover: &Cover<'a>) -> Option<&'a str> {
    Some(match name {
        "rule" => cover.rule_key,
        "group" => cover.group,
        "kind" => cover.target.kind.as_str(),
        "key" => &cover.target.key,
        "severity" => cover.severity.name(),
        _ => return None,
    })
}
