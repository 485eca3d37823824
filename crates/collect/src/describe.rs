//! Reads the documents of a collector: metrics, default rules, default graphs of the host page.

use model::rule::{Rule, RuleDocument, RuleError};
use model::{Selector, Text};
use serde::{Deserialize, Serialize};

use crate::collector::Plugin;

/// Whether a metric only grows.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// Goes up and down.
    Gauge,
    /// Only grows, or starts again at zero.
    Counter,
}

/// One metric that a collector emits.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name; `node_…` means exactly what node_exporter means by it.
    pub name: String,
    /// Its unit: `ratio`, `bytes`, `seconds`, `count`, `bytes_per_second`, `per_second`, `bool`.
    pub unit: String,
    /// Gauge or counter.
    pub kind: MetricKind,
    /// What it says.
    pub help: Text,
    /// Its labels, in alphabetical order.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// One graph of the host page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// Its permanent name in URLs.
    pub key: String,
    /// Its title.
    pub title: Text,
    /// The series drawn; the host's own label is added by the page.
    pub series: Vec<Selector>,
    /// The unit of the axis.
    pub unit: String,
    /// Areas on top of each other rather than lines.
    #[serde(default)]
    pub stacked: bool,
    /// Draw the increase per second of counters rather than their value.
    #[serde(default)]
    pub rate: bool,
    /// Labels that name the lines in the legend.
    #[serde(default)]
    pub legend: Vec<String>,
    /// The upper end of the axis, when it is fixed (1 for ratios).
    #[serde(default)]
    pub max: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metrics {
    metric: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Graphs {
    graph: Vec<Graph>,
}

/// Why a document of a collector is refused; the tests see to it that this never happens.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    /// The document is malformed.
    #[error("{collector}/{file} cannot be read")]
    Shape {
        /// The collector.
        collector: &'static str,
        /// The document.
        file: &'static str,
        /// What the parser said.
        #[source]
        source: toml::de::Error,
    },
    /// A rule contradicts itself.
    #[error("{collector}/rules.toml, rule `{rule}`: {error}")]
    Rule {
        /// The collector.
        collector: &'static str,
        /// The rule's key.
        rule: String,
        /// The first thing that is wrong with it.
        error: RuleError,
    },
}

impl Plugin {
    /// Every metric it emits.
    ///
    /// # Errors
    /// When `metrics.toml` is malformed.
    pub fn metrics(&self) -> Result<Vec<Metric>, DescribeError> {
        self.parse::<Metrics>("metrics.toml", self.metrics)
            .map(|doc| doc.metric)
    }

    /// Its default rules, checked.
    ///
    /// # Errors
    /// When `rules.toml` is malformed or a rule contradicts itself.
    pub fn rules(&self) -> Result<Vec<Rule>, DescribeError> {
        let doc: RuleDocument = self.parse("rules.toml", self.rules)?;
        for rule in &doc.rules {
            if let Err(errors) = model::rule::check(rule)
                && let Some(error) = errors.into_iter().next()
            {
                let (collector, rule) = (self.name, rule.key.clone());
                return Err(DescribeError::Rule {
                    collector,
                    rule,
                    error,
                });
            }
        }
        Ok(doc.rules)
    }

    /// Its default graphs of the host page, in order.
    ///
    /// # Errors
    /// When `panel.toml` is malformed.
    pub fn graphs(&self) -> Result<Vec<Graph>, DescribeError> {
        self.parse::<Graphs>("panel.toml", self.panel)
            .map(|doc| doc.graph)
    }

    fn parse<T>(&self, file: &'static str, text: &str) -> Result<T, DescribeError>
    where
        T: serde::de::DeserializeOwned,
    {
        let collector = self.name;
        toml::from_str(text).map_err(|source| DescribeError::Shape {
            collector,
            file,
            source,
        })
    }
}
