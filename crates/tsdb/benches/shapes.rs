//! Runs the engine's bench shapes, each in an empty directory, and prints their figures.

use tsdb::bench::{LONG, WIDE, run};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo bench -- wide` runs one; the harness' own `--bench` is not a name.
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    for shape in [WIDE, LONG] {
        if only.is_empty() || only.iter().any(|name| name == shape.name) {
            let dir = tempfile::tempdir()?;
            println!("{}", run(dir.path(), shape)?);
        }
    }
    Ok(())
}
