//! The repository as the rules see it: its files, their Rust tokens and the workspace's graph.

mod lexer;
mod tree;
mod workspace;

pub(crate) use lexer::{Kind, Lexed, Token};
pub(crate) use tree::{File, Tree};
#[cfg(test)]
pub(crate) use workspace::{Dependency, External, Target};
pub(crate) use workspace::{Package, Workspace};
