//! How a state is drawn: beacon fires, a word and a colour, never colour alone.

use i18n::t;
use model::{CellState, Lang, Severity};

use crate::html::{Html, escape};

/// The word for a severity: 정상, 무해, 주의, 위험, 긴급, 치명.
#[must_use]
pub fn severity_word(lang: Lang, severity: Severity) -> &'static str {
    match severity {
        Severity::Normal => t(lang, "severity.normal"),
        Severity::Info => t(lang, "severity.info"),
        Severity::Warning => t(lang, "severity.warning"),
        Severity::Minor => t(lang, "severity.minor"),
        Severity::Major => t(lang, "severity.major"),
        Severity::Critical => t(lang, "severity.critical"),
    }
}

/// The fires alone, for places where the word stands beside; hidden from screen readers.
#[must_use]
pub fn fires(severity: Severity) -> Html {
    Html::trusted(format!(
        r#"<i class="fires f{}" aria-hidden="true"></i>"#,
        severity.code()
    ))
}

/// Fires and word in the severity's colour, quiet: for rows and text.
#[must_use]
pub fn severity_mark(lang: Lang, severity: Severity) -> Html {
    let (name, code) = (severity.name(), severity.code());
    let word = severity_word(lang, severity);
    Html::trusted(format!(
        r#"<span class="sev s-{name}"><i class="fires f{code}" aria-hidden="true"></i>{word}</span>"#
    ))
}

/// Fires and word on the severity's full colour: for heads and counts.
#[must_use]
pub fn severity_badge(lang: Lang, severity: Severity) -> Html {
    let (name, code) = (severity.name(), severity.code());
    let word = severity_word(lang, severity);
    Html::trusted(format!(
        r#"<span class="badge s-{name}"><i class="fires f{code}" aria-hidden="true"></i>{word}</span>"#
    ))
}

/// The state of a board cell or of a whole host, as a quiet mark.
#[must_use]
pub fn cell_mark(lang: Lang, state: CellState) -> Html {
    let word = match state {
        CellState::Judged(severity) => return severity_mark(lang, severity),
        CellState::Unknown => t(lang, "state.unknown"),
        CellState::Unregistered => t(lang, "state.unregistered"),
    };
    let name = state.name();
    Html::trusted(format!(
        r#"<span class="sev s-{name}"><i class="glyph" aria-hidden="true"></i>{word}</span>"#
    ))
}

/// A mark on top of a state (`acknowledged`, `maintenance`, `suppressed`, `flapping`,
/// `cannot_judge`, `snoozed`, `frozen`), with an optional reason as its title.
#[must_use]
pub fn mark_chip(lang: Lang, mark: &str, reason: &str) -> Html {
    let key = format!("mark.{mark}");
    let (word, mark, reason) = (escape(t(lang, &key)), escape(mark), escape(reason));
    Html::trusted(format!(
        r#"<span class="chip m-{mark}" title="{reason}">{word}</span>"#
    ))
}
