//! The problems that stand behind a graph's lines.

use model::CiId;
use problem::model::Problem;
use problem::{Filter, Sort};
use web::{ApiError, Ctx};

use super::MarkBody;
use super::drawn::{Drawn, metrics, signal_of};
use super::lines::Span;
use crate::Desk;
use crate::operate::line;
use crate::operate::refusal::refused;

/// Problems looked at for one graph, the newest first.
const PROBLEMS: usize = 100;

/// The problems of a host within the range whose rules look at what is drawn.
pub(super) async fn marks(
    desk: &Desk,
    ctx: &Ctx,
    (host, drawn): (CiId, &Drawn),
    range: Span,
) -> Result<Vec<MarkBody>, ApiError> {
    let filter = Filter {
        host: Some(host),
        opened_to_ms: Some(range.to_ms),
        ..Filter::default()
    };
    let now_ms = ctx.now_ms();
    let how = (&filter, Sort::Opened);
    let list = problem::service::list(&mut desk.db.reader(), how, None, PROBLEMS, now_ms).await;
    let list = list.map_err(refused(ctx.lang))?;
    let known = metrics(&drawn.selectors);
    let about = |problem: &&Problem| {
        let ended = problem.closed.as_ref().map(|closed| closed.at_ms);
        let within = ended.is_none_or(|ended_ms| ended_ms >= range.from_ms);
        let target = drawn.target.as_ref();
        within
            && target.is_none_or(|target| *target == problem.target)
            && desk
                .driver
                .why(problem.rule, &problem.target, now_ms)
                .is_some_and(|explained| signal_of(&explained.rule, &known).is_some())
    };
    let marks = list.rows.iter().filter(about).map(|problem| MarkBody {
        from: problem.opened_ms,
        to: problem.closed.as_ref().map(|closed| closed.at_ms),
        severity: problem.highest.name(),
        title: format!("{} {}", problem.label(), line::title(ctx.lang, problem)),
        url: format!("/problems/{}", problem.id),
    });
    Ok(marks.collect())
}
