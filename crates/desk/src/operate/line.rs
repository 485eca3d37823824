//! A problem as one line of a list, in the reader's words.

use console::views::ProblemLine;
use i18n::Lang;
use problem::model::{Mark, Problem};
use ui::PageContext;

use super::people::People;
use super::units;

/// The line of a problem.
pub(crate) fn line(ctx: &PageContext, people: &People, problem: &Problem) -> ProblemLine {
    let open = problem.is_open();
    let taken = problem.acknowledged.as_ref();
    let marks = problem.marks(ctx.now_ms).into_iter();
    let shown = marks.filter(|mark| open && *mark != Mark::Acknowledged);
    ProblemLine {
        id: problem.id.to_string(),
        number: problem.label(),
        severity: if open {
            problem.severity
        } else {
            problem.highest
        },
        title: title(ctx.lang, problem),
        target: problem.target.key.clone(),
        host: problem.host.clone(),
        host_href: format!("/hosts/{}", problem.target.ci),
        opened_ms: problem.opened_ms,
        changed_ms: problem.changed_ms,
        closed_ms: problem.closed.as_ref().map(|closed| closed.at_ms),
        acknowledged_by: taken.map(|taken| people.name(&taken.by)),
        assigned_to: problem.assignee.map(|user| people.name(&user.to_string())),
        marks: shown
            .map(|mark| (mark.name(), reason(ctx, problem, mark)))
            .collect(),
    }
}

/// The lines of several problems.
pub(crate) fn lines(ctx: &PageContext, people: &People, list: &[Problem]) -> Vec<ProblemLine> {
    list.iter()
        .map(|problem| line(ctx, people, problem))
        .collect()
}

/// What broke, with the value that was last seen.
pub(crate) fn title(lang: Lang, problem: &Problem) -> String {
    let (words, value) = (
        problem.title.get(lang),
        units::first(lang, &problem.observed),
    );
    if value.is_empty() {
        words.to_owned()
    } else {
        format!("{words} {value}")
    }
}

/// Why a problem carries a mark.
fn reason(ctx: &PageContext, problem: &Problem, mark: Mark) -> String {
    let until = |at_ms: i64| {
        let time = i18n::short_time(at_ms, ctx.now_ms, &ctx.zone);
        ctx.tf("host.until", &[("time", &time)])
    };
    match mark {
        Mark::Maintenance => problem.maintenance.clone().unwrap_or_default(),
        Mark::Suppressed => problem.silence.clone().unwrap_or_default(),
        Mark::Frozen => problem.last_seen_ms.map_or_else(String::new, |at_ms| {
            let time = i18n::short_time(at_ms, ctx.now_ms, &ctx.zone);
            ctx.tf("problem.last_seen", &[("time", &time)])
        }),
        Mark::CannotJudge => problem.cannot_judge.clone(),
        Mark::Snoozed => problem.snoozed_until_ms.map_or_else(String::new, until),
        Mark::Acknowledged | Mark::Flapping | Mark::Repairing => String::new(),
    }
}
