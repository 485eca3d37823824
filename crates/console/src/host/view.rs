//! What the host page shows.

use model::{CellState, Severity};
use ui::Tag;

use crate::problem::ProblemLine;

/// The head of the host page.
#[derive(Clone, Debug)]
pub struct HostHead {
    /// The CI's id, `ci_…`.
    pub id: String,
    /// The host's name.
    pub name: String,
    /// Its worst state.
    pub state: CellState,
    /// Marks with their reasons.
    pub marks: Vec<(&'static str, String)>,
    /// Groups and labels.
    pub tags: Vec<Tag>,
    /// System, e.g. `Debian GNU/Linux 12`.
    pub os: String,
    /// Kernel, e.g. `6.1.0-28-amd64`.
    pub kernel: String,
    /// Hardware in words, e.g. `16 CPU · 62.8 GiB`.
    pub hardware: String,
    /// Addresses.
    pub addresses: Vec<String>,
    /// Agent version; empty when there is no agent.
    pub agent_version: String,
    /// Whether a newer agent is available.
    pub agent_outdated: bool,
    /// When it started, UTC milliseconds.
    pub booted_ms: Option<i64>,
    /// The newest sample, UTC milliseconds.
    pub last_sample_ms: Option<i64>,
    /// Where it is connected from or through (a relay); may be empty.
    pub path: String,
}

/// One graph; its data comes as JSON (`docs/format/graph.md`).
#[derive(Clone, Debug)]
pub struct GraphSpec {
    /// Id within the page, e.g. `cpu`.
    pub id: String,
    /// Title, in the reader's language.
    pub title: String,
    /// Where its data is, without range.
    pub url: String,
    /// Whether it takes the whole width.
    pub wide: bool,
}

/// A range of time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// Start, UTC milliseconds.
    pub from_ms: i64,
    /// End, UTC milliseconds.
    pub to_ms: i64,
    /// The preset's name (`1h`, `6h`, `1d`, `7d`, `30d`); empty for a range of its own.
    pub preset: &'static str,
}

/// The presets of the range picker, with their lengths in milliseconds.
pub const RANGES: [(&str, i64); 6] = [
    ("15m", 900_000),
    ("1h", 3_600_000),
    ("6h", 21_600_000),
    ("1d", 86_400_000),
    ("7d", 604_800_000),
    ("30d", 2_592_000_000),
];

/// A rule's values in force on this host, and where they are from.
#[derive(Clone, Debug, Default)]
pub struct RuleInForce {
    /// The rule's name, in the reader's language.
    pub name: String,
    /// Its page.
    pub href: String,
    /// The thing, e.g. `/var`; empty for the host.
    pub target: String,
    /// The value now, formatted; empty when there is none.
    pub value: String,
    /// The state now.
    pub state: Option<CellState>,
    /// Threshold by severity, formatted; empty where there is no level.
    pub levels: Vec<(Severity, String)>,
    /// Where the values are from, in words: defaults, a group, this host.
    pub origin: String,
    /// Page of the origin; empty for the defaults.
    pub origin_href: String,
    /// Who changed it and why; empty for the defaults.
    pub reason: String,
    /// Until when the change holds, UTC milliseconds.
    pub until_ms: Option<i64>,
}

/// The catalogue keys of the kinds of things an agent finds.
pub const KINDS: [&str; 8] = [
    "kind.host",
    "kind.disk",
    "kind.filesystem",
    "kind.interface",
    "kind.unit",
    "kind.listener",
    "kind.process",
    "kind.other",
];

/// A thing the agent found, and whether anything watches it.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// Catalogue key of its kind, one of [`KINDS`].
    pub kind: &'static str,
    /// Its name, e.g. `/var`.
    pub name: String,
    /// More about it, e.g. `ext4 · 200 GiB`.
    pub detail: String,
    /// Catalogue key: `coverage.monitored`, `coverage.ignored`, `coverage.unregistered`.
    pub state: &'static str,
    /// Who ignores it, why, until when; empty otherwise.
    pub reason: String,
    /// The agent's name of its kind, e.g. `unit`; sent back when somebody decides.
    pub found_as: String,
    /// Its key within the host; sent back when somebody decides.
    pub key: String,
}

/// A process among the busiest.
#[derive(Clone, Debug)]
pub struct TopProcess {
    /// Process id.
    pub pid: u32,
    /// User.
    pub user: String,
    /// Command.
    pub command: String,
    /// Share of one CPU; 1 = one whole CPU.
    pub cpu_ratio: f64,
    /// Resident bytes.
    pub memory_bytes: f64,
}

impl TopProcess {
    /// The command as tables have room for: its program without the folder, then its arguments.
    #[must_use]
    pub fn short(&self) -> &str {
        let program = self.command.split(' ').next().unwrap_or("");
        let folder = match program.starts_with('/') {
            true => program.rfind('/').map_or(0, |at| at + 1),
            false => 0,
        };
        self.command.get(folder..).unwrap_or(&self.command)
    }
}

/// The host page.
#[derive(Clone, Debug)]
pub struct HostView {
    /// The head.
    pub head: HostHead,
    /// Open problems.
    pub problems: Vec<ProblemLine>,
    /// Graphs.
    pub graphs: Vec<GraphSpec>,
    /// Range of the graphs.
    pub range: Range,
    /// Values in force.
    pub rules: Vec<RuleInForce>,
    /// Things found.
    pub discovered: Vec<Discovered>,
    /// Whether an agent can be asked for the busiest processes.
    pub has_agent: bool,
    /// Whether the reader may act (operator or more).
    pub may_act: bool,
    /// Whether the reader may register things (administrator).
    pub may_register: bool,
}

/// The end of a host's service, below its settings.
#[derive(Clone, Debug)]
pub struct HostEnd {
    /// Where the form is sent.
    pub path: String,
    /// Whether it is retired already.
    pub retired: bool,
}

/// The busiest processes of a host, asked of its agent.
#[derive(Clone, Debug, Default)]
pub struct TopView {
    /// By share of CPU.
    pub by_cpu: Vec<TopProcess>,
    /// By resident memory.
    pub by_memory: Vec<TopProcess>,
    /// Why there are none, in the reader's language; empty otherwise.
    pub error: String,
    /// When they were asked for, UTC milliseconds.
    pub at_ms: i64,
}
