//! The architecture's tests: every house rule that a program can check, each with its reason.
//!
//! A rule is a function from the tree to violations. It reads files and the graph, never the
//! network; each has a test with a tree that breaks it.

mod dead;
mod documents;
mod headers;
mod layers;
mod libraries;
mod manifests;
mod migrations;
mod phrases;
mod plugins;
mod secrets;
mod sizes;
mod sql;
mod translations;

use crate::source::{File, Tree};
use anyhow::{Result, bail};
use std::fmt;
use std::path::Path;

pub(crate) use layers::layer_of;

/// One place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: String,
    line: usize,
    what: String,
    todo: &'static str,
}

impl Violation {
    fn new(file: &File, line: usize, what: impl Into<String>, todo: &'static str) -> Self {
        Self::at(&file.path, line, what, todo)
    }

    fn at(path: &str, line: usize, what: impl Into<String>, todo: &'static str) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
            todo,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}; {}",
            self.path, self.line, self.what, self.todo
        )
    }
}

type Rule = fn(&Tree) -> Vec<Violation>;

/// Every rule by name, in alphabetic order.
const ALL: [(&str, Rule); 25] = [
    ("adr-index", documents::adr_index),
    ("blobs", sizes::blobs),
    ("changelog", documents::changelog),
    ("clocks", phrases::clocks),
    ("comments-of-code", phrases::comments_of_code),
    ("dead-files", dead::files),
    ("documents-linked", documents::linked),
    ("file-length", sizes::files),
    ("function-length", sizes::functions),
    ("headers", headers::sentences),
    ("layers", layers::edges),
    ("libraries", libraries::allowed),
    ("line-length", sizes::lines),
    ("links", documents::links),
    ("manifests", manifests::inherited),
    ("migrations", migrations::named),
    ("module-names", phrases::module_names),
    ("paths", documents::paths),
    ("phrases", phrases::banned),
    ("plugins", plugins::complete),
    ("re-exports", phrases::re_exports),
    ("secrets", secrets::none),
    ("sql", sql::own_tables),
    ("test-binaries", manifests::test_binaries),
    ("translations", translations::complete),
];

/// What to check.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// Report only below these paths, for example `crates/judge`.
    paths: Vec<String>,
    /// Check only this rule; `--rule help` lists them.
    #[arg(long)]
    rule: Option<String>,
}

/// Checks the repository at `root`, prints every violation and fails when there is one.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let chosen = options.rule.as_deref();
    if let Some(name) = chosen.filter(|name| ALL.iter().all(|(rule, _)| rule != name)) {
        let names: Vec<&str> = ALL.iter().map(|(rule, _)| *rule).collect();
        bail!(
            "no rule is called `{name}`; the rules are {}",
            names.join(", ")
        );
    }
    let found = check(&Tree::read(root)?, chosen, &options.paths);
    for (rule, violation) in &found {
        println!("{violation} [{rule}]");
    }
    match found.len() {
        0 => Ok(()),
        1 => bail!("1 violation of the house rules"),
        many => bail!("{many} violations of the house rules"),
    }
}

fn check(tree: &Tree, rule: Option<&str>, paths: &[String]) -> Vec<(&'static str, Violation)> {
    let chosen = ALL
        .iter()
        .filter(|(name, _)| rule.is_none_or(|rule| rule == *name));
    let mut found: Vec<_> = chosen
        .flat_map(|(name, rule)| rule(tree).into_iter().map(|violation| (*name, violation)))
        .filter(|(_, found)| {
            paths.is_empty()
                || paths
                    .iter()
                    .any(|path| found.path.starts_with(path.as_str()))
        })
        .collect();
    found.sort_by(|a, b| a.1.cmp(&b.1));
    found
}

/// Checks a rule against files that keep it and files that break it, in a rule's test.
#[cfg(test)]
#[track_caller]
fn check_rule(rule: Rule, good: &[(&str, &str)], bad: &[(&str, &str)], expected: &[&str]) {
    let places = |tree: &Tree| -> Vec<String> {
        rule(tree)
            .iter()
            .map(|v| format!("{}:{}", v.path, v.line))
            .collect()
    };
    assert_eq!(
        places(&Tree::of(good)),
        Vec::<String>::new(),
        "the good tree"
    );
    assert_eq!(places(&Tree::of(bad)), expected, "the bad tree");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_stand_in_alphabetic_order_and_once() {
        assert!(ALL.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_violation_says_where_what_and_what_to_do() {
        let tree = Tree::of(&[("crates/x/src/lib.rs", "fn f() {}\n")]);
        let found = check(&tree, Some("headers"), &[]);
        assert_eq!(
            found[0].1.to_string(),
            "crates/x/src/lib.rs:1: no sentence that says what the file is for; begin with \
             `//! One sentence.`"
        );
        assert_eq!(check(&tree, Some("headers"), &["crates/y".to_owned()]), []);
    }
}
