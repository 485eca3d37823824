//! The rules in force on a host: values now, thresholds, and where each is from.

use std::collections::HashMap;

use console::views::RuleInForce;
use model::{CellState, GroupId, Severity};
use ui::PageContext;
use watch::{For, Override, PairStatus, Source};
use web::ApiError;

use crate::Desk;
use crate::operate::people::People;
use crate::operate::units;

/// What is judged on a host, the worst first.
pub(super) async fn rules(
    desk: &Desk,
    page: &PageContext,
    people: &People,
    pairs: Vec<PairStatus>,
) -> Result<Vec<RuleInForce>, ApiError> {
    let groups = desk.watch.groups(true).await?.into_iter();
    let groups: HashMap<GroupId, String> = groups.map(|group| (group.id, group.name)).collect();
    let drawn = pairs.iter().map(|pair| {
        let mut rule = in_force(desk, page, pair);
        if let Some(change) = change(desk, page, pair) {
            rule.origin = match change.whom {
                For::Host(_) => page.t("host.origin_host").to_owned(),
                For::Group(id) => {
                    let name = groups.get(&id).map_or("?", String::as_str);
                    page.tf("host.origin_group", &[("name", &name)])
                }
            };
            rule.origin_href = format!("/overrides/{}", change.id);
            rule.reason = format!("{}: {}", people.name(&change.by), change.why);
            rule.until_ms = change.until_ms;
        }
        rule
    });
    Ok(drawn.collect())
}

fn in_force(desk: &Desk, page: &PageContext, pair: &PairStatus) -> RuleInForce {
    let explained = desk.driver.why(pair.rule, &pair.target, page.now_ms);
    let levels = explained.map_or_else(Vec::new, |explained| {
        let rule = &explained.rule;
        let levels = rule.levels.iter();
        levels
            .map(|level| (level.severity, units::level(page.lang, rule, level)))
            .collect()
    });
    RuleInForce {
        name: pair.title.get(page.lang).to_owned(),
        href: format!("/rules/{}", pair.rule),
        target: pair.target.key.clone(),
        value: units::first(page.lang, &pair.observed),
        state: Some(state(pair)),
        levels,
        origin: page.t("host.origin_rule").to_owned(),
        ..RuleInForce::default()
    }
}

fn state(pair: &PairStatus) -> CellState {
    match pair.status {
        judge::Status::Judged => CellState::Judged(pair.severity),
        _ if pair.severity > Severity::Normal => CellState::Judged(pair.severity),
        _ => CellState::Unknown,
    }
}

/// The most specific override that changes the rule here.
fn change(desk: &Desk, page: &PageContext, pair: &PairStatus) -> Option<Override> {
    if pair.overrides.is_empty() {
        return None;
    }
    let explained = desk.driver.why(pair.rule, &pair.target, page.now_ms)?;
    let mut found = explained
        .changes
        .into_iter()
        .filter_map(|(_, source)| match source {
            Source::Override(change, _) => Some(*change),
            Source::Rule => None,
        });
    let first = found.next()?;
    Some(
        found.fold(first, |best, other| match (best.whom, other.whom) {
            (For::Group(_), For::Host(_)) => other,
            _ => best,
        }),
    )
}
