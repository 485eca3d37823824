//! A restart changes nothing: the state before a kill is the state after the start.

use std::collections::BTreeMap;

use model::{RuleId, Severity, Target};

use super::Checks;
use crate::config::Invariant;
use crate::hosts::FakeHost;
use crate::people::name;
use crate::server::{Installation, KillAt};

type Severities = BTreeMap<(RuleId, Target), Severity>;

/// What was known when the server was killed.
#[derive(Debug)]
pub(crate) struct Before {
    severities: Severities,
    /// Label, severity, sequence, told, owed, who took it.
    problems: Vec<String>,
    /// Transitions that only memory knew: they come again from the log.
    in_flight: bool,
    at: KillAt,
}

impl Before {
    pub(crate) async fn of(installation: &Installation, hosts: &[FakeHost], at: KillAt) -> Self {
        let lost = [
            KillAt::BeforeJudge,
            KillAt::BeforeProblem,
            KillAt::InProblem,
        ];
        Self {
            severities: severities(installation, hosts),
            problems: problems(installation).await,
            in_flight: lost.contains(&at) || installation.has_unrecorded(),
            at,
        }
    }
}

fn severities(installation: &Installation, hosts: &[FakeHost]) -> Severities {
    let Some(driver) = installation.driver() else {
        return Severities::new();
    };
    let pairs = hosts.iter().flat_map(|host| driver.state_of(host.ci));
    pairs
        .map(|pair| ((pair.rule, pair.target), pair.severity))
        .collect()
}

async fn problems(installation: &Installation) -> Vec<String> {
    let open = installation.open_problems().await;
    let line = |one: &problem::model::Problem| {
        let taken = one.acknowledged.as_ref().map(|taken| taken.by.as_str());
        format!(
            "{} seq {} told {} owed {} {taken:?}",
            name(one),
            one.seq,
            one.told,
            one.owed
        )
    };
    let mut lines: Vec<String> = open.iter().map(line).collect();
    lines.sort();
    lines
}

impl Checks {
    /// Compares before and after.
    pub(crate) async fn restarted(
        &mut self,
        before: &Before,
        installation: &Installation,
        hosts: &[FakeHost],
    ) {
        let after = severities(installation, hosts);
        for ((rule, target), was) in &before.severities {
            // Silence is not in the log: the records decide, and every look compares with them.
            if *rule == installation.silent_rule {
                continue;
            }
            let is = after.get(&(*rule, target.clone())).copied();
            let judged_more = before.at == KillAt::BeforeJudge;
            if is != Some(*was) && !judged_more {
                let what = format!("{rule} on {target:?} was {was} and is {is:?}");
                self.broken(Invariant::Restart, what);
            }
        }
        if before.in_flight {
            return;
        }
        let after = problems(installation).await;
        for gone in before.problems.iter().filter(|line| !after.contains(line)) {
            self.broken(Invariant::Restart, format!("before, and not after: {gone}"));
        }
        for new in after.iter().filter(|line| !before.problems.contains(line)) {
            self.broken(Invariant::Restart, format!("after, and not before: {new}"));
        }
    }
}
