//! A problem as one line of a list.

use model::Severity;

/// A problem as it stands in lists.
#[derive(Clone, Debug, Default)]
pub struct ProblemLine {
    /// Its id, `prb_…`.
    pub id: String,
    /// The number people say, e.g. `P-1042`.
    pub number: String,
    /// Its severity now.
    pub severity: Severity,
    /// What broke, in the reader's language, e.g. `디스크 사용률 96%`.
    pub title: String,
    /// The thing, e.g. `/var`; empty for the host as a whole.
    pub target: String,
    /// The host's name.
    pub host: String,
    /// The host page.
    pub host_href: String,
    /// Since when, UTC milliseconds.
    pub opened_ms: i64,
    /// Since when it has this severity, UTC milliseconds.
    pub changed_ms: i64,
    /// Until when it lasted, UTC milliseconds; `None` while it is open.
    pub closed_ms: Option<i64>,
    /// Who took it.
    pub acknowledged_by: Option<String>,
    /// Who is to look after it.
    pub assigned_to: Option<String>,
    /// Marks beside `acknowledged`: `maintenance`, `suppressed`, `flapping` …, each with its reason.
    pub marks: Vec<(&'static str, String)>,
}

impl ProblemLine {
    /// The address of its page.
    #[must_use]
    pub fn href(&self) -> String {
        format!("/problems/{}", self.id)
    }
}
