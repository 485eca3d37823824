//! Every rule on one host: its state there, the values in force, and where each is from.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, State};
use judge::Status;
use model::rule::Rule;
use model::{CiId, RuleId, Target, TargetKind};
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Ctx, Json, Page};

use super::Api;
use super::backtest::hosts;
use super::rules::ChangeBody;
use crate::matching::CompiledScope;
use crate::{Change, Config, Explained, For, HostInfo, Source};

/// A value that was seen.
#[derive(Serialize, ToSchema)]
pub(crate) struct ValueBody {
    /// The signal's short name in the rule.
    signal: String,
    /// The value in its base unit.
    value: f64,
    /// The unit for screens.
    unit: String,
}

/// A value that an override changes here.
#[derive(Serialize, ToSchema)]
pub(crate) struct FromBody {
    /// What it changes, from what to what.
    #[serde(flatten)]
    change: ChangeBody,
    /// The override, `ovr_…`.
    #[serde(rename = "override")]
    id: String,
    /// For whom it is meant: `group web`, `host web01`.
    whom: String,
    /// Who made it.
    by: String,
    /// Why.
    why: String,
    /// When it ends by itself, UTC milliseconds.
    until_ms: Option<i64>,
}

/// How close a level is to counting.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProgressBody {
    /// How long its condition has held, in milliseconds.
    held_ms: u32,
    /// For how many evaluations in a row.
    times: u16,
}

/// A rule on one target of the host.
#[derive(Serialize, ToSchema)]
pub(crate) struct InForceBody {
    /// The rule's id, `rul_…`.
    id: String,
    /// The target's kind.
    kind: String,
    /// The target's key; empty for the host itself or when there is no target yet.
    key: String,
    /// The severity; null when it is not judged.
    severity: Option<&'static str>,
    /// `judged`, `waiting`, `no_data` or `cannot_judge`; null when it is not judged.
    status: Option<&'static str>,
    /// Whether it changes too often.
    flapping: bool,
    /// The sample time of the last evaluation, UTC milliseconds.
    last_ms: Option<i64>,
    /// The last values.
    observed: Vec<ValueBody>,
    /// The rule with every value in force.
    #[schema(value_type = Object)]
    rule: Rule,
    /// What overrides change here.
    changes: Vec<FromBody>,
    /// Of each level that began to hold, how far it is.
    progress: BTreeMap<&'static str, ProgressBody>,
    /// Why it is not judged here; null when it is.
    not_judged: Option<String>,
}

impl FromBody {
    fn new((change, source): (Change, Source)) -> Option<Self> {
        let Source::Override(one, whom) = source else {
            return None;
        };
        Some(Self {
            change: change.into(),
            id: one.id.to_string(),
            whom,
            by: one.by,
            why: one.why,
            until_ms: one.until_ms,
        })
    }
}

const fn status_name(status: Status) -> &'static str {
    match status {
        Status::Waiting => "waiting",
        Status::Judged => "judged",
        Status::NoData => "no_data",
        Status::CannotJudge => "cannot_judge",
    }
}

impl InForceBody {
    fn new(id: RuleId, target: &Target, explained: Explained) -> Self {
        let now = explained.now;
        let observed = now
            .as_ref()
            .map(|now| now.observed.clone())
            .unwrap_or_default();
        let progress = explained.progress.into_iter();
        let not_judged = match (&now, explained.not_judged) {
            (None, None) => Some("no series of this host fits its signals".to_owned()),
            (_, why) => why,
        };
        Self {
            id: id.to_string(),
            kind: target.kind.as_str().to_owned(),
            key: target.key.clone(),
            severity: now.as_ref().map(|now| now.severity.name()),
            status: now.as_ref().map(|now| status_name(now.status)),
            flapping: now.as_ref().is_some_and(|now| now.flapping),
            last_ms: now.as_ref().and_then(|now| now.last_ms),
            observed: observed
                .into_iter()
                .map(|seen| ValueBody {
                    signal: seen.signal,
                    value: seen.value,
                    unit: seen.unit,
                })
                .collect(),
            rule: explained.rule,
            changes: explained
                .changes
                .into_iter()
                .filter_map(FromBody::new)
                .collect(),
            progress: progress
                .filter(|(_, (held_ms, times))| *held_ms > 0 || *times > 0)
                .map(|(level, (held_ms, times))| (level.name(), ProgressBody { held_ms, times }))
                .collect(),
            not_judged,
        }
    }
}

pub(crate) async fn in_force(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<Page<InForceBody>>, ApiError> {
    let mut all = hosts(&api).await?.into_iter();
    let by_id = id.parse::<CiId>().ok();
    let found = all.find(|(host, _)| by_id.map_or(host.name == id, |ci| host.ci == ci));
    let host = found.ok_or_else(|| ApiError::not_found("this host"))?;
    let config = api.watch.config().await?;
    let judged: Vec<(RuleId, Target)> = api
        .driver
        .state_of(host.0.ci)
        .into_iter()
        .map(|now| (now.rule, now.target))
        .collect();
    let also = not_judged(&host, &config, &judged);
    let bodies = judged.into_iter().chain(also).filter_map(|(rule, target)| {
        let explained = api.driver.why(rule, &target, ctx.now_ms())?;
        Some(InForceBody::new(rule, &target, explained))
    });
    Ok(Json(Page::whole(bodies)))
}

/// What is in a rule's scope and yet not judged: muted, switched off, or without series.
fn not_judged(
    (host, groups): &(HostInfo, BTreeSet<String>),
    config: &Config,
    judged: &[(RuleId, Target)],
) -> Vec<(RuleId, Target)> {
    let mut found = Vec::new();
    for (id, rule) in &config.rules {
        let scope = CompiledScope::new(&rule.scope).unwrap_or_default();
        if !scope.contains(host, groups) {
            continue;
        }
        let target = |key: &str| Target {
            ci: host.ci,
            kind: TargetKind::new(&*rule.target.kind),
            key: key.to_owned(),
        };
        let known = |key: &str| {
            let mut mine = judged.iter().filter(|(rule, _)| rule == id);
            mine.any(|(_, target)| target.key == key)
        };
        let mine = config.overrides.iter().filter(|one| one.rule == *id);
        let meant = mine.filter(|one| match one.whom {
            For::Host(ci) => ci == host.ci,
            For::Group(id) => config
                .group_name(id)
                .is_some_and(|name| groups.contains(name)),
        });
        let muted = meant.filter(|one| one.values.enabled == Some(false));
        let keys: BTreeSet<&str> = muted.filter_map(|one| one.target_key.as_deref()).collect();
        found.extend(
            keys.into_iter()
                .filter(|key| !known(key))
                .map(|key| (*id, target(key))),
        );
        if !judged.iter().any(|(rule, _)| rule == id) {
            found.push((*id, target("")));
        }
    }
    found
}
