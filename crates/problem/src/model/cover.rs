//! Maintenance windows and silences: what keeps notices back, for whom, until when, and why.

use model::{CiId, MaintenanceId, RuleId, Selector, SilenceId};
use serde::{Deserialize, Serialize};

/// A maintenance (정기점검): while it lasts, problems open and are drawn and are not told.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Maintenance {
    /// Its id.
    pub id: MaintenanceId,
    /// Its number that people say: M-12.
    pub number: i64,
    /// What it is called.
    pub name: String,
    /// Who answers for it: a user id or a name.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// When.
    pub when: When,
    /// For what.
    pub scope: Scope,
    /// When it was called off or ended early, UTC milliseconds.
    pub cancelled_ms: Option<i64>,
    /// How often it was edited; the second of two writers learns of the first.
    pub version: i64,
}

impl Maintenance {
    /// The number as people say it.
    #[must_use]
    pub fn label(&self) -> String {
        format!("M-{}", self.number)
    }
}

/// When a maintenance takes place.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// Once.
    Once {
        /// Begin, UTC milliseconds.
        from_ms: i64,
        /// End, UTC milliseconds.
        to_ms: i64,
    },
    /// Again and again, by the calendar of a time zone.
    Repeat {
        /// On which days.
        days: Days,
        /// Local time of day of the begin, minutes after midnight.
        at_min: u16,
        /// Length in minutes.
        for_min: u32,
        /// The zone, an IANA name.
        zone: String,
        /// Windows that begin before are not meant, UTC milliseconds.
        from_ms: i64,
        /// Windows that begin at or after are not meant, UTC milliseconds; every recurrence ends.
        until_ms: i64,
    },
}

/// The days of a recurring maintenance.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// Every day.
    Daily,
    /// On these days of the week: 1 Monday … 7 Sunday.
    Weekly(Vec<u8>),
    /// On this day of the month; 29–31 mean the last day of shorter months.
    Monthly(u8),
    /// On the nth (1–4, or 5 for the last) weekday (1 Monday … 7 Sunday) of the month.
    MonthlyNth(u8, u8),
}

/// What a maintenance covers; any host part, and one of the rules when some are named.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// Everything; must be said outright.
    pub everything: bool,
    /// These hosts.
    pub hosts: Vec<CiId>,
    /// Hosts of these groups, by name.
    pub groups: Vec<String>,
    /// Hosts whose labels fit.
    pub labels: Option<Selector>,
    /// Only these rules.
    pub rules: Vec<RuleId>,
}

/// A silence: problems that fit are drawn and not told until it ends.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Silence {
    /// Its id.
    pub id: SilenceId,
    /// Its number that people say: S-3.
    pub number: i64,
    /// Which problems, by the host's labels and by `host`, `rule`, `group`, `kind`, `key`,
    /// `severity`.
    pub selector: Selector,
    /// Who answers for it: a user id or a name.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Begin, UTC milliseconds.
    pub from_ms: i64,
    /// End, UTC milliseconds.
    pub to_ms: i64,
    /// When it was ended early, UTC milliseconds.
    pub cancelled_ms: Option<i64>,
    /// How often it was edited.
    pub version: i64,
}

impl Silence {
    /// The number as people say it.
    #[must_use]
    pub fn label(&self) -> String {
        format!("S-{}", self.number)
    }
}
