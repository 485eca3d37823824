//! The messages between stages: serialised, versioned, with golden files; unknown versions are refused.
//!
//! collect ─Batch→ fleet ─Sample→ watch ─Transition→ problem ─Dispatch→ notice
//!                                                     └─────RunOrder→ remedy ─Outcome→ Command
//! A stage leaves a message, it never calls a later stage.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{
    AgentId, CiId, Lang, ProblemId, RecipientId, RuleId, RunId, ScriptId, Severity, Target, Text,
    UserId,
};

/// The version written into every message.
pub const VERSION: u32 = 1;

/// A message with its kind and version, as it lies in the outbox.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Envelope<T> {
    kind: String,
    version: u32,
    body: T,
}

/// A message that stages leave for each other.
pub trait Message: Serialize + DeserializeOwned {
    /// The name of the message, also the outbox topic.
    const KIND: &'static str;
}

/// Why a message was refused.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The JSON does not fit.
    #[error("message `{kind}` cannot be read")]
    Shape {
        /// Which message was expected.
        kind: &'static str,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// Another kind or a version this program does not know.
    #[error("expected message `{expected}` version {VERSION}, found `{kind}` version {version}")]
    Version {
        /// Which message was expected.
        expected: &'static str,
        /// What was found.
        kind: String,
        /// Its version.
        version: u32,
    },
}

/// Writes a message as JSON.
///
/// # Errors
/// Never for the messages of this module; the serialiser's own error otherwise.
pub fn encode<T: Message>(message: &T) -> Result<String, FlowError> {
    let envelope = Envelope {
        kind: T::KIND.to_owned(),
        version: VERSION,
        body: message,
    };
    serde_json::to_string(&envelope).map_err(|source| FlowError::Shape {
        kind: T::KIND,
        source,
    })
}

/// Reads a message, refusing other kinds and versions by name.
///
/// # Errors
/// When the text is not this message in this version.
pub fn decode<T: Message>(text: &str) -> Result<T, FlowError> {
    let shape = |source| FlowError::Shape {
        kind: T::KIND,
        source,
    };
    let raw: Envelope<serde_json::Value> = serde_json::from_str(text).map_err(shape)?;
    if raw.kind != T::KIND || raw.version != VERSION {
        return Err(FlowError::Version {
            expected: T::KIND,
            kind: raw.kind,
            version: raw.version,
        });
    }
    serde_json::from_value(raw.body).map_err(shape)
}

/// What judging found out: a rule's state on one target changed. Leaves `watch`, enters `problem`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Transition {
    /// The rule.
    pub rule: RuleId,
    /// Its permanent key, for people and templates.
    pub rule_key: String,
    /// The rule's title at that moment.
    pub title: Text,
    /// The board column.
    pub group: String,
    /// What it watches.
    pub target: Target,
    /// The severity before.
    pub from: Severity,
    /// The severity after; `Normal` closes the problem.
    pub to: Severity,
    /// Sample time, UTC milliseconds.
    pub at_ms: i64,
    /// Whether the state changes so often that later notices are held.
    pub flapping: bool,
    /// What was seen.
    pub observed: Vec<Observed>,
    /// The condition that decided, as written in the rule.
    pub because: String,
    /// The lowest severity that is told.
    pub notify_from: Severity,
    /// Whether a fall is told.
    pub notify_on_fall: bool,
}

impl Message for Transition {
    const KIND: &'static str = "transition";
}

impl Transition {
    /// The identity by which a replayed transition is known: rule, target, level and sample time.
    #[must_use]
    pub fn dedup_key(&self) -> String {
        let Target { ci, kind, key } = &self.target;
        format!(
            "{}/{ci}/{kind}/{key}/{}/{}",
            self.rule,
            self.to.code(),
            self.at_ms
        )
    }
}

/// One signal's value at the moment of a transition.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Observed {
    /// The signal's short name in the rule.
    pub signal: String,
    /// The value, base unit.
    pub value: f64,
    /// The unit for screens.
    pub unit: String,
}

/// Something happened to a problem that people may have to hear. Leaves `problem`, enters `notice`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Dispatch {
    /// The problem.
    pub problem: ProblemId,
    /// Its number that people say, e.g. 1042.
    pub number: i64,
    /// What happened.
    pub event: DispatchEvent,
    /// The sequence of this event within the problem, from 1; the deduplication key is
    /// `problem/seq/recipient/channel`.
    pub seq: i64,
    /// Severity now; for a recovery the highest that was told.
    pub severity: Severity,
    /// Severity before.
    pub previous: Severity,
    /// The rule.
    pub rule: RuleId,
    /// The rule's key.
    pub rule_key: String,
    /// The rule's title.
    pub title: Text,
    /// What it is about.
    pub target: Target,
    /// The host's name.
    pub host: String,
    /// What was seen.
    pub observed: Vec<Observed>,
    /// The condition that decided.
    pub because: String,
    /// When it happened (sample time), UTC milliseconds.
    pub at_ms: i64,
    /// When the problem opened, UTC milliseconds.
    pub opened_ms: i64,
    /// Why it must not be told, if so; the ledger gets the row all the same.
    pub hold: Option<Hold>,
    /// What a person or script added: a comment, an outcome, a name.
    pub note: String,
}

impl Message for Dispatch {
    const KIND: &'static str = "dispatch";
}

/// What happened to the problem.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DispatchEvent {
    /// It opened.
    Opened,
    /// Its severity rose.
    Raised,
    /// Its severity fell, and the rule wants that told.
    Lowered,
    /// It changes too often; this one notice says so.
    Flapping,
    /// It is over.
    Recovered,
    /// It was still bad when maintenance, a silence or a snooze ended.
    StillBad,
    /// A recovery script did not help.
    RepairFailed,
}

/// Why a dispatch is recorded but not told.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Hold {
    /// Below the rule's `notify_from`.
    BelowThreshold,
    /// A maintenance window covers the target.
    Maintenance {
        /// Its number or name for the ledger.
        name: String,
    },
    /// A silence covers it.
    Silence {
        /// Its number or name for the ledger.
        name: String,
    },
    /// Somebody snoozed the problem.
    Snoozed,
    /// The flap guard.
    Flapping,
    /// A fall that the rule does not tell.
    Fall,
    /// A recovery script is at work; told only when it fails.
    RepairRunning,
}

/// A script is to be run on a host. Leaves `problem` or a person, enters `remedy`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RunOrder {
    /// The run that this order makes.
    pub run: RunId,
    /// The script.
    pub script: ScriptId,
    /// The problem it is to repair, if any.
    pub problem: Option<ProblemId>,
    /// Where it runs.
    pub host: CiId,
    /// What it is about, handed to the script in its environment.
    pub target: Option<Target>,
    /// Who ordered it: a person, or nobody for automatic repair.
    pub by: Option<UserId>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// When it was ordered, UTC milliseconds.
    pub at_ms: i64,
}

impl Message for RunOrder {
    const KIND: &'static str = "run-order";
}

/// A later stage's result, on its way back to the front door as a command.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Outcome {
    /// A recovery script ended or was refused.
    Run {
        /// The run.
        run: RunId,
        /// The script's name.
        script: String,
        /// The problem it was for.
        problem: Option<ProblemId>,
        /// How it went.
        result: RunResult,
        /// One line for the timeline.
        summary: String,
        /// When, UTC milliseconds.
        at_ms: i64,
    },
    /// A notice reached somebody, or finally did not.
    Notice {
        /// The problem it was about.
        problem: ProblemId,
        /// Who.
        recipient: RecipientId,
        /// Whether it was accepted by the channel's server.
        delivered: bool,
        /// One line for the timeline.
        summary: String,
        /// When, UTC milliseconds.
        at_ms: i64,
    },
}

impl Message for Outcome {
    const KIND: &'static str = "outcome";
}

/// How a script run went.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// It was sent to the agent or started.
    Started,
    /// It ended with exit code zero; verification is still to come.
    Succeeded,
    /// The condition cleared within the verify time.
    Verified,
    /// The condition did not clear in time.
    NotVerified,
    /// A non-zero exit, a signal, or the time limit.
    Failed,
    /// A guard refused it: cooldown, max runs, kill switch, precondition, allow-list.
    Refused,
    /// The agent could not be reached before the order expired.
    Unreachable,
}

/// What a person, token or later stage asks of `problem`: the front door for every feedback.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// Somebody takes it.
    Acknowledge {
        /// Which problem.
        problem: ProblemId,
        /// A comment, may be empty.
        comment: String,
    },
    /// Takes an acknowledgement back.
    Unacknowledge {
        /// Which problem.
        problem: ProblemId,
    },
    /// Adds to the timeline.
    Comment {
        /// Which problem.
        problem: ProblemId,
        /// The text.
        comment: String,
    },
    /// No notices until then.
    Snooze {
        /// Which problem.
        problem: ProblemId,
        /// UTC milliseconds.
        until_ms: i64,
        /// Why.
        comment: String,
    },
    /// Gives it to a person.
    Assign {
        /// Which problem.
        problem: ProblemId,
        /// To whom; nobody to take the assignment back.
        to: Option<UserId>,
    },
    /// Closes it although the condition still holds or cannot be judged.
    Close {
        /// Which problem.
        problem: ProblemId,
        /// Why.
        comment: String,
    },
}

impl Message for Command {
    const KIND: &'static str = "command";
}

/// An agent said hello, was silent, or came back; for the board and the fleet page.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Presence {
    /// The agent.
    pub agent: AgentId,
    /// Its host.
    pub host: CiId,
    /// Connected now.
    pub connected: bool,
    /// Server time, UTC milliseconds.
    pub at_ms: i64,
}

impl Message for Presence {
    const KIND: &'static str = "presence";
}

/// A host was added, renamed, relabelled or retired.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CiChanged {
    /// Which one.
    pub ci: CiId,
}

impl Message for CiChanged {
    const KIND: &'static str = "ci-changed";
}

/// The language a message to a person is written in when the recipient has none.
pub const DEFAULT_LANG: Lang = Lang::Ko;

#[cfg(test)]
mod tests;
