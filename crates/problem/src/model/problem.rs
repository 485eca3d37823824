//! A problem (경보): the open state of one rule on one target, and what people made of it.

use model::flow::{Hold, Observed};
use model::{ProblemId, RuleId, RunId, Severity, Target, Text, UserId};
use serde::{Deserialize, Serialize};

/// One problem, open or closed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Problem {
    /// Its id.
    pub id: ProblemId,
    /// Its number that people say: P-1042.
    pub number: i64,
    /// The rule.
    pub rule: RuleId,
    /// The rule's permanent key.
    pub rule_key: String,
    /// The rule's title when the problem opened.
    pub title: Text,
    /// The board column.
    pub group: String,
    /// What the rule watches there.
    pub target: Target,
    /// The host's name when the problem opened.
    pub host: String,
    /// Severity now; the last one before the end when closed.
    pub severity: Severity,
    /// The highest severity it ever had.
    pub highest: Severity,
    /// When it opened (sample time), UTC milliseconds.
    pub opened_ms: i64,
    /// When its severity last changed (sample time), UTC milliseconds.
    pub changed_ms: i64,
    /// The newest transition that was applied (sample time); older ones are ignored.
    pub last_at_ms: i64,
    /// Its end, when it is over.
    pub closed: Option<Closed>,
    /// What was last seen.
    pub observed: Vec<Observed>,
    /// The condition that decided, as written in the rule.
    pub because: String,
    /// The lowest severity that is told.
    pub notify_from: Severity,
    /// Whether a fall is told.
    pub notify_on_fall: bool,
    /// Whether the state changes too often.
    pub flapping: bool,
    /// Who took it, and when.
    pub acknowledged: Option<Acknowledged>,
    /// Whose it is.
    pub assignee: Option<UserId>,
    /// No notices until then, UTC milliseconds.
    pub snoozed_until_ms: Option<i64>,
    /// The maintenance that covers it now, e.g. `M-12`.
    pub maintenance: Option<String>,
    /// The silence that covers it now, e.g. `S-3`.
    pub silence: Option<String>,
    /// When its host was last seen, while it is silent: the problem is frozen.
    pub last_seen_ms: Option<i64>,
    /// Why its rule cannot be judged now; empty when it can.
    pub cannot_judge: String,
    /// The recovery script that is, or was last, at work on it.
    pub repair: Option<Repair>,
    /// The highest severity that left to be told; `Normal` when nothing was.
    pub told: Severity,
    /// When something last left to be told, UTC milliseconds; 0 when nothing was.
    pub told_ms: i64,
    /// The severity of a held notice that must be told when the hold ends; `Normal` when none.
    pub owed: Severity,
    /// Why the last notice was held, while it is not told.
    pub held: Option<Hold>,
    /// Since when notices are held by the flap guard, UTC milliseconds; 0 when they are not.
    pub flap_held_ms: i64,
    /// The sequence of the last dispatch.
    pub seq: i64,
    /// How many timeline entries it has.
    pub entries: i64,
}

/// How a problem ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Closed {
    /// When, UTC milliseconds (sample time for a recovery, server time otherwise).
    pub at_ms: i64,
    /// Why.
    pub reason: CloseReason,
}

/// Why a problem is closed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The condition cleared.
    Recovered,
    /// A person closed it.
    Hand,
    /// Its rule was retired.
    RuleRetired,
    /// Its rule was switched off.
    RuleDisabled,
    /// Its host was retired.
    HostRetired,
}

impl CloseReason {
    /// The name in the store, in the API and in the catalogue.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Hand => "hand",
            Self::RuleRetired => "rule_retired",
            Self::RuleDisabled => "rule_disabled",
            Self::HostRetired => "host_retired",
        }
    }

    /// The reason with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Recovered,
            Self::Hand,
            Self::RuleRetired,
            Self::RuleDisabled,
            Self::HostRetired,
        ]
        .into_iter()
        .find(|reason| reason.name() == name)
    }
}

/// Somebody took a problem.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Acknowledged {
    /// A user id, a token id or a recipient's name.
    pub by: String,
    /// When, UTC milliseconds.
    pub at_ms: i64,
}

/// A recovery script at work on a problem.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Repair {
    /// The run.
    pub run: RunId,
    /// When it was ordered, UTC milliseconds.
    pub ordered_ms: i64,
    /// When it was over, UTC milliseconds; none while it runs.
    pub ended_ms: Option<i64>,
    /// Whether notices wait for its end.
    pub holds: bool,
}

/// What a problem carries on top of its severity.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Somebody took it.
    Acknowledged,
    /// A maintenance window covers it.
    Maintenance,
    /// A silence covers it.
    Suppressed,
    /// It changes too often.
    Flapping,
    /// Its host is silent; it stands as it was last seen.
    Frozen,
    /// Its rule or source is broken.
    CannotJudge,
    /// Somebody wants to hear of it later.
    Snoozed,
    /// A recovery script is at work.
    Repairing,
}

impl Mark {
    /// The name in the API and in the catalogue.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Maintenance => "maintenance",
            Self::Suppressed => "suppressed",
            Self::Flapping => "flapping",
            Self::Frozen => "frozen",
            Self::CannotJudge => "cannot_judge",
            Self::Snoozed => "snoozed",
            Self::Repairing => "repairing",
        }
    }
}

impl Problem {
    /// Whether it is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// The number as people say it.
    #[must_use]
    pub fn label(&self) -> String {
        format!("P-{}", self.number)
    }

    /// The rule × target it stands for; at most one open problem has it.
    #[must_use]
    pub fn pair(&self) -> String {
        pair(self.rule, &self.target)
    }

    /// Whether notices are asked to wait.
    #[must_use]
    pub fn is_snoozed(&self, now_ms: i64) -> bool {
        self.snoozed_until_ms
            .is_some_and(|until_ms| until_ms > now_ms)
    }

    /// Whether a script is at work.
    #[must_use]
    pub fn is_repairing(&self) -> bool {
        self.repair.is_some_and(|repair| repair.ended_ms.is_none())
    }

    /// What it carries on top of its severity, in the order in which it is drawn.
    #[must_use]
    pub fn marks(&self, now_ms: i64) -> Vec<Mark> {
        let all = [
            (self.acknowledged.is_some(), Mark::Acknowledged),
            (self.maintenance.is_some(), Mark::Maintenance),
            (self.silence.is_some(), Mark::Suppressed),
            (self.flapping, Mark::Flapping),
            (self.last_seen_ms.is_some(), Mark::Frozen),
            (!self.cannot_judge.is_empty(), Mark::CannotJudge),
            (self.is_snoozed(now_ms), Mark::Snoozed),
            (self.is_repairing(), Mark::Repairing),
        ];
        all.into_iter()
            .filter(|(on, _)| *on)
            .map(|(_, mark)| mark)
            .collect()
    }

    /// How long it has lasted or lasted, in milliseconds.
    #[must_use]
    pub fn duration_ms(&self, now_ms: i64) -> i64 {
        let end_ms = self.closed.as_ref().map_or(now_ms, |closed| closed.at_ms);
        end_ms.saturating_sub(self.opened_ms).max(0)
    }
}

/// The text form of rule × target.
#[must_use]
pub fn pair(rule: RuleId, target: &Target) -> String {
    format!("{rule}/{}/{}/{}", target.ci, target.kind, target.key)
}
