//! The configuration pages over real stores: they render, change, refuse and tell of conflicts.

mod change;
mod ground;
mod render;
