//! Runs of scripts: the list, and one run with its transcript.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use model::RunId;
use remedy::{Run, RunFilter, RunState};
use ui::{Choice, Column, Empty, Fact, Filter, Html, PageContext, PageHead};
use web::{ApiError, Ctx};

use crate::manage::asked::Asked;
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::{hosts, sheet};
use crate::operate::people::People;
use crate::operate::said::said;
use crate::{Desk, frame};

/// Runs read at most: the newest that fit.
const RUNS_MAX: usize = 1_000;

const COLUMNS: [Column; 6] = [
    Column::sorted("at", "script.ordered_at"),
    Column::sorted("script", "problem.script"),
    Column::sorted("host", "host.name"),
    Column::sorted("state", "rule.state"),
    Column::sorted("by", "script.started_by").class("hide-s"),
    Column::plain("script.summary").class("grow"),
];

/// How a run stands, marked where somebody should look.
fn mark(page: &PageContext, run: &Run) -> Html {
    let word = page.tk("script.run_", run.state.name());
    let bad = matches!(
        run.state,
        RunState::NotVerified | RunState::Failed | RunState::Refused | RunState::Unreachable
    );
    let shown = if bad {
        sheet::alert_chip(&word)
    } else {
        Html::text(&word)
    };
    match run.dry_run {
        true => [
            shown,
            Html::text(" "),
            sheet::chip(page.t("problem.dry_run")),
        ]
        .into_iter()
        .collect(),
        false => shown,
    }
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let filter = RunFilter {
        script: query.get("script").parse().ok(),
        host: query.get("host").parse().ok(),
        problem: query.get("problem").parse().ok(),
        before: None,
        limit: RUNS_MAX,
    };
    let runs = desk.remedies.runs(&filter).await?;
    let people = People::load(&desk).await?;
    let state = |state: RunState| {
        Choice::owned(
            state.name().to_owned(),
            format!("script.run_{}", state.name()),
        )
    };
    let scripts = desk.remedies.scripts().await?.into_iter();
    let scripts = scripts.map(|one| Choice::owned(one.id.to_string(), one.draft.name));
    let listing = Listing {
        head: PageHead::new(page.t("nav.runs"), page.t("script.runs_intro")),
        path: "/runs",
        columns: &COLUMNS,
        lines: runs
            .iter()
            .map(|run| line(&desk, &page, (run, &people)))
            .collect(),
        filters: vec![
            Filter {
                key: "state",
                label: "rule.state",
                choices: RunState::ALL.into_iter().map(state).collect(),
            },
            Filter {
                key: "script",
                label: "problem.script",
                choices: scripts.collect(),
            },
        ],
        search: "script.search_runs",
        bulk: &[],
        empty: Empty {
            title: page.t("script.no_runs").to_owned(),
            text: page.t("script.no_runs_text").to_owned(),
            actions: vec![ui::Action::plain(page.t("nav.scripts"), "/scripts")],
            good: false,
        },
        above: Html::empty(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn by(page: &PageContext, (run, people): (&Run, &People)) -> String {
    match &run.by {
        Some(name) => people.name(name),
        None => page.t("script.by_itself").to_owned(),
    }
}

fn line(desk: &Desk, page: &PageContext, (run, people): (&Run, &People)) -> Line {
    let host = hosts::name(desk, run.host);
    Line {
        href: format!("/runs/{}", run.id),
        name: format!("{} {host}", run.script_name),
        cells: vec![
            Cell::at(page, Some(run.ordered_ms)),
            Cell::text(&run.script_name),
            Cell::html(&host, sheet::link(&hosts::href(run.host), &host)),
            Cell::html(page.tk("script.run_", run.state.name()), mark(page, run)),
            Cell::text(by(page, (run, people))),
            Cell::text(said(page, &run.summary)),
        ],
        facets: vec![
            ("state", run.state.name().to_owned()),
            ("script", run.script.to_string()),
        ],
        ..Line::default()
    }
}

/// The latest runs of a script.
///
/// # Errors
/// When the store fails.
pub(super) async fn panel(desk: &Desk, page: &PageContext, runs: &[Run]) -> Result<Html, ApiError> {
    let people = &People::load(desk).await?;
    let rows: Vec<Vec<Html>> = runs
        .iter()
        .map(|run| {
            let at = i18n::date_time(run.ordered_ms, &page.zone);
            vec![
                sheet::link(&format!("/runs/{}", run.id), &at),
                Html::text(&hosts::name(desk, run.host)),
                mark(page, run),
                Html::text(&by(page, (run, people))),
                Html::text(&said(page, &run.summary)),
            ]
        })
        .collect();
    let title = page.t("nav.runs");
    if rows.is_empty() {
        return Ok(sheet::panel(title, sheet::muted(page.t("script.no_runs"))));
    }
    let titles = [
        "script.ordered_at",
        "host.name",
        "rule.state",
        "script.started_by",
        "script.summary",
    ];
    Ok(sheet::flush(
        title,
        sheet::grid(&titles.map(|key| page.t(key)), &rows),
    ))
}

pub(super) async fn detail(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let id: RunId = web::path_id(&id, "this run")?;
    let run = desk.remedies.run(id).await?;
    let people = People::load(&desk).await?;
    let host = hosts::name(&desk, run.host);
    let head = PageHead {
        marks: mark(&page, &run),
        ..PageHead::new(
            format!("{} · {host}", run.script_name),
            said(&page, &run.summary),
        )
    };
    let mut about = vec![
        Fact::html(
            page.t("problem.script"),
            sheet::link(&format!("/scripts/{}", run.script), &run.script_name),
        ),
        Fact::text(page.t("script.version"), &run.script_version.to_string()),
        Fact::html(
            page.t("host.name"),
            sheet::link(&hosts::href(run.host), &host),
        ),
        Fact::text(page.t("script.started_by"), &by(&page, (&run, &people))),
        Fact::html(page.t("script.ordered_at"), page.at_full(run.ordered_ms)),
    ];
    if let Some(ended_ms) = run.ended_ms {
        let took = page.span(ended_ms - run.ordered_ms);
        about.push(Fact::html(
            page.t("script.ended_at"),
            page.at_full(ended_ms),
        ));
        about.push(Fact::text(page.t("script.took"), &took));
    }
    if let Some(code) = run.exit_code {
        about.push(Fact::text(page.t("script.exit_code"), &code.to_string()));
    }
    if let Some(problem) = run.problem {
        let link = sheet::link(&format!("/problems/{problem}"), page.t("rule.problem"));
        about.push(Fact::html(page.t("script.for_problem"), link));
    }
    let transcript = match run.transcript.is_empty() {
        true => sheet::muted(page.t("script.no_output")),
        false => sheet::block(&run.transcript),
    };
    let parts = [
        sheet::panel("", ui::facts(&about)),
        sheet::panel(page.t("script.transcript"), transcript),
    ];
    Ok(sheet::sheet(&page, &head, &[sheet::stack(parts)], "").into_response())
}
