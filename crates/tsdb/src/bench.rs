//! Bench shapes.
