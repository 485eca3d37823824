//! Runs the engine's bench shapes and prints one line for each.

fn main() {}
