//! The list of problems, with actions on many at once.

use ui::{
    Action, BulkAction, Choice, Column, Empty, Filter, Html, ListQuery, PageContext, PageHead, Row,
    Table,
};

use crate::problem::ProblemLine;

/// The list of problems.
#[derive(Clone, Debug, Default)]
pub struct ProblemsView {
    /// The lines of this page.
    pub lines: Vec<ProblemLine>,
    /// Lines over all pages.
    pub total: usize,
    /// Lines a page.
    pub page_size: usize,
    /// The view as its address says it.
    pub query: ListQuery,
    /// Host groups to choose from.
    pub host_groups: Vec<Choice>,
    /// Whether the reader may act (operator or more).
    pub may_act: bool,
}

const COLUMNS: [Column; 7] = [
    Column::sorted("severity", "problem.severity"),
    Column::plain("problem.problem").class("grow"),
    Column::sorted("host", "problem.host"),
    Column::sorted("opened", "problem.duration").class("nowrap"),
    Column::plain("problem.opened").class("nowrap hide-s"),
    Column::plain("problem.state"),
    Column::plain("problem.assigned").class("nowrap hide-s"),
];

const ACTIONS: [BulkAction; 4] = [
    bulk("acknowledge", "problem.acknowledge", "", false),
    bulk("assign_me", "problem.assign", "", false),
    bulk("silence", "problem.silence", "", false),
    bulk("close", "problem.close", "problem.bulk_close_confirm", true),
];

const fn bulk(
    value: &'static str,
    label: &'static str,
    confirm: &'static str,
    danger: bool,
) -> BulkAction {
    BulkAction {
        value,
        label,
        confirm,
        danger,
    }
}

/// The list of problems as a page.
#[must_use]
pub fn problems(ctx: &PageContext, view: &ProblemsView) -> Html {
    let table = Table {
        path: "/problems",
        query: &view.query,
        columns: &COLUMNS,
        rows: view.lines.iter().map(|line| row(ctx, line)).collect(),
        total: view.total,
        page_size: view.page_size,
        filters: filters(view),
        search: "problem.search",
        bulk: if view.may_act { &ACTIONS } else { &[] },
        bulk_path: "/problems/bulk",
        export: "/problems.csv",
        empty: Empty {
            title: ctx.t("problem.empty_title").to_owned(),
            text: ctx.t("problem.empty_text").to_owned(),
            actions: vec![Action::plain(
                ctx.t("problem.show_closed"),
                "/problems?state=all",
            )],
            good: true,
        },
        actions: Vec::new(),
    };
    ui::list_page(ctx, &PageHead::new(ctx.t("problem.list_title"), ""), &table)
}

fn filters(view: &ProblemsView) -> Vec<Filter> {
    let severities = model::Severity::LEVELS.into_iter().rev().map(|severity| {
        Choice::owned(
            severity.name().to_owned(),
            format!("severity.{}", severity.name()),
        )
    });
    let states = vec![
        Choice::new("untaken", "problem.untaken"),
        Choice::new("open", "problem.open"),
        Choice::new("all", "problem.all_states"),
    ];
    let mut list = vec![
        Filter {
            key: "severity",
            label: "problem.filter_severity",
            choices: severities.collect(),
        },
        Filter {
            key: "state",
            label: "problem.filter_state",
            choices: states,
        },
    ];
    if !view.host_groups.is_empty() {
        let choices = view.host_groups.clone();
        list.push(Filter {
            key: "group",
            label: "board.host_group",
            choices,
        });
    }
    list
}

fn row(ctx: &PageContext, line: &ProblemLine) -> Row {
    let target = if line.target.is_empty() {
        String::new()
    } else {
        format!(
            " <span class=\"mono muted\">{}</span>",
            ui::escape(&line.target)
        )
    };
    let title = format!(
        "<a class=\"row-link\" href=\"{}\">{}</a>{target} <span class=\"muted\">{}</span>",
        ui::escape(&line.href()),
        ui::escape(&line.title),
        ui::escape(&line.number),
    );
    let host = format!(
        "<a href=\"{}\">{}</a>",
        ui::escape(&line.host_href),
        ui::escape(&line.host)
    );
    Row {
        id: line.id.clone(),
        href: line.href(),
        name: format!("{} {}", line.number, line.title),
        class: format!("s-{}", line.severity.name()),
        cells: vec![
            ctx.sev(&line.severity),
            Html::trusted(title),
            Html::trusted(host),
            line.closed_ms.map_or_else(
                || ctx.since(line.opened_ms),
                |closed_ms| Html::text(&ctx.span(closed_ms - line.opened_ms)),
            ),
            ctx.at(line.opened_ms),
            marks(ctx, line),
            Html::text(line.assigned_to.as_deref().unwrap_or("")),
        ],
    }
}

fn marks(ctx: &PageContext, line: &ProblemLine) -> Html {
    let taken = line.acknowledged_by.as_ref().map(|name| {
        let text = ui::escape(&ctx.tf("problem.taken_by", &[("name", name)]));
        Html::trusted(format!("<span class=\"chip m-acknowledged\">{text}</span>"))
    });
    let closed = line.closed_ms.map(|_| {
        Html::trusted(format!(
            "<span class=\"chip\">{}</span>",
            ctx.t("problem.closed")
        ))
    });
    let others = line
        .marks
        .iter()
        .map(|(mark, reason)| ctx.mark(mark, reason));
    let chips: Html = closed.into_iter().chain(taken).chain(others).collect();
    Html::trusted(format!("<span class=\"tags\">{chips}</span>"))
}
