//! One rule: levels, signals, where it applies, how it does now, overrides, scripts, history.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use model::rule::{Rule, Signal};
use problem::{Filter, Sort};
use ui::{Action, Fact, Html, PageContext, PageHead};
use watch::{OverrideFilter, RuleRecord, RuleStatus};
use web::{ApiError, Ctx, Role};

use super::list;
use crate::manage::sheet::{self, Press};
use crate::manage::{history, hosts, moment, overrides, refusal};
use crate::{Desk, frame};

/// Open problems and overrides shown of a rule.
const ROWS_MAX: usize = 50;
/// How long the judge may take to follow a change, in milliseconds.
const JUDGE_TAKES_MS: i64 = 5_000;

pub(super) async fn detail(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let record = super::found(&desk, &id).await?;
    let administers = ctx.has(Role::Administrator) && record.retired_ms.is_none();
    let status = desk.driver.rule_status(record.id);
    let mut parts = warnings(&page, &record, &status);
    parts.push(sheet::panel(
        "",
        about(&desk, &page, (&record, &status)).await?,
    ));
    parts.push(sheet::flush(
        page.t("rule.levels"),
        levels(&page, &record.rule),
    ));
    parts.push(sheet::flush(
        page.t("rule.signals"),
        signals(&page, &record.rule),
    ));
    parts.push(now(&desk, &page, (&record, &status)).await?);
    parts.push(overrides_of(&desk, &page, (&record, administers)).await?);
    parts.push(scripts_of(&desk, &page, &record).await?);
    parts.push(history::history(&desk, &page, ("rule", &record.id.to_string())).await?);
    if administers {
        parts.push(presses(&page, &record));
    }
    let head = head(&page, &record, administers);
    Ok(sheet::sheet(&page, &head, &[sheet::stack(parts)], "").into_response())
}

fn head(page: &PageContext, record: &RuleRecord, administers: bool) -> PageHead {
    let mut marks = vec![sheet::chip(&page.tk("rule.origin_", list::origin(record)))];
    if !record.rule.enabled {
        marks.push(sheet::alert_chip(page.t("rule.state_off")));
    }
    if record.retired_ms.is_some() {
        marks.push(sheet::alert_chip(page.t("rule.retired")));
    }
    PageHead {
        marks: marks.into_iter().collect(),
        tabs: super::tabs(page, record.id, ("", administers)),
        ..PageHead::new(
            record.rule.title.get(page.lang),
            record.rule.help.get(page.lang),
        )
    }
}

fn warnings(page: &PageContext, record: &RuleRecord, status: &RuleStatus) -> Vec<Html> {
    let mut found = Vec::new();
    if let Some(why) = &status.wrong {
        found.push(sheet::banner(page.t("rule.broken"), why));
    }
    // The judge takes a change a moment after it was kept.
    let is_fresh = page.now_ms - record.updated_ms < JUDGE_TAKES_MS;
    if is_fresh && record.rule.enabled && (status.hosts == 0 || !status.empty_signals.is_empty()) {
        return vec![sheet::note(page.t("rule.being_taken"))];
    }
    if record.rule.enabled && status.hosts == 0 {
        found.push(sheet::banner(
            page.t("rule.no_hosts"),
            page.t("rule.no_hosts_text"),
        ));
    }
    if record.rule.enabled && !status.empty_signals.is_empty() {
        let names = status.empty_signals.join(", ");
        let text = page.tf("rule.no_series_text", &[("signals", &names)]);
        found.push(sheet::banner(page.t("rule.no_series"), &text));
    }
    if record.outdated {
        found.push(sheet::banner(
            page.t("rule.outdated"),
            page.t("rule.outdated_text"),
        ));
    }
    found
}

async fn about(
    desk: &Desk,
    page: &PageContext,
    (record, status): (&RuleRecord, &RuleStatus),
) -> Result<Html, ApiError> {
    let rule = &record.rule;
    let since_ms = page.now_ms - list::FIRED_MS;
    let fired = problem::service::fired(&mut desk.db.reader(), record.id, since_ms).await;
    let (fired, acted) = fired.map_err(|error| ApiError::from(refusal::problem(page, error)))?;
    let told = page.tf("rule.fired_acted", &[("fired", &fired), ("acted", &acted)]);
    let yes_no = |yes: bool| page.t(if yes { "manage.yes" } else { "manage.no" });
    let by = match rule.target.by.is_empty() {
        true => known(page, "kind.", &rule.target.kind),
        false => {
            let kind = known(page, "kind.", &rule.target.kind);
            format!("{kind} ({})", rule.target.by.join(", "))
        }
    };
    let values: [(&str, &dyn std::fmt::Display); 2] =
        [("targets", &status.targets), ("hosts", &status.hosts)];
    let facts = [
        Fact::html(page.t("rule.key"), sheet::code(&rule.key)),
        Fact::text(page.t("rule.group"), &page.tk("group.", &rule.group)),
        Fact::text(page.t("rule.target"), &by),
        Fact::text(page.t("rule.scope"), &scope(page, rule)),
        Fact::text(
            page.t("rule.targets"),
            &page.tf("rule.targets_hosts", &values),
        ),
        Fact::text(page.t("rule.fired_30d"), &told),
        Fact::html(page.t("rule.notify_from"), page.sev(&rule.notify_from)),
        Fact::text(page.t("rule.notify_on_fall"), yes_no(rule.notify_on_fall)),
        Fact::text(page.t("rule.flap_guard"), yes_no(rule.flap_guard)),
        Fact::text(page.t("rule.clear_count"), &rule.clear_count.to_string()),
        Fact::text(page.t("rule.updated"), &record.updated_by),
    ];
    Ok(ui::facts(&facts))
}

fn scope(page: &PageContext, rule: &Rule) -> String {
    let scope = &rule.scope;
    let mut parts = Vec::new();
    for (key, list) in [
        ("rule.scope_os", &scope.os),
        ("rule.scope_groups", &scope.groups),
        ("rule.scope_hosts", &scope.hosts),
    ] {
        if !list.is_empty() {
            parts.push(format!("{}: {}", page.t(key), list.join(", ")));
        }
    }
    if let Some(labels) = &scope.labels {
        parts.push(format!("{}: {labels}", page.t("rule.scope_labels")));
    }
    match parts.is_empty() {
        true => page.t("rule.scope_all").to_owned(),
        false => parts.join(" · "),
    }
}

fn levels(page: &PageContext, rule: &Rule) -> Html {
    let mut sorted: Vec<_> = rule.levels.iter().collect();
    sorted.sort_by_key(|level| std::cmp::Reverse(level.severity));
    let rows: Vec<Vec<Html>> = sorted
        .into_iter()
        .map(|level| {
            let any: Vec<String> = level
                .any
                .iter()
                .map(|all| {
                    let all: Vec<String> = all.all.iter().map(ToString::to_string).collect();
                    all.join(&format!(" {} ", page.t("rule.and")))
                })
                .collect();
            let held = match level.duration.ms {
                0 => "–".to_owned(),
                ms => page.span(i64::try_from(ms).unwrap_or(i64::MAX)),
            };
            vec![
                page.sev(&level.severity),
                sheet::code(&any.join(&format!(" {} ", page.t("rule.or")))),
                Html::text(&held),
                Html::text(&level.count.to_string()),
            ]
        })
        .collect();
    let titles = [
        "problem.severity",
        "rule.condition",
        "rule.for",
        "rule.count",
    ];
    sheet::grid(&titles.map(|key| page.t(key)), &rows)
}

fn signals(page: &PageContext, rule: &Rule) -> Html {
    let rows: Vec<Vec<Html>> = rule
        .signals
        .iter()
        .map(|(name, signal)| {
            vec![
                sheet::code(name),
                sheet::code(&source(signal)),
                Html::text(&known(page, "rule.unit_", &signal.unit)),
                Html::text(&clear_by(page, signal)),
            ]
        })
        .collect();
    let titles = ["rule.signal", "rule.source", "rule.unit", "rule.clear_by"];
    sheet::grid(&titles.map(|key| page.t(key)), &rows)
}

/// The words of a name where there are some.
fn known(page: &PageContext, area: &str, name: &str) -> String {
    let words = i18n::find(page.lang, &format!("{area}{name}"));
    words.unwrap_or(name).to_owned()
}

fn source(signal: &Signal) -> String {
    match (&signal.series, signal.builtin) {
        (Some(selector), _) => selector.to_string(),
        (None, Some(builtin)) => format!("{builtin:?}"),
        (None, None) => "–".to_owned(),
    }
}

fn clear_by(page: &PageContext, signal: &Signal) -> String {
    match signal.clear_by {
        model::rule::Hysteresis::Fraction(share) => {
            let share = i18n::percent(share);
            page.tf("rule.clear_share", &[("share", &share)])
        }
        model::rule::Hysteresis::Absolute(by) if signal.unit == "ratio" => i18n::percent(by),
        model::rule::Hysteresis::Absolute(by) => i18n::number(by, 3),
    }
}

async fn now(
    desk: &Desk,
    page: &PageContext,
    (record, status): (&RuleRecord, &RuleStatus),
) -> Result<Html, ApiError> {
    let filter = Filter {
        open: Some(true),
        rule: Some(record.id),
        ..Filter::default()
    };
    let mut reader = desk.db.reader();
    let wanted = (&filter, Sort::Severity);
    let open = problem::service::list(&mut reader, wanted, None, ROWS_MAX, page.now_ms).await;
    let open = open.map_err(|error| ApiError::from(refusal::problem(page, error)))?;
    let counts: Html = model::Severity::ALL
        .into_iter()
        .rev()
        .zip(status.by_severity.iter().rev())
        .filter(|(_, count)| **count > 0)
        .map(|(severity, count)| {
            let mark = page.sev(&severity);
            Html::trusted(format!("<span class=\"tag\">{mark} {count}</span>"))
        })
        .collect();
    let quiet = page.tf(
        "rule.without_data",
        &[("none", &status.no_data), ("blind", &status.cannot_judge)],
    );
    let head = Html::trusted(format!("<p class=\"actions\">{counts}</p>"));
    let mut body = vec![head, sheet::muted(&quiet)];
    if open.rows.is_empty() {
        body.push(sheet::muted(page.t("rule.nothing_open")));
        return Ok(sheet::panel(page.t("rule.now"), body.into_iter().collect()));
    }
    let rows: Vec<Vec<Html>> = open
        .rows
        .iter()
        .map(|one| {
            let number = format!("P-{}", one.number);
            vec![
                page.sev(&one.severity),
                sheet::link(&format!("/problems/{}", one.id), &number),
                sheet::link(&hosts::href(one.target.ci), &one.host),
                sheet::code(&one.target.key),
                Html::text(&one.because),
                page.since(one.opened_ms),
            ]
        })
        .collect();
    let titles = [
        "problem.severity",
        "rule.problem",
        "host.name",
        "host.target",
        "rule.condition",
        "problem.since",
    ];
    body.push(sheet::grid(&titles.map(|key| page.t(key)), &rows));
    Ok(sheet::panel(page.t("rule.now"), body.into_iter().collect()))
}

async fn overrides_of(
    desk: &Desk,
    page: &PageContext,
    (record, administers): (&RuleRecord, bool),
) -> Result<Html, ApiError> {
    let filter = OverrideFilter {
        rule: Some(record.id),
        limit: ROWS_MAX,
        ..OverrideFilter::default()
    };
    let found = desk.watch.overrides(&filter).await?;
    let add = format!("/overrides/new?rule={}", record.id);
    overrides::panel(desk, page, (&found, administers.then_some(add.as_str()))).await
}

async fn scripts_of(
    desk: &Desk,
    page: &PageContext,
    record: &RuleRecord,
) -> Result<Html, ApiError> {
    let bindings = desk.remedies.bindings().await?;
    let scripts = desk.remedies.scripts().await?;
    let rows: Vec<Vec<Html>> = bindings
        .iter()
        .filter(|binding| binding.rule == record.id)
        .filter_map(|binding| {
            let script = scripts.iter().find(|script| script.id == binding.script)?;
            Some(vec![
                sheet::link(&format!("/scripts/{}", script.id), &script.draft.name),
                page.sev(&binding.from_severity),
                sheet::code(&binding.target_key),
            ])
        })
        .collect();
    let title = page.t("rule.scripts");
    if rows.is_empty() {
        return Ok(sheet::panel(title, sheet::muted(page.t("rule.no_scripts"))));
    }
    let titles = ["problem.script", "rule.from", "host.target"];
    Ok(sheet::flush(
        title,
        sheet::grid(&titles.map(|key| page.t(key)), &rows),
    ))
}

fn presses(page: &PageContext, record: &RuleRecord) -> Html {
    let version = record.version.to_string();
    let press = |end: &str, label: &str, confirm: &str, weight: &str| {
        Press {
            to: &format!("/rules/{}/{end}", record.id),
            label: page.t(label),
            confirm: if confirm.is_empty() {
                ""
            } else {
                page.t(confirm)
            },
            weight,
            values: &[("revision", &version)],
        }
        .draw(page)
    };
    let mut list = Vec::new();
    if record.rule.enabled {
        list.push(press("disable", "rule.disable", "rule.disable_confirm", ""));
    } else {
        list.push(press("enable", "rule.enable", "", "primary"));
    }
    if record.edited {
        list.push(press("revert", "rule.revert", "rule.revert_confirm", ""));
    }
    if record.origin == watch::Origin::User {
        list.push(press(
            "retire",
            "rule.retire",
            "rule.retire_confirm",
            "danger",
        ));
    }
    let copy = Action::plain(
        page.t("rule.copy"),
        format!("/rules/new/yaml?from={}", record.id),
    );
    list.push(copy.draw());
    sheet::presses(list)
}

/// How long and when, for documents.
pub(super) fn written(ms: u64) -> String {
    match ms {
        0 => String::new(),
        ms => moment::span(ms),
    }
}
