//! What a rule would have done over stored history.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::Severity;
use model::rule::Rule;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ApiError, Ctx, Json};

use super::Api;
use super::refusal::rule_refusal;
use super::rules::{find, sound};
use crate::matching::CompiledGroup;
use crate::{Backtest, HostInfo, backtest};

/// The longest look back, in milliseconds: 31 days.
const WINDOW_MS_MAX: i64 = 31 * 24 * 3_600_000;
/// When people sleep: from 22 to 6 o'clock.
const NIGHT: (i8, i8) = (22, 6);
/// The zone of the night when neither the request nor the account says one.
const ZONE: &str = "Asia/Seoul";

/// Which rule over which time.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BacktestQuery {
    /// A rule that is kept, by id or key.
    id: Option<String>,
    /// Or a rule as somebody writes it, in the form of rule documents.
    #[schema(value_type = Option<Object>)]
    rule: Option<Rule>,
    /// Begin, UTC milliseconds.
    from_ms: i64,
    /// End, UTC milliseconds; now when left out.
    to_ms: Option<i64>,
    /// The zone in which nights are counted, an IANA name.
    zone: Option<String>,
}

/// A change of severity that would have been.
#[derive(Serialize, ToSchema)]
pub(crate) struct WouldBeBody {
    /// The host, `ci_…`.
    host: String,
    /// Its name.
    host_name: String,
    /// The target's key.
    key: String,
    /// Before.
    from: &'static str,
    /// After.
    to: &'static str,
    /// UTC milliseconds.
    at_ms: i64,
    /// The condition that decided.
    because: String,
}

/// What the rule would have done.
#[derive(Serialize, ToSchema)]
pub(crate) struct BacktestBody {
    /// Targets that had history.
    targets: usize,
    /// Hosts that had history.
    hosts: usize,
    /// Values judged.
    samples: u64,
    /// Problems that would have opened.
    opened: usize,
    /// Of them, those that opened between 22 and 6 o'clock.
    opened_at_night: usize,
    /// On how many hosts.
    hosts_hit: usize,
    /// Problems that would have been told.
    told: usize,
    /// Problems still open at the end.
    still_open: usize,
    /// Time with a problem, over all targets, in milliseconds.
    open_ms: i64,
    /// Changes to each severity.
    by_severity: BTreeMap<&'static str, usize>,
    /// Targets that would have flapped.
    flapping: usize,
    /// The changes by time, at most 1,000.
    changes: Vec<WouldBeBody>,
}

impl BacktestBody {
    fn new(found: Backtest, hosts: &[(HostInfo, BTreeSet<String>)]) -> Self {
        let names: BTreeMap<_, _> = hosts
            .iter()
            .map(|(host, _)| (host.ci, &host.name))
            .collect();
        let named = Severity::ALL.into_iter().zip(found.by_severity);
        Self {
            targets: found.targets,
            hosts: found.hosts,
            samples: found.samples,
            opened: found.opened,
            opened_at_night: found.opened_at_night,
            hosts_hit: found.hosts_hit,
            told: found.told,
            still_open: found.still_open,
            open_ms: found.open_ms,
            by_severity: named
                .map(|(severity, count)| (severity.name(), count))
                .collect(),
            flapping: found.flapping,
            changes: found
                .changes
                .into_iter()
                .map(|change| WouldBeBody {
                    host: change.host.to_string(),
                    host_name: names
                        .get(&change.host)
                        .map(|name| (*name).clone())
                        .unwrap_or_default(),
                    key: change.key,
                    from: change.from.name(),
                    to: change.to.name(),
                    at_ms: change.at_ms,
                    because: change.because,
                })
                .collect(),
        }
    }
}

pub(crate) async fn run(
    ctx: Ctx,
    State(api): State<Api>,
    Json(query): Json<BacktestQuery>,
) -> Result<Json<BacktestBody>, ApiError> {
    let window = window(&query, ctx.now_ms())?;
    let zone = zone(&ctx, query.zone.as_deref())?;
    let rule = match (query.id, query.rule) {
        (Some(id), None) => find(&api, &id).await?.rule,
        (None, Some(rule)) => {
            let checked = sound(&api, &ctx, &rule).await;
            checked.map_err(|error| rule_refusal(&rule, error))?;
            rule
        }
        _ => {
            let message = "give exactly one of `id` and `rule`";
            return Err(ApiError::invalid_field("rule", message));
        }
    };
    let hosts = Arc::new(hosts(&api).await?);
    let (history, scope) = (api.history.clone(), hosts.clone());
    // Weeks of a fleet's history take a processor for a while: not one that answers others.
    let judging = tokio::task::spawn_blocking(move || {
        let at_night = |at_ms: i64| is_night(at_ms, &zone);
        backtest(&rule, &scope, history.as_ref(), (window, &at_night))
    });
    let found = judging
        .await
        .map_err(|error| ApiError::internal(error.to_string()))?;
    let found = found.map_err(|why| ApiError::conflict("no_backtest", why))?;
    Ok(Json(BacktestBody::new(found, &hosts)))
}

fn window(query: &BacktestQuery, now_ms: i64) -> Result<(i64, i64), ApiError> {
    let to_ms = query.to_ms.unwrap_or(now_ms);
    if query.from_ms >= to_ms {
        return Err(ApiError::invalid_field(
            "to_ms",
            "the end must be after the begin",
        ));
    }
    if to_ms.saturating_sub(query.from_ms) > WINDOW_MS_MAX {
        return Err(ApiError::invalid_field(
            "from_ms",
            "at most 31 days at once",
        ));
    }
    Ok((query.from_ms, to_ms))
}

fn zone(ctx: &Ctx, asked: Option<&str>) -> Result<TimeZone, ApiError> {
    let own = ctx
        .actor
        .as_ref()
        .and_then(|actor| actor.time_zone.as_deref());
    let name = asked.or(own).unwrap_or(ZONE);
    TimeZone::get(name).map_err(|_| {
        ApiError::invalid_field(
            "zone",
            format!("`{name}` is no IANA zone, such as Asia/Seoul"),
        )
    })
}

fn is_night(at_ms: i64, zone: &TimeZone) -> bool {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let hour = at.to_zoned(zone.clone()).hour();
    hour >= NIGHT.0 || hour < NIGHT.1
}

/// The hosts in service, each with the names of its groups.
pub(super) async fn hosts(api: &Api) -> Result<Vec<(HostInfo, BTreeSet<String>)>, ApiError> {
    let groups = api.watch.groups(false).await?;
    let ready: Vec<(String, CompiledGroup)> = groups
        .into_iter()
        .filter_map(|group| Some((group.name, CompiledGroup::new(&group.selector).ok()?)))
        .collect();
    let of = |host: &HostInfo| {
        let mine = ready.iter().filter(|(_, group)| group.contains(host));
        mine.map(|(name, _)| name.clone()).collect()
    };
    let hosts = api.inventory.hosts().into_iter();
    Ok(hosts
        .map(|host| (of(&host), host))
        .map(|(groups, host)| (host, groups))
        .collect())
}
