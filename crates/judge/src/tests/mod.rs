//! Cases as text, invariants over random input, and the snapshot file.

mod cases;
mod invariants;
mod script;
mod snapshot;
mod values;

use script::run_case;

/// Runs one case (see `cases/README.md`) and compares what it says with what was expected.
fn check_judge(case: &str) -> Result<(), String> {
    let (input, expected) = case.split_once("\n=>").unwrap_or((case, ""));
    let expected: Vec<&str> = lines(expected).collect();
    let said = run_case(input)?;
    if said == expected {
        return Ok(());
    }
    Err(format!(
        "expected:\n  {}\nsaid:\n  {}",
        expected.join("\n  "),
        said.join("\n  ")
    ))
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.lines().map(str::trim);
    text.filter(|line| !line.is_empty() && !line.starts_with('#'))
}
