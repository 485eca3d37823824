//! One script: its text and hash, the lines for hosts' allow-lists, approval, bindings, runs, history.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use remedy::{Mode, RunFilter, Script};
use ui::{Action, Fact, Html, PageContext, PageHead, escape};
use web::{ApiError, Ctx, Flash, Role};

use super::list::approval_mark;
use super::{bind, runs};
use crate::manage::asked::Sent;
use crate::manage::sheet::{self, Press};
use crate::manage::{history, hosts, moment, refusal};
use crate::{Desk, frame};

/// Runs shown of a script.
const RUNS_MAX: usize = 10;
/// Edits looked through for the approved text.
const EDITS_MAX: usize = 200;
/// As whom a script runs that names nobody: a user of every system, with no rights.
const UNPRIVILEGED: &str = "nobody";

pub(super) async fn detail(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let script = super::found(&desk, &id).await?;
    let live = script.retired_ms.is_none();
    let (administers, operates) = (ctx.has(Role::Administrator), ctx.has(Role::Operator));
    let mut actions = vec![Action::plain(
        page.t("nav.runs"),
        format!("/runs?script={}", script.id),
    )];
    if administers && live {
        let here = format!("/scripts/{}", script.id);
        actions.push(Action::plain(page.t("manage.edit"), format!("{here}/edit")));
        if !script.is_approved() {
            actions.push(Action::primary(
                page.t("script.review"),
                format!("{here}/approve"),
            ));
        }
    }
    let head = PageHead {
        marks: approval_mark(&page, &script),
        actions,
        ..PageHead::new(&script.draft.name, &script.draft.help)
    };
    let off = desk.remedies.kill_switch().await?;
    let mut parts = vec![
        super::switch_panel(&page, off.as_ref(), operates),
        sheet::panel("", about(&page, &script)),
        sheet::panel(page.t("script.body"), text(&page, &script)),
        sheet::panel(page.t("script.allow"), allow(&page, &script)),
        bind::panel(&desk, &page, (&script, administers && live)).await?,
    ];
    if operates && live {
        parts.push(sheet::panel(
            page.t("script.run"),
            [hosts::suggested(&desk), bind::run_form(&page, &script)]
                .into_iter()
                .collect(),
        ));
    }
    let filter = RunFilter {
        script: Some(script.id),
        limit: RUNS_MAX,
        ..RunFilter::default()
    };
    let found = desk.remedies.runs(&filter).await?;
    parts.push(runs::panel(&desk, &page, &found).await?);
    parts.push(history::history(&desk, &page, ("script", &script.id.to_string())).await?);
    if administers && live {
        let retire = Press {
            to: &format!("/scripts/{}/retire", script.id),
            label: page.t("rule.retire"),
            confirm: page.t("script.retire_confirm"),
            weight: "danger",
            values: &[],
        };
        parts.push(sheet::presses([retire.draw(&page)]));
    }
    Ok(sheet::sheet(&page, &head, &[sheet::stack(parts)], "").into_response())
}

fn about(page: &PageContext, script: &Script) -> Html {
    let draft = &script.draft;
    let span = |ms: u64| page.span(i64::try_from(ms).unwrap_or(i64::MAX));
    let mode = match draft.mode {
        Mode::Automatic => "script.mode_automatic",
        Mode::Off => "script.mode_off",
    };
    let runs = page.tf(
        "script.runs_within",
        &[("count", &draft.max_runs), ("span", &span(draft.window_ms))],
    );
    let user = match draft.run_as.as_str() {
        "" => page.t("script.default_user"),
        user => user,
    };
    let approved = match script.approved_ms {
        Some(at_ms) => {
            let values: [(&str, &dyn std::fmt::Display); 3] = [
                ("name", &script.approved_by),
                ("version", &script.approved_version),
                ("time", &i18n::date_time(at_ms, &page.zone)),
            ];
            page.tf("script.approved_by", &values)
        }
        None => page.t("script.approval_never").to_owned(),
    };
    ui::facts(&[
        Fact::text(page.t("script.mode"), page.t(mode)),
        Fact::text(page.t("script.version"), &script.version.to_string()),
        Fact::text(page.t("script.approval"), &approved),
        Fact::text(page.t("script.run_as"), user),
        Fact::text(page.t("script.time_limit"), &span(draft.time_limit_ms)),
        Fact::text(page.t("script.max_runs"), &runs),
        Fact::text(page.t("script.cooldown"), &span(draft.cooldown_ms)),
        Fact::text(page.t("script.verify"), &span(draft.verify_ms)),
        Fact::text(page.t("rule.updated"), &script.changed_by),
    ])
}

fn text(page: &PageContext, script: &Script) -> Html {
    let mut parts = vec![sheet::block(&script.draft.body)];
    if !script.draft.precondition.is_empty() {
        parts.push(sheet::muted(page.t("script.precondition")));
        parts.push(sheet::block(&script.draft.precondition));
    }
    parts.into_iter().collect()
}

/// What the administrator of a host runs to put it on the allow-list; without it the host refuses.
fn allow(page: &PageContext, script: &Script) -> Html {
    let draft = &script.draft;
    let user = if draft.run_as.is_empty() {
        UNPRIVILEGED
    } else {
        &draft.run_as
    };
    let line = |name: &str, body: &str| {
        format!(
            "bongsu-agent allow --name {} --hash {} --user {} --max-time {}\n",
            quoted(name),
            remedy::body_hash(body),
            quoted(user),
            moment::span(draft.time_limit_ms)
        )
    };
    let mut lines = line(&draft.name, &draft.body);
    if !draft.precondition.is_empty() {
        let name = format!("{} (precondition)", draft.name);
        lines.push_str(&line(&name, &draft.precondition));
    }
    let copy = Html::trusted(format!(
        "<button type=\"button\" class=\"button\" data-copy=\"{}\" data-done=\"{}\">{}</button>",
        escape(&lines),
        escape(page.t("frame.copied")),
        escape(page.t("frame.copy"))
    ));
    let parts = [
        sheet::muted(page.t("script.allow_text")),
        sheet::block(&lines),
        copy,
    ];
    sheet::stack(parts)
}

/// A word as a shell takes it, whatever stands in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The text of the approved version, from the history.
async fn approved_text(desk: &Desk, script: &Script) -> Result<Option<String>, ApiError> {
    let id = script.id.to_string();
    let edits = db::revisions(&mut desk.db.reader(), "script", &id, EDITS_MAX).await;
    let edits = edits.map_err(refusal::store)?;
    let of_version = edits.into_iter().find_map(|edit| {
        let after = edit.after?;
        let version = after.get("version")?.as_i64()?;
        (version == script.approved_version)
            .then(|| after.get("body")?.as_str().map(str::to_owned))
            .flatten()
    });
    Ok(of_version)
}

/// What an approver must read: the text, and what differs from the approved one, line by line.
pub(super) async fn review(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let script = super::found(&desk, &id).await?;
    let head = PageHead::new(
        page.tf("script.review_of", &[("name", &script.draft.name)]),
        page.t("script.review_text"),
    );
    let before = approved_text(&desk, &script).await?;
    let body = match &before {
        Some(before) => difference(before, &script.draft.body),
        None => sheet::block(&script.draft.body),
    };
    let title = match before.is_some() {
        true => page.t("script.difference"),
        false => page.t("script.body"),
    };
    let version = script.version.to_string();
    let approve = Press {
        to: &format!("/scripts/{}/approve", script.id),
        label: page.t("script.approve"),
        confirm: page.t("script.approve_confirm"),
        weight: "primary",
        values: &[("revision", &version)],
    };
    let back = Action::plain(page.t("frame.cancel"), format!("/scripts/{}", script.id));
    let parts = [
        sheet::panel("", about(&page, &script)),
        sheet::panel(title, body),
        sheet::panel(page.t("script.allow"), allow(&page, &script)),
        sheet::presses([approve.draw(&page), back.draw()]),
    ];
    Ok(sheet::sheet(&page, &head, &[sheet::stack(parts)], "").into_response())
}

/// Lines that went and came, marked by signs rather than by colour.
fn difference(before: &str, after: &str) -> Html {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same_start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - same_start;
    let ends = old.iter().rev().zip(new.iter().rev());
    let same_end = ends.take_while(|(a, b)| a == b).count().min(rest);
    let mut lines: Vec<String> = Vec::new();
    let mut add = |sign: &str, some: &[&str]| {
        lines.extend(some.iter().map(|line| format!("{sign} {line}")));
    };
    add(" ", old.get(..same_start).unwrap_or_default());
    add(
        "-",
        old.get(same_start..old.len() - same_end)
            .unwrap_or_default(),
    );
    add(
        "+",
        new.get(same_start..new.len() - same_end)
            .unwrap_or_default(),
    );
    add(" ", old.get(old.len() - same_end..).unwrap_or_default());
    sheet::block(&lines.join("\n"))
}

pub(super) async fn approve(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let script = super::found(&desk, &id).await?;
    let done = desk
        .remedies
        .approve_script(script.id, sent.revision(), ctx.who())
        .await;
    let done = done.map_err(|error| refusal::remedy(&page, error));
    let to = format!("/scripts/{}", script.id);
    refusal::settle(&ctx, &page, &to, (done, page.t("script.approved")))
}

pub(super) async fn retire(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let script = super::found(&desk, &id).await?;
    desk.remedies
        .retire_script(script.id, "", ctx.who())
        .await?;
    let done = Flash::done(page.t("script.retired"));
    Ok(frame::done(&ctx, "/scripts", &done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approver_sees_what_came_and_what_went() {
        let html = difference("#!/bin/sh\na\nb\nc", "#!/bin/sh\na\nB\nc");
        assert!(html.as_str().contains("  a\n- b\n+ B\n  c"), "{html}");
        let html = difference("a\na", "a\na\na");
        assert!(html.as_str().contains("  a\n  a\n+ a"), "{html}");
    }
}
