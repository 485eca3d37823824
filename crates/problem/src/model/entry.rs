//! Timeline entries: what happened to a problem, by itself or by somebody.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What an entry tells.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// It opened. Data: `to`, `observed`, `because`.
    Opened,
    /// Its severity rose. Data: `from`, `to`, `observed`, `because`.
    Raised,
    /// Its severity fell. Data as for `Raised`.
    Lowered,
    /// It is over. Data: `reason`.
    Closed,
    /// A notice left, or was held. Data: `event`, `severity`, `hold`.
    Dispatched,
    /// A notice reached somebody, or finally did not. Data: `recipient`, `delivered`.
    Notice,
    /// A recovery script was ordered. Data: `run`, `script`.
    RepairOrdered,
    /// A recovery script went on or ended. Data: `run`, `script`, `result`.
    Repair,
    /// A repair was due and not ordered, because of a maintenance. Data: `maintenance`.
    RepairSkipped,
    /// What the host was doing when it opened. Data: `by_cpu`, `by_memory`, lists of `pid`, `user`,
    /// `name`, `command`, `cpu_ratio`, `memory_bytes`.
    Processes,
    /// The host fell silent. Data: `last_seen_ms`.
    Frozen,
    /// The host is heard again.
    Thawed,
    /// The rule cannot be judged. The text says why.
    CannotJudge,
    /// The rule can be judged again.
    JudgedAgain,
    /// Somebody took it.
    Acknowledged,
    /// Somebody gave it back.
    Unacknowledged,
    /// Somebody wrote something.
    Comment,
    /// Somebody wants to hear of it later. Data: `until_ms`.
    Snoozed,
    /// It was given to somebody. Data: `to`.
    Assigned,
    /// The assignment was taken back.
    Unassigned,
}

impl EntryKind {
    /// The name in the store, in the API and in the catalogue.
    #[must_use]
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(Json::String(name)) => name,
            _ => String::new(),
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        serde_json::from_value(Json::from(name)).ok()
    }
}

/// An entry on its way into the store.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry {
    /// What it tells.
    pub kind: EntryKind,
    /// When it happened, UTC milliseconds.
    pub at_ms: i64,
    /// Who did it: a user id, a token id; empty when it happened by itself.
    pub actor: String,
    /// What the person or script said.
    pub text: String,
    /// The facts, for the screen to put into words.
    pub data: Json,
}

impl NewEntry {
    /// An entry that nobody made.
    #[must_use]
    pub fn auto(kind: EntryKind, at_ms: i64, data: Json) -> Self {
        Self {
            kind,
            at_ms,
            actor: String::new(),
            text: String::new(),
            data,
        }
    }
}

/// An entry of a timeline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Its place in the timeline, from 1.
    pub n: i64,
    /// What it tells.
    pub kind: EntryKind,
    /// When it happened, UTC milliseconds.
    pub at_ms: i64,
    /// Whether it happened by itself.
    pub auto: bool,
    /// Who did it; empty for `auto`.
    pub actor: String,
    /// What the person or script said.
    pub text: String,
    /// The facts.
    pub data: Json,
}
