//! The host page: its state, its graphs, what is watched on it and why so.

mod view;

use askama::Template;
use ui::{Empty, Html, Page, PageContext};

pub use view::{Discovered, GraphSpec, HostEnd, HostHead, HostView, KINDS, RANGES};
pub use view::{Range, RuleInForce, TopProcess, TopView};

#[derive(Template)]
#[template(path = "host.html")]
struct HostTemplate<'a> {
    ctx: &'a PageContext,
    view: &'a HostView,
}

#[derive(Template)]
#[template(path = "graphs.html")]
struct GraphsTemplate<'a> {
    ctx: &'a PageContext,
    graphs: &'a [GraphSpec],
    range: &'a Range,
    path: &'a str,
}

#[derive(Template)]
#[template(path = "host_top.html")]
struct TopTemplate<'a> {
    ctx: &'a PageContext,
    view: &'a TopView,
}

impl TopTemplate<'_> {
    fn lists(&self) -> [(&'static str, &[TopProcess]); 2] {
        [
            ("host.top_cpu", &self.view.by_cpu),
            ("host.top_memory", &self.view.by_memory),
        ]
    }
}

/// The busiest processes, as the fragment that the host page fetches after itself.
#[must_use]
pub fn host_top(ctx: &PageContext, view: &TopView) -> Html {
    Html::render(&TopTemplate { ctx, view })
}

#[derive(Template)]
#[template(path = "host_end.html")]
struct EndTemplate<'a> {
    ctx: &'a PageContext,
    view: &'a HostEnd,
}

/// The end of a host's service, or its way back, below its settings.
#[must_use]
pub fn host_end(ctx: &PageContext, view: &HostEnd) -> Html {
    Html::render(&EndTemplate { ctx, view })
}

/// The host page.
#[must_use]
pub fn host(ctx: &PageContext, view: &HostView) -> Html {
    let body = Html::render(&HostTemplate { ctx, view });
    ui::page(
        ctx,
        &graph_page(view.head.name.clone(), body, "wide host-page"),
    )
}

/// A page that draws graphs.
pub(crate) fn graph_page(title: String, body: Html, class: &'static str) -> Page {
    Page {
        title,
        body,
        modules: vec!["graph.js"],
        scripts: vec!["vendor/uplot-1.6.32.min.js"],
        styles: vec!["vendor/uplot-1.6.32.min.css", "detail.css"],
        class,
    }
}

/// The range picker and the graphs below it; `path` is the page's address without query.
pub(crate) fn graphs(ctx: &PageContext, list: &[GraphSpec], range: &Range, path: &str) -> Html {
    Html::render(&GraphsTemplate {
        ctx,
        graphs: list,
        range,
        path,
    })
}

impl HostTemplate<'_> {
    fn path(&self) -> String {
        format!("/hosts/{}", self.view.head.id)
    }

    fn graphs(&self) -> Html {
        graphs(self.ctx, &self.view.graphs, &self.view.range, &self.path())
    }

    fn problems(&self) -> Html {
        crate::board::host_problems(
            self.ctx,
            "board.problems",
            (
                &self.view.head.name,
                self.view.head.last_sample_ms.is_some(),
            ),
            &self.view.problems,
        )
    }

    fn state(&self) -> Html {
        ui::cell_mark(self.ctx.lang, self.view.head.state)
    }

    fn level(&self, rule: &RuleInForce, severity: &model::Severity) -> String {
        let found = rule.levels.iter().find(|(known, _)| known == severity);
        found.map_or_else(String::new, |(_, text)| text.clone())
    }

    fn rule_state(&self, rule: &RuleInForce) -> Html {
        rule.state
            .map_or_else(Html::empty, |state| ui::cell_mark(self.ctx.lang, state))
    }

    /// The hidden fields that say which thing a decision is about.
    fn names(&self, thing: &Discovered) -> Html {
        let (kind, key) = (ui::escape(&thing.found_as), ui::escape(&thing.key));
        Html::trusted(format!(
            "<input type=\"hidden\" name=\"kind\" value=\"{kind}\">\
             <input type=\"hidden\" name=\"key\" value=\"{key}\">"
        ))
    }

    fn unregistered(&self) -> usize {
        self.view
            .discovered
            .iter()
            .filter(|thing| thing.state == "coverage.unregistered")
            .count()
    }

    fn no_data(&self) -> Html {
        Empty {
            title: self.ctx.t("host.no_data_title").to_owned(),
            text: self.ctx.t("host.no_data_text").to_owned(),
            actions: vec![ui::Action::plain(self.ctx.t("host.to_agents"), "/agents")],
            good: false,
        }
        .draw()
    }
}
