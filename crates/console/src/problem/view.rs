//! What the problem page shows.

use ui::{Choice, TimelineEntry};

use super::ProblemLine;
use crate::host::{GraphSpec, Range, TopProcess};

/// One decision to send a notice or not, as the ledger has it.
#[derive(Clone, Debug, Default)]
pub struct NoticeDecision {
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// To whom.
    pub recipient: String,
    /// Their page; empty for nobody in particular.
    pub recipient_href: String,
    /// On which channel.
    pub channel: String,
    /// Its page; empty for none.
    pub channel_href: String,
    /// What it was about, in the reader's language: opened, raised, recovered.
    pub about: String,
    /// Whether it went out.
    pub sent: bool,
    /// The outcome or the reason, in the reader's language.
    pub reason: String,
}

/// The catalogue keys of the states a run may have.
pub const RUN_STATES: [&str; 10] = [
    "run.running",
    "run.verified",
    "run.not_cleared",
    "run.failed",
    "run.timed_out",
    "run.refused",
    "run.dry_run",
    "run.verifying",
    "run.succeeded",
    "run.unreachable",
];

/// One run of a script.
#[derive(Clone, Debug, Default)]
pub struct ScriptRun {
    /// When it started, UTC milliseconds.
    pub at_ms: i64,
    /// The script's name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Who or what started it.
    pub by: String,
    /// Catalogue key of its state, one of [`RUN_STATES`].
    pub state: &'static str,
    /// Whether it did what it should.
    pub good: bool,
    /// How long it took, milliseconds.
    pub duration_ms: i64,
    /// Exit code, if it ended.
    pub exit_code: Option<i32>,
    /// Everything it wrote.
    pub transcript: String,
}

/// Something that changed before the problem, and may be why.
#[derive(Clone, Debug, Default)]
pub struct RecentChange {
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// What, in the reader's language.
    pub text: String,
    /// Who.
    pub by: String,
    /// Its page; empty for none.
    pub href: String,
}

/// The problem page.
#[derive(Clone, Debug, Default)]
pub struct ProblemView {
    /// The problem as in lists.
    pub line: ProblemLine,
    /// What it means and what to do, as the rule says; may be empty.
    pub advice: String,
    /// The value now against the threshold, e.g. `98.3% (임계 95%, 5분)`.
    pub measured: String,
    /// The rule's name.
    pub rule: String,
    /// The rule's page.
    pub rule_href: String,
    /// Whom it hurts: services, groups, people; in the reader's language.
    pub hurts: Vec<String>,
    /// What was tried, in the reader's language.
    pub tried: Vec<String>,
    /// What changed before.
    pub changed: Vec<RecentChange>,
    /// Who was told, summed up; in the reader's language.
    pub told: Vec<String>,
    /// The history graph.
    pub graph: Option<GraphSpec>,
    /// Its range.
    pub range: Range,
    /// What happened, newest first.
    pub timeline: Vec<TimelineEntry>,
    /// Every notice decision, newest first.
    pub notices: Vec<NoticeDecision>,
    /// Every script run, newest first.
    pub runs: Vec<ScriptRun>,
    /// Busiest processes when it opened.
    pub processes: Vec<TopProcess>,
    /// Other open problems on the same host.
    pub siblings: Vec<ProblemLine>,
    /// People it may be assigned to.
    pub people: Vec<Choice>,
    /// Scripts that may be run on it.
    pub scripts: Vec<Choice>,
    /// Whether the reader may act (operator or more).
    pub may_act: bool,
}
