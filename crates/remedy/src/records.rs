//! The records of this slice: scripts, bindings, runs, the kill switch.

use model::{CiId, ProblemId, RuleId, RunId, ScriptId, Severity, Target};

/// Whether a script may start by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// It starts when a problem reaches its binding's level.
    Automatic,
    /// It runs only when a person starts it.
    Off,
}

impl Mode {
    /// The name in the API and the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Off => "off",
        }
    }

    /// The mode with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Automatic, Self::Off]
            .into_iter()
            .find(|mode| mode.name() == name)
    }
}

/// What a person writes of a script.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScriptDraft {
    /// Its name, unique among the scripts in use.
    pub name: String,
    /// What it does and when it helps.
    pub help: String,
    /// The script itself, beginning with `#!`.
    pub body: String,
    /// A script that must exit 0 first; empty when there is none.
    pub precondition: String,
    /// As whom it runs; empty is the runner's unprivileged default.
    pub run_as: String,
    /// How long it may take, in milliseconds.
    pub time_limit_ms: u64,
    /// At most so many runs on one host …
    pub max_runs: u32,
    /// … within this time, in milliseconds.
    pub window_ms: u64,
    /// And never two on one host within this time, in milliseconds.
    pub cooldown_ms: u64,
    /// Within which time after the run the condition must clear, in milliseconds.
    pub verify_ms: u64,
    /// Whether it may start by itself.
    pub mode: Mode,
}

/// A recovery script.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Script {
    /// Its id.
    pub id: ScriptId,
    /// What was written.
    pub draft: ScriptDraft,
    /// Its version; grows with every edit.
    pub version: i64,
    /// The version that was approved, 0 for none.
    pub approved_version: i64,
    /// Who approved it.
    pub approved_by: String,
    /// When, UTC milliseconds.
    pub approved_ms: Option<i64>,
    /// Who edited it last.
    pub changed_by: String,
    /// When it was retired.
    pub retired_ms: Option<i64>,
}

impl Script {
    /// Whether exactly this version was approved.
    #[must_use]
    pub const fn is_approved(&self) -> bool {
        self.approved_version == self.version
    }

    /// The hash that hosts put on their allow-list.
    #[must_use]
    pub fn hash(&self) -> String {
        body_hash(&self.draft.body)
    }
}

/// The hash of a script's text, hexadecimal, as allow-lists have it.
#[must_use]
pub fn body_hash(body: &str) -> String {
    blake3::hash(body.as_bytes()).to_hex().to_string()
}

/// What starts a script.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Binding {
    /// Which rule's problems.
    pub rule: RuleId,
    /// Which script.
    pub script: ScriptId,
    /// From which severity.
    pub from_severity: Severity,
    /// Only this target; empty is every target of the rule.
    pub target_key: String,
    /// Whether notices wait until the repair has failed.
    pub holds_notice: bool,
    /// Who bound it.
    pub by: String,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RunState {
    /// Its order is under way or it runs.
    Running,
    /// It ended well; whether it helped is not known yet.
    Verifying,
    /// The problem closed in time.
    Verified,
    /// It did not.
    NotVerified,
    /// It ended well and had nothing to repair.
    Succeeded,
    /// A non-zero exit, a signal, a limit.
    Failed,
    /// A guard refused it.
    Refused,
    /// The host could not be reached, or its answer was lost.
    Unreachable,
}

impl RunState {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Running,
        Self::Verifying,
        Self::Verified,
        Self::NotVerified,
        Self::Succeeded,
        Self::Failed,
        Self::Refused,
        Self::Unreachable,
    ];

    /// The name in the API and the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Verifying => "verifying",
            Self::Verified => "verified",
            Self::NotVerified => "not_verified",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
        }
    }

    /// The state with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Which script.
    pub script: ScriptId,
    /// Its name at that time.
    pub script_name: String,
    /// Its version at that time.
    pub script_version: i64,
    /// What it was to repair.
    pub problem: Option<ProblemId>,
    /// Where.
    pub host: CiId,
    /// What it was about.
    pub target: Option<Target>,
    /// Who started it; nobody when it started by itself.
    pub by: Option<String>,
    /// Only to say what would be done.
    pub dry_run: bool,
    /// How it stands.
    pub state: RunState,
    /// One line for people.
    pub summary: String,
    /// Everything it wrote, with times.
    pub transcript: String,
    /// Its exit code, when it exited.
    pub exit_code: Option<i32>,
    /// When it was ordered, UTC milliseconds.
    pub ordered_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// Until when the problem must have closed.
    pub verify_until_ms: Option<i64>,
}

/// Which runs a list shows, newest first.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Of this script.
    pub script: Option<ScriptId>,
    /// For this problem.
    pub problem: Option<ProblemId>,
    /// On this host.
    pub host: Option<CiId>,
    /// Ordered before this id.
    pub before: Option<RunId>,
    /// At most so many.
    pub limit: usize,
}

/// Everything off: no script starts until it is lifted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KillSwitch {
    /// Who pulled it.
    pub by: String,
    /// Why.
    pub why: String,
    /// When, UTC milliseconds.
    pub at_ms: i64,
}
