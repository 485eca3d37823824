//! Bench programs of the product's crates: built for release, run several times, rows as JSON lines.

use super::Context;
use super::row::Row;
use super::stats::median;
use crate::shell::read;
use anyhow::{Result, ensure};

/// Runs the bench `name` of `package`, `runs` times, and returns its rows with median figures.
///
/// The program prints lines such as
/// `{"what": "…", "unit": "ns", "ours": 150, "target": 200, "peers": {"prometheus": 900}}`
/// and whatever else it likes.
pub(super) fn rows(context: &Context, package: &str, name: &str) -> Result<Vec<Row>> {
    let mut outputs = Vec::new();
    for _ in 0..context.options.runs.max(1) {
        let args = ["bench", "--quiet", "--package", package, "--bench", name];
        outputs.push(read(&mut context.shell.cargo(args))?);
    }
    let rows = medians(&outputs);
    ensure!(
        !rows.is_empty(),
        "the program {name} of {package} printed no row"
    );
    Ok(rows)
}

/// The rows of several runs of one program, each figure the median over the runs.
fn medians(outputs: &[String]) -> Vec<Row> {
    let runs: Vec<Vec<Row>> = outputs
        .iter()
        .map(|output| output.lines().filter_map(Row::parse).collect())
        .collect();
    let mut rows = runs.first().cloned().unwrap_or_default();
    for row in &mut rows {
        let same = runs.iter().flatten().filter(|other| other.what == row.what);
        let figures: Vec<f64> = same.filter_map(|other| other.ours).collect();
        row.ours = median(&figures);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_medians_over_the_runs() {
        let output =
            |figure: u8| format!("warm\n{{\"what\":\"a\",\"unit\":\"s\",\"ours\":{figure}}}\n");
        let rows = medians(&[output(9), output(1), output(2)]);
        assert_eq!((rows.len(), rows[0].ours), (1, Some(2.0)));
    }
}
