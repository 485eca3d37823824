//! One measured thing: ours, its target, the peers' figures and how far apart they are.

use super::machine::Machine;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A line of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    /// What was measured.
    pub(super) what: String,
    /// The unit of every figure of the line.
    pub(super) unit: String,
    /// Our figure; none while only peers are measured.
    pub(super) ours: Option<f64>,
    /// What we promised.
    pub(super) target: Option<f64>,
    /// Whether more is better; for costs and delays it is not.
    pub(super) is_more_better: bool,
    /// The peers' figures.
    pub(super) peers: Vec<(String, f64)>,
}

impl Row {
    /// A cost or delay, of which less is better.
    pub(super) fn less(what: &str, unit: &str) -> Self {
        Self {
            what: what.to_owned(),
            unit: unit.to_owned(),
            ..Self::default()
        }
    }

    /// Whether our figure keeps the promise; none when either is missing.
    pub(super) fn is_met(&self) -> Option<bool> {
        let (ours, target) = (self.ours?, self.target?);
        Some(if self.is_more_better {
            ours >= target
        } else {
            ours <= target
        })
    }

    /// Our figure over the best peer's.
    pub(super) fn ratio(&self) -> Option<f64> {
        let peers = self.peers.iter().map(|(_, figure)| *figure);
        let best = if self.is_more_better {
            peers.reduce(f64::max)
        } else {
            peers.reduce(f64::min)
        };
        best.filter(|best| *best > 0.0)
            .and_then(|best| Some(self.ours? / best))
    }

    /// A row from a JSON line that a bench program printed; none when it is something else.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let peers = value.get("peers").and_then(Value::as_object);
        let peers = peers.into_iter().flatten();
        Some(Self {
            what: text("what")?,
            unit: text("unit")?,
            ours: Some(value.get("ours")?.as_f64()?),
            target: value.get("target").and_then(Value::as_f64),
            is_more_better: value.get("more_is_better").and_then(Value::as_bool) == Some(true),
            peers: peers
                .filter_map(|(name, v)| Some((name.clone(), v.as_f64()?)))
                .collect(),
        })
    }
}

/// The table as a document.
pub(super) fn markdown(machine: &Machine, rows: &[Row]) -> String {
    let mut text = format!("# Figures\n\nMachine: {}\n\n", machine.line());
    text.push_str("| what | unit | ours | target | kept | peers | ours / best peer |\n");
    text.push_str("|---|---|--:|--:|---|---|--:|\n");
    for row in rows {
        let sign = if row.is_more_better { "≥" } else { "≤" };
        let target = row.target.map_or("–".to_owned(), |target| {
            format!("{sign} {}", short(target))
        });
        let kept = row
            .is_met()
            .map_or("–", |is_met| if is_met { "yes" } else { "**no**" });
        let peers: Vec<String> = row
            .peers
            .iter()
            .map(|(name, figure)| format!("{name} {}", short(*figure)))
            .collect();
        let peers = if peers.is_empty() {
            "–".to_owned()
        } else {
            peers.join(", ")
        };
        let ours = row.ours.map_or("–".to_owned(), short);
        let ratio = row
            .ratio()
            .map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        let _ = writeln!(
            text,
            "| {} | {} | {ours} | {target} | {kept} | {peers} | {ratio} |",
            row.what, row.unit
        );
    }
    text
}

/// The table for programs.
pub(super) fn json(machine: &Machine, rows: &[Row], at_ms: i64) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let peers: serde_json::Map<String, Value> = row
                .peers
                .iter()
                .map(|(name, figure)| (name.clone(), json!(figure)))
                .collect();
            json!({
                "what": row.what, "unit": row.unit, "ours": row.ours, "target": row.target,
                "more_is_better": row.is_more_better, "kept": row.is_met(), "peers": peers,
                "ratio": row.ratio(),
            })
        })
        .collect();
    json!({
        "at_ms": at_ms,
        "machine": {
            "cores": machine.cores, "cpu": machine.cpu, "memory_mib": machine.memory_mib,
            "kernel": machine.kernel,
        },
        "rows": rows,
    })
}

/// A figure with three digits that matter.
fn short(figure: f64) -> String {
    let size = figure.abs();
    let digits = match size {
        0.0 => 0,
        _ if size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ => 4,
    };
    format!("{figure:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_shows_target_peers_and_ratio() {
        let line = r#"{"what":"RSS","unit":"MiB","ours":8.5,"target":8,"peers":{"a":20,"b":17}}"#;
        let row = Row::parse(line).unwrap();
        assert_eq!((row.is_met(), row.ratio()), (Some(false), Some(0.5)));
        let table = markdown(&Machine::default(), std::slice::from_ref(&row));
        let last = table.lines().last().unwrap();
        assert_eq!(
            last,
            "| RSS | MiB | 8.50 | ≤ 8.00 | **no** | a 20.0, b 17.0 | 0.50 |"
        );
        let document = json(&Machine::default(), &[row], 7);
        assert_eq!(document["rows"][0]["peers"]["b"], 17.0);
        assert_eq!(Row::parse("warming up"), None);
    }

    #[test]
    fn more_may_be_better_and_peers_may_be_alone() {
        let line = r#"{"what":"r","unit":"1/s","ours":9,"target":8,"more_is_better":true,"peers":{"a":3}}"#;
        let row = Row::parse(line).unwrap();
        assert_eq!((row.is_met(), row.ratio()), (Some(true), Some(3.0)));
        let alone = Row {
            peers: vec![("a".to_owned(), 1.0)],
            ..Row::less("x", "s")
        };
        assert_eq!((alone.is_met(), alone.ratio()), (None, None));
    }
}
