//! What a graph draws: which series in which unit, and the thresholds that hold there.

use collect::describe::Graph;
use i18n::{Lang, Unit};
use model::rule::{Condition, Rule, Signal};
use model::{CiId, METRIC_NAME, MatchOp, ProblemId, Selector, Severity, Target};
use web::{ApiError, Ctx};

use super::{GraphQuery, ThresholdBody};
use crate::Desk;
use crate::operate::refusal::refused;
use crate::operate::units;

/// The label by which every series names its host.
pub(super) const CI_LABEL: &str = "ci";

/// What is to be drawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drawn {
    pub(super) host: Option<CiId>,
    pub(super) selectors: Vec<Selector>,
    pub(super) legend: Vec<String>,
    pub(super) unit: Unit,
    pub(super) stacked: bool,
    pub(super) rate: bool,
    pub(super) y_max: Option<i64>,
    pub(super) thresholds: Vec<ThresholdBody>,
    /// Only problems of this target's key, where the graph is of one target.
    pub(super) target: Option<Target>,
}

/// Reads what is asked for.
pub(super) async fn find(desk: &Desk, ctx: &Ctx, query: &GraphQuery) -> Result<Drawn, ApiError> {
    let GraphQuery {
        graph,
        problem,
        series,
        ..
    } = query;
    match (graph.as_str(), problem.as_str(), series.as_str()) {
        (key, "", "") if !key.is_empty() => {
            let host: CiId = web::field(&query.host, "host")?;
            let found = graph_by_key(key).ok_or_else(|| ApiError::not_found("this graph"))?;
            Ok(of_host(desk, ctx.lang, host, &found))
        }
        ("", id, "") if !id.is_empty() => {
            let id: ProblemId = web::field(id, "problem")?;
            of_problem(desk, ctx, id).await
        }
        ("", "", text) if !text.is_empty() => of_series(text, &query.unit),
        _ => Err(ApiError::invalid_field(
            "graph",
            "give exactly one of `graph` with `host`, `problem`, and `series`",
        )),
    }
}

fn graph_by_key(key: &str) -> Option<Graph> {
    let plugins = collect::ALL.iter();
    let graphs = plugins.flat_map(|plugin| plugin.graphs().unwrap_or_default());
    graphs.into_iter().find(|graph| graph.key == key)
}

fn of_series(text: &str, unit: &str) -> Result<Drawn, ApiError> {
    let selectors = text.split(';').filter(|part| !part.trim().is_empty());
    let selectors: Result<Vec<_>, _> = selectors.map(Selector::parse).collect();
    let refused =
        |error: model::SelectorError| ApiError::invalid_field("series", error.to_string());
    Ok(Drawn {
        selectors: selectors.map_err(refused)?,
        unit: units::unit(unit),
        ..Drawn::default()
    })
}

fn of_host(desk: &Desk, lang: Lang, host: CiId, graph: &Graph) -> Drawn {
    let restricted = |selector: &Selector| {
        selector
            .clone()
            .and(CI_LABEL, MatchOp::Eq, &host.to_string())
    };
    let drawn = Drawn {
        host: Some(host),
        selectors: graph.series.iter().map(restricted).collect(),
        legend: graph.legend.clone(),
        unit: units::unit(&graph.unit),
        stacked: graph.stacked,
        rate: graph.rate,
        y_max: graph.max,
        ..Drawn::default()
    };
    let metrics = metrics(&drawn.selectors);
    let pairs = desk.driver.state_of(host).into_iter();
    let now_ms = desk.env.clock.now_ms();
    let mut found = None;
    let mut seen = Vec::new();
    for pair in pairs {
        if seen.contains(&pair.rule) {
            continue;
        }
        seen.push(pair.rule);
        let explained = desk.driver.why(pair.rule, &pair.target, now_ms);
        let Some(rule) = explained.map(|explained| explained.rule) else {
            continue;
        };
        let Some((name, _)) = signal_of(&rule, &metrics) else {
            continue;
        };
        if found.is_some() {
            // Two rules over the same lines: their thresholds would not say which is which.
            return drawn;
        }
        found = Some(thresholds(lang, &rule, &name));
    }
    Drawn {
        thresholds: found.unwrap_or_default(),
        ..drawn
    }
}

/// What the problem's rule looks at first, on the problem's own target.
async fn of_problem(desk: &Desk, ctx: &Ctx, id: ProblemId) -> Result<Drawn, ApiError> {
    let problem = problem::service::get(&mut desk.db.reader(), id).await;
    let problem = problem.map_err(refused(ctx.lang))?;
    let explained = desk
        .driver
        .why(problem.rule, &problem.target, desk.env.clock.now_ms());
    let rule = match explained {
        Some(explained) => explained.rule,
        None => desk.watch.rule(problem.rule).await?.rule,
    };
    let drawn = of_rule(ctx.lang, &rule, &problem.target);
    drawn.ok_or_else(|| ApiError::not_found("a graph of this problem"))
}

/// The graph of a rule on one target; none when it looks at no series.
pub(crate) fn of_rule(lang: Lang, rule: &Rule, target: &Target) -> Option<Drawn> {
    let conditions = rule.levels.iter().flat_map(|level| &level.any);
    let mut conditions = conditions.flat_map(|any| &any.all);
    let drawn = conditions.find_map(|condition| {
        let signal = rule.signals.get(&condition.signal)?;
        Some((&condition.signal, signal, signal.series.clone()?))
    });
    let (name, signal, selector) = drawn?;
    let restricted = selector.and(CI_LABEL, MatchOp::Eq, &target.ci.to_string());
    let by = &rule.target.by;
    let keys: Vec<&str> = match by.len() {
        1 => vec![target.key.as_str()],
        count => target.key.splitn(count.max(1), ':').collect(),
    };
    let selector = by
        .iter()
        .zip(keys)
        .fold(restricted, |selector, (label, value)| {
            selector.and(label, MatchOp::Eq, value)
        });
    Some(Drawn {
        host: Some(target.ci),
        selectors: vec![selector],
        legend: by.clone(),
        unit: units::unit(&signal.unit),
        y_max: None,
        thresholds: thresholds(lang, rule, name),
        target: Some(target.clone()),
        ..Drawn::default()
    })
}

/// The metrics that selectors name.
pub(super) fn metrics(selectors: &[Selector]) -> Vec<String> {
    let named = selectors.iter().flat_map(|selector| &selector.0);
    let named = named.filter(|matcher| matcher.name == METRIC_NAME && matcher.op == MatchOp::Eq);
    named.map(|matcher| matcher.value.clone()).collect()
}

/// The first signal of a rule that looks at one of these metrics.
pub(super) fn signal_of<'a>(rule: &'a Rule, known: &[String]) -> Option<(String, &'a Signal)> {
    rule.signals.iter().find_map(|(name, signal)| {
        let own = metrics(signal.series.as_slice());
        let same = own.iter().any(|metric| known.contains(metric));
        same.then(|| (name.clone(), signal))
    })
}

/// The thresholds of a signal, from `Warning` upward: `Info` is worth knowing, not worth a line.
fn thresholds(lang: Lang, rule: &Rule, signal: &str) -> Vec<ThresholdBody> {
    let unit = rule.signals.get(signal).map_or("", |signal| &signal.unit);
    if unit == "bool" {
        return Vec::new();
    }
    let levels = rule.levels.iter();
    let levels = levels.filter(|level| level.severity >= Severity::Warning);
    let found = levels.filter_map(|level| {
        let conditions = level.any.iter().flat_map(|any| &any.all);
        let of_signal = |condition: &&Condition| condition.signal == signal;
        let condition = conditions.into_iter().find(of_signal)?;
        let value = i18n::value(lang, condition.threshold, units::unit(unit));
        Some(ThresholdBody {
            severity: level.severity.name(),
            value: condition.threshold,
            label: format!("{} {value}", ui::severity_word(lang, level.severity)),
        })
    });
    found.collect()
}
