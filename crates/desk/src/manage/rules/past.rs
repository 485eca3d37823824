//! What a rule would have done over the last seven days, judged over the stored values.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use model::rule::Rule;
use model::{CiId, MatchOp, Selector, Severity};
use tsdb::Tsdb;
use ui::{Fact, Html, PageContext, PageHead};
use watch::{Backtest, History, HostInfo, SeriesPoints, backtest};
use web::{ApiError, Ctx, Role};

use crate::manage::{hosts, moment, sheet};
use crate::{Desk, frame};

/// How far back it looks, in milliseconds.
const PAST_MS: i64 = 7 * 86_400_000;
/// Hosts looked at: seven days of more would keep a reader waiting.
const HOSTS_MAX: usize = 100;
/// Changes shown.
const CHANGES_MAX: usize = 100;
/// How often agents send, in milliseconds.
const INTERVAL_MS: u32 = 10_000;
/// The label that says whose a series is.
const HOST_LABEL: &str = "ci";

/// The stored values as the judge reads them.
struct Stored(Arc<Tsdb>);

impl History for Stored {
    fn range(
        &self,
        host: CiId,
        selector: &Selector,
        (from_ms, to_ms): (i64, i64),
    ) -> Result<Vec<SeriesPoints>, String> {
        let of_host = selector
            .clone()
            .and(HOST_LABEL, MatchOp::Eq, &host.to_string());
        let ids = self.0.select(&of_host).map_err(|error| error.to_string())?;
        let points = self.0.query(&ids, from_ms, to_ms.saturating_sub(1));
        let points = points.map_err(|error| error.to_string())?;
        let mut found = Vec::with_capacity(ids.len());
        for (id, points) in ids.iter().zip(points) {
            let Some(labels) = self.0.labels(*id) else {
                continue;
            };
            let known = points.into_iter().filter(|point| !point.value.is_nan());
            let points = known.map(|point| (point.t_ms, point.value)).collect();
            found.push(((*labels).clone(), points));
        }
        Ok(found)
    }
}

/// Hosts in service as the judge knows them, by name.
fn known_hosts(desk: &Desk) -> Vec<(HostInfo, BTreeSet<String>)> {
    let all = desk.hosts.all();
    let found = hosts::in_service(desk)
        .into_iter()
        .filter_map(|(name, ci)| {
            let host = all.get(&ci)?;
            let info = HostInfo {
                ci,
                name,
                os: host.facts.os_family.clone(),
                labels: host.labels.clone(),
                interval_ms: INTERVAL_MS,
            };
            Some((info, desk.hosts.groups_of(ci).into_iter().collect()))
        });
    found.collect()
}

/// What a rule would have done, as a panel; a draft is tried as if it were switched on.
pub(super) async fn tried(desk: &Desk, page: &PageContext, mut rule: Rule) -> Html {
    rule.enabled = true;
    let mut known = known_hosts(desk);
    let all = known.len();
    known.truncate(HOSTS_MAX);
    let stored = Stored(desk.tsdb.clone());
    let (now_ms, zone) = (page.now_ms, page.zone.clone());
    let ran = tokio::task::spawn_blocking(move || {
        let night = |at_ms: i64| !(6..22).contains(&moment::hour(at_ms, &zone));
        let window = (now_ms - PAST_MS, now_ms);
        backtest(&rule, &known, &stored, (window, &night))
    });
    let title = page.t("rule.past");
    match ran.await {
        Ok(Ok(found)) => sheet::panel(title, told(desk, page, (&found, all))),
        Ok(Err(why)) => sheet::banner(page.t("rule.past_failed"), &why),
        Err(error) => sheet::banner(page.t("rule.past_failed"), &error.to_string()),
    }
}

fn told(desk: &Desk, page: &PageContext, (found, all): (&Backtest, usize)) -> Html {
    if found.samples == 0 {
        return sheet::muted(page.t("rule.past_nothing"));
    }
    let number = |count: usize| i18n::integer(i64::try_from(count).unwrap_or(i64::MAX));
    let values: [(&str, &dyn std::fmt::Display); 4] = [
        ("opened", &number(found.opened)),
        ("night", &number(found.opened_at_night)),
        ("hosts", &number(found.hosts_hit)),
        ("told", &number(found.told)),
    ];
    let mut parts = vec![sheet::say(&page.tf("rule.past_told", &values))];
    if all > HOSTS_MAX {
        let values: [(&str, &dyn std::fmt::Display); 2] = [("all", &all), ("max", &HOSTS_MAX)];
        parts.push(sheet::muted(&page.tf("rule.past_some", &values)));
    }
    let judged = page.tf(
        "rule.past_judged",
        &[("targets", &found.targets), ("hosts", &found.hosts)],
    );
    let mut facts = vec![
        Fact::text(page.t("rule.past_scope"), &judged),
        Fact::text(page.t("rule.past_open_time"), &page.span(found.open_ms)),
        Fact::text(page.t("rule.past_still"), &number(found.still_open)),
        Fact::text(page.t("rule.past_flapping"), &number(found.flapping)),
    ];
    for severity in Severity::LEVELS.into_iter().rev() {
        let count = found.by_severity.get(usize::from(severity.code()));
        if let Some(count) = count.filter(|count| **count > 0) {
            let shown = [page.sev(&severity), Html::text(&format!(" {count}"))];
            facts.push(Fact::html(
                page.t("rule.past_rises"),
                shown.into_iter().collect(),
            ));
        }
    }
    parts.push(ui::facts(&facts));
    parts.push(changes(desk, page, found));
    sheet::stack(parts)
}

fn changes(desk: &Desk, page: &PageContext, found: &Backtest) -> Html {
    let rows: Vec<Vec<Html>> = found
        .changes
        .iter()
        .rev()
        .take(CHANGES_MAX)
        .map(|change| {
            vec![
                page.at(change.at_ms),
                Html::text(&hosts::name(desk, change.host)),
                sheet::code(&change.key),
                page.sev(&change.from),
                page.sev(&change.to),
                sheet::code(&change.because),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Html::empty();
    }
    let titles = [
        "rule.at",
        "host.name",
        "host.target",
        "manage.before",
        "manage.after",
        "rule.condition",
    ];
    sheet::grid(&titles.map(|key| page.t(key)), &rows)
}

pub(super) async fn past(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let record = super::found(&desk, &id).await?;
    let head = PageHead {
        tabs: super::tabs(&page, record.id, ("/past", ctx.has(Role::Administrator))),
        ..PageHead::new(record.rule.title.get(page.lang), page.t("rule.past_text"))
    };
    let found = tried(&desk, &page, record.rule).await;
    Ok(sheet::sheet(&page, &head, &[found], "").into_response())
}
