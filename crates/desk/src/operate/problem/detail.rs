//! One problem with everything that somebody woken at three in the morning asks for.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use console::views::{GraphSpec, ProblemView, RecentChange, ScriptRun};
use db::Revision;
use model::Severity;
use problem::model::Problem;
use problem::service::Detail;
use remedy::{Run, RunFilter, RunState};
use ui::{Choice, PageContext};
use web::{ApiError, Ctx, Role};

use super::{find, story, told};
use crate::manage::asked::Asked;
use crate::manage::history;
use crate::operate::line::{line, lines};
use crate::operate::people::People;
use crate::operate::refusal::refused;
use crate::operate::said::said;
use crate::operate::{graph, host, units};
use crate::{Desk, frame};

/// Runs shown on a problem.
const RUNS: usize = 20;
/// Changes of so long before a problem may be why, in milliseconds.
const CHANGES_MS: i64 = 86_400_000;
/// Changes shown.
const CHANGES: usize = 6;
/// Earlier problems of the pair that are told of.
const EARLIER: usize = 20;

pub(super) async fn problem(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let id = find(&desk, &ctx, &id).await?;
    let page = frame::page(&desk, &ctx);
    let mut reader = desk.db.reader();
    let detail = problem::service::detail(&mut reader, id).await;
    let detail = detail.map_err(refused(page.lang))?;
    let people = People::load(&desk).await?;
    let filter = RunFilter {
        problem: Some(id),
        limit: RUNS,
        ..RunFilter::default()
    };
    let found = desk.remedies.runs(&filter).await?;
    let mut runs = Vec::with_capacity(found.len());
    for run in found {
        // The list leaves the transcripts out.
        runs.push(desk.remedies.run(run.id).await?);
    }
    let ledger = told::decisions(&desk, &page, id).await?;
    let may_act = ctx.has(Role::Operator);
    let one = &detail.problem;
    let view = ProblemView {
        line: line(&page, &people, one),
        hurts: hurts(&desk, &page, one),
        tried: tried(&page, &runs),
        changed: changed(&page, &people, &detail),
        told: ledger.summary,
        notices: ledger.decisions,
        timeline: story::timeline(&page, &people, &detail.timeline),
        processes: story::processes(&detail.timeline),
        runs: runs.iter().map(|run| drawn(&page, &people, run)).collect(),
        siblings: lines(&page, &people, &detail.related),
        people: people
            .operators()
            .into_iter()
            .map(|user| Choice::owned(user.id.to_string(), user.display.clone()))
            .collect(),
        scripts: scripts(&desk, may_act).await?,
        range: host::range(&query, page.now_ms),
        may_act,
        ..ruled(&desk, &page, one).await?
    };
    Ok(console::problem(&page, &view).into_response())
}

/// What the rule says: advice, value against threshold, graph.
async fn ruled(desk: &Desk, page: &PageContext, one: &Problem) -> Result<ProblemView, ApiError> {
    let explained = desk.driver.why(one.rule, &one.target, page.now_ms);
    let rule = match explained {
        Some(explained) => Some(explained.rule),
        // A rule about rules, or one that is gone, has no record to be read.
        None => desk
            .watch
            .rule(one.rule)
            .await
            .ok()
            .map(|record| record.rule),
    };
    let mut view = ProblemView {
        rule: one.title.get(page.lang).to_owned(),
        rule_href: format!("/rules/{}", one.rule),
        measured: units::first(page.lang, &one.observed),
        ..ProblemView::default()
    };
    let Some(rule) = rule else {
        return Ok(view);
    };
    view.advice = rule.help.get(page.lang).to_owned();
    let level = rule
        .levels
        .iter()
        .find(|level| level.severity == one.severity);
    if let Some(level) = level {
        let word = ui::severity_word(page.lang, level.severity);
        let mut against = format!("{word} {}", units::level(page.lang, &rule, level));
        let held_ms = i64::try_from(level.duration.ms).unwrap_or(i64::MAX);
        if held_ms > 0 {
            against.push_str(&format!(", {}", page.span(held_ms)));
        }
        let values = units::all(page.lang, level, &one.observed);
        view.measured = match values.is_empty() {
            true => against,
            false => format!("{values} ({against})"),
        };
    }
    view.graph = graph::of_rule(page.lang, &rule, &one.target).map(|_| GraphSpec {
        id: "history".to_owned(),
        title: format!("{} {}", one.title.get(page.lang), one.target.key),
        url: format!("/api/v1/graph?problem={}", one.id),
        wide: true,
    });
    Ok(view)
}

/// The groups that the host is in, and its labels: what is known of whom it hurts.
fn hurts(desk: &Desk, page: &PageContext, one: &Problem) -> Vec<String> {
    let groups = desk.hosts.groups_of(one.target.ci).into_iter();
    let mut all: Vec<String> = groups
        .map(|name| page.tf("host.origin_group", &[("name", &name)]))
        .collect();
    if let Some(host) = desk.hosts.all().get(&one.target.ci) {
        let labels = host
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        all.extend(labels);
    }
    all
}

fn tried(page: &PageContext, runs: &[Run]) -> Vec<String> {
    let one = |run: &Run| {
        let state = page.t(state(run));
        match run.summary.is_empty() {
            true => format!("{}: {state}", run.script_name),
            false => format!(
                "{}: {state} · {}",
                run.script_name,
                said(page, &run.summary)
            ),
        }
    };
    runs.iter().map(one).collect()
}

/// What was edited within a day before, and how often the pair had a problem.
fn changed(page: &PageContext, people: &People, detail: &Detail) -> Vec<RecentChange> {
    let from_ms = detail.problem.opened_ms - CHANGES_MS;
    let edit = |text: &'static str, href: String| {
        move |edit: &Revision| RecentChange {
            at_ms: edit.at_ms,
            text: match history::why(page, &edit.why).as_str() {
                "" => page.t(text).to_owned(),
                why => format!("{}: {why}", page.t(text)),
            },
            by: history::who(page, people, &edit.actor),
            href: href.clone(),
        }
    };
    let one = &detail.problem;
    let recent = |edit: &&Revision| edit.at_ms >= from_ms;
    let rule = detail.rule_edits.iter().filter(recent);
    let host = detail.host_edits.iter().filter(recent);
    let mut all: Vec<RecentChange> = rule
        .map(edit("problem.rule_edited", format!("/rules/{}", one.rule)))
        .chain(host.map(edit(
            "problem.host_edited",
            format!("/hosts/{}", one.target.ci),
        )))
        .collect();
    all.sort_by_key(|change| std::cmp::Reverse(change.at_ms));
    // The same said twice in a row, as by a machine that enrols again and again, is said once.
    all.dedup_by(|next, shown| next.text == shown.text && next.by == shown.by);
    all.truncate(CHANGES);
    if let Some(last) = detail.earlier.first() {
        let count = detail.earlier.len();
        let shown = match count >= EARLIER {
            true => format!("{count}+"),
            false => count.to_string(),
        };
        all.push(RecentChange {
            at_ms: last.opened_ms,
            text: page.tf(
                "problem.earlier",
                &[("count", &shown), ("number", &last.label())],
            ),
            by: String::new(),
            href: format!("/problems/{}", last.id),
        });
    }
    all
}

async fn scripts(desk: &Desk, may_act: bool) -> Result<Vec<Choice>, ApiError> {
    if !may_act {
        return Ok(Vec::new());
    }
    let scripts = desk.remedies.scripts().await?.into_iter();
    let usable = scripts.filter(|script| script.is_approved() && script.retired_ms.is_none());
    Ok(usable
        .map(|script| Choice::owned(script.id.to_string(), script.draft.name))
        .collect())
}

fn state(run: &Run) -> &'static str {
    match run.state {
        RunState::Running => "run.running",
        RunState::Verifying => "run.verifying",
        RunState::Succeeded if run.dry_run => "run.dry_run",
        RunState::Succeeded => "run.succeeded",
        RunState::Verified => "run.verified",
        RunState::NotVerified => "run.not_cleared",
        RunState::Failed => "run.failed",
        RunState::Refused => "run.refused",
        RunState::Unreachable => "run.unreachable",
    }
}

fn drawn(page: &PageContext, people: &People, run: &Run) -> ScriptRun {
    let end_ms = run.ended_ms.unwrap_or(page.now_ms);
    ScriptRun {
        at_ms: run.ordered_ms,
        name: run.script_name.clone(),
        href: format!("/runs/{}", run.id),
        by: match &run.by {
            Some(by) => people.name(by),
            None => page.t("problem.by_itself").to_owned(),
        },
        state: state(run),
        good: matches!(
            run.state,
            RunState::Verified | RunState::Succeeded | RunState::Running | RunState::Verifying
        ),
        duration_ms: end_ms.saturating_sub(run.ordered_ms).max(0),
        exit_code: run.exit_code,
        transcript: match run.transcript.is_empty() {
            true => said(page, &run.summary),
            false => run.transcript.clone(),
        },
    }
}

/// The severity of a name in stored facts.
pub(super) fn severity_of(value: &serde_json::Value) -> Option<Severity> {
    value.as_str()?.parse().ok()
}
