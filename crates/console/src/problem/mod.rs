//! The problem page: what somebody woken at three in the morning needs, in that order.

mod line;
mod view;

use askama::Template;
use ui::{Html, PageContext, Timeline};

pub use line::ProblemLine;
pub use view::{NoticeDecision, ProblemView, RUN_STATES, RecentChange, ScriptRun};

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemTemplate<'a> {
    ctx: &'a PageContext,
    view: &'a ProblemView,
}

/// The problem page.
#[must_use]
pub fn problem(ctx: &PageContext, view: &ProblemView) -> Html {
    let title = format!("{} {}", view.line.number, view.line.title);
    let body = Html::render(&ProblemTemplate { ctx, view });
    ui::page(ctx, &crate::host::graph_page(title, body, "problem-page"))
}

impl ProblemTemplate<'_> {
    fn graph(&self) -> Html {
        let path = self.view.line.href();
        self.view.graph.as_ref().map_or_else(Html::empty, |graph| {
            crate::host::graphs(
                self.ctx,
                std::slice::from_ref(graph),
                &self.view.range,
                &path,
            )
        })
    }

    fn timeline(&self) -> Html {
        Timeline {
            entries: self.view.timeline.clone(),
        }
        .draw(self.ctx)
    }

    fn siblings(&self) -> Html {
        crate::board::host_problems(
            self.ctx,
            "problem.siblings",
            (&self.view.line.host, true),
            &self.view.siblings,
        )
    }

    fn lasted(&self) -> String {
        let line = &self.view.line;
        let end_ms = line.closed_ms.unwrap_or(self.ctx.now_ms);
        self.ctx.span(end_ms.saturating_sub(line.opened_ms))
    }
}
