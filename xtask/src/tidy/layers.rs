//! The layers: which crate may use which, with the reason for every neighbour.

use super::Violation;
use crate::source::{Package, Tree};

/// The crates of each layer, from the words at the bottom to the faces on top.
const LAYERS: [&[&str]; 6] = [
    &["i18n", "model", "stdx", "wire"],
    &["judge"],
    &["db", "exec", "jobs", "spool", "tsdb", "ui", "web"],
    &["collect", "notify"],
    &[
        "account", "cmdb", "fleet", "notice", "problem", "remedy", "watch",
    ],
    &["agent", "bongsu", "console", "desk"],
];

/// The layer whose crates never use each other, whatever the table of neighbours says.
const SLICES: usize = 4;

/// Crates that only tests and developers use; they may use anything, no program links them.
const TEST_SIDE: [&str; 3] = ["sim", "testkit", "xtask"];

/// Neighbours in one layer: who uses whom, and why that is no knot.
const NEIGHBOURS: [(&str, &str, &str); 12] = [
    (
        "bongsu",
        "agent",
        "`bongsu agent` is the agent's library in a child process",
    ),
    (
        "bongsu",
        "console",
        "the server draws errors as the console's pages",
    ),
    ("bongsu", "desk", "the server serves the desk's handlers"),
    ("desk", "console", "the desk fills the console's pages"),
    ("i18n", "model", "a language is one of the model's words"),
    (
        "i18n",
        "stdx",
        "spans and sizes are formatted from stdx quantities",
    ),
    (
        "jobs",
        "db",
        "the outbox and the leases are tables of the records store",
    ),
    (
        "model",
        "stdx",
        "quantities and durations of rules are parsed by stdx",
    ),
    ("ui", "web", "pages answer requests of the HTTP engine"),
    (
        "web",
        "db",
        "the audit of a request is a row of the records store",
    ),
    ("wire", "model", "frames carry the model's words"),
    ("wire", "stdx", "frames carry stdx times"),
];

/// What must stay out of a crate and of everything it links, and why.
const KEPT_OUT: [(&str, &[&str], &str); 8] = [
    (
        "agent",
        &["axum", "db", "lettre", "reqwest", "sqlx", "tsdb"],
        "the agent stays light",
    ),
    (
        "collect",
        &["db", "jobs", "sqlx", "web"],
        "a collector knows no records and no server",
    ),
    (
        "judge",
        &["reqwest", "sqlx", "tokio", "tracing"],
        "judgement is pure: no I/O, no clock",
    ),
    (
        "model",
        &["reqwest", "sqlx", "tokio", "tracing"],
        "words do no I/O",
    ),
    (
        "notify",
        &["db", "jobs", "sqlx"],
        "a channel cannot read the records",
    ),
    (
        "stdx",
        &["reqwest", "sqlx", "tokio", "tracing"],
        "words do no I/O",
    ),
    (
        "tsdb",
        &["db", "sqlx", "tokio"],
        "the metrics engine knows no host and no incident",
    ),
    ("wire", &["reqwest", "sqlx", "tokio"], "words do no I/O"),
];

/// The layer of a crate, from 0; none for the test side and for crates the table does not know.
pub(crate) fn layer_of(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

/// Every crate stands in the table and uses only what is below it, or a neighbour with a reason.
pub(super) fn edges(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in &tree.workspace.packages {
        let is_test_side = TEST_SIDE.contains(&package.name.as_str());
        if is_test_side {
            continue;
        }
        let Some(own) = layer_of(&package.name) else {
            let what = format!("crate `{}` stands in no layer", package.name);
            let todo = "add it to LAYERS in xtask/src/tidy/layers.rs";
            found.push(Violation::at(&package.manifest, 1, what, todo));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let line = line_of(tree, package, name);
            if let Some((what, todo)) = objection(package, own, name, dependency.is_dev) {
                found.push(Violation::at(&package.manifest, line, what, todo));
            }
        }
        found.extend(kept_out(tree, package));
    }
    found
}

/// What is wrong with the use of `name` by a crate of layer `own`, and what to do.
fn objection(
    package: &Package,
    own: usize,
    name: &str,
    is_dev: bool,
) -> Option<(String, &'static str)> {
    let user = &package.name;
    if TEST_SIDE.contains(&name) {
        let what = format!("`{user}` links `{name}`, which is the test side");
        return (!is_dev).then_some((what, "move it to [dev-dependencies]"));
    }
    let other = layer_of(name)?;
    if other > own {
        let what = format!("`{user}` (L{own}) uses `{name}` (L{other}), which is above it");
        return Some((what, "move the code down, or hand it in as an argument"));
    }
    if other < own {
        return None;
    }
    if own == SLICES {
        let what = format!("slice `{user}` uses slice `{name}`");
        return Some((
            what,
            "leave a message, read a `_pub_` view, or fill a panel slot",
        ));
    }
    let is_listed = NEIGHBOURS
        .iter()
        .any(|(from, to, _)| from == user && *to == name);
    let what = format!("`{user}` uses its neighbour `{name}` in L{own}");
    let todo = "move the code down, or list the pair with its reason in tidy/layers.rs";
    (!is_listed).then_some((what, todo))
}

fn kept_out(tree: &Tree, package: &Package) -> Vec<Violation> {
    let Some((_, banned, _)) = KEPT_OUT.iter().find(|(user, _, _)| *user == package.name) else {
        return Vec::new();
    };
    let links = tree.workspace.links(&package.name);
    let linked = banned.iter().filter(|name| links.contains(*name));
    linked
        .map(|name| {
            let what = format!(
                "`{}` links `{name}`, directly or through another",
                package.name
            );
            let line = line_of(tree, package, name);
            Violation::at(
                &package.manifest,
                line,
                what,
                "see KEPT_OUT in tidy/layers.rs for why not",
            )
        })
        .collect()
}

/// The line of the manifest that names the dependency, or 1.
fn line_of(tree: &Tree, package: &Package, name: &str) -> usize {
    let text = tree
        .file(&package.manifest)
        .map_or("", |file| file.text.as_str());
    let named = |line: &str| line.split(['=', '.', ' ']).next() == Some(name);
    text.lines().position(named).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Dependency;

    fn tree(name: &str, uses: &[(&str, bool)]) -> Tree {
        let mut tree = Tree::of(&[("crates/x/Cargo.toml", "[package]\n")]);
        let linked = uses
            .iter()
            .filter(|(_, is_dev)| !is_dev)
            .map(|(name, _)| (*name).to_owned());
        tree.workspace
            .uses
            .insert(name.to_owned(), linked.collect());
        tree.workspace.packages.push(Package {
            name: name.to_owned(),
            manifest: "crates/x/Cargo.toml".to_owned(),
            dependencies: uses
                .iter()
                .map(|(name, is_dev)| Dependency {
                    name: (*name).to_owned(),
                    is_dev: *is_dev,
                })
                .collect(),
            ..Package::default()
        });
        tree
    }

    #[track_caller]
    fn refused(name: &str, uses: &[(&str, bool)], expected: &str) {
        let found = edges(&tree(name, uses));
        let said: Vec<&str> = found.iter().map(|v| v.what.as_str()).collect();
        assert!(said.iter().any(|what| what.contains(expected)), "{said:?}");
    }

    #[test]
    fn lower_layers_and_listed_neighbours_are_fine() {
        let uses = [
            ("model", false),
            ("tokio", false),
            ("db", false),
            ("testkit", true),
        ];
        assert_eq!(edges(&tree("problem", &uses)), []);
        assert_eq!(edges(&tree("jobs", &[("db", false)])), []);
        assert_eq!(edges(&tree("testkit", &[("bongsu", false)])), []);
    }

    #[test]
    fn upward_sideways_and_test_side_uses_are_refused() {
        refused("db", &[("problem", false)], "which is above it");
        refused("db", &[("problem", true)], "which is above it");
        refused(
            "problem",
            &[("notice", false)],
            "slice `problem` uses slice `notice`",
        );
        refused("exec", &[("tsdb", false)], "uses its neighbour `tsdb`");
        refused("db", &[("testkit", false)], "which is the test side");
        refused("novelty", &[], "stands in no layer");
    }

    #[test]
    fn what_is_kept_out_is_found_behind_another_crate() {
        let mut tree = tree("agent", &[("collect", false)]);
        tree.workspace
            .uses
            .insert("collect".to_owned(), vec!["sqlx".to_owned()]);
        let found = edges(&tree);
        assert_eq!(
            found[0].what,
            "`agent` links `sqlx`, directly or through another"
        );
    }
}
