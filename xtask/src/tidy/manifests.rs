//! Manifests inherit everything from the workspace; a crate has one integration-test program.

use super::Violation;
use crate::source::{File, Tree};
use toml::{Table, Value};

/// The one feature a crate may have: the peers it plays itself, for tests and simulation.
const FAKE: &str = "fake";

/// Versions, features and lints stand in the root manifest and nowhere else.
pub(super) fn inherited(tree: &Tree) -> Vec<Violation> {
    let is_member = |file: &&File| file.name() == "Cargo.toml" && file.path.contains('/');
    let members = tree
        .files
        .iter()
        .filter(is_member)
        .filter(|file| !file.is_exempt());
    members.flat_map(manifest).collect()
}

fn manifest(file: &File) -> Vec<Violation> {
    let parsed = match file.text.parse::<Table>() {
        Ok(parsed) => parsed,
        Err(error) => {
            return vec![Violation::new(
                file,
                1,
                format!("cannot be read: {error}"),
                "mend it",
            )];
        }
    };
    let mut found = Vec::new();
    if parsed.get("lints").and_then(|lints| lints.get("workspace")) != Some(&Value::Boolean(true)) {
        let todo = "add `[lints]` with `workspace = true`";
        found.push(Violation::new(
            file,
            1,
            "the workspace's lints are not in force",
            todo,
        ));
    }
    let own = parsed.get("features").and_then(Value::as_table);
    for name in own
        .into_iter()
        .flat_map(Table::keys)
        .filter(|name| *name != FAKE)
    {
        let what = format!("a feature of our own, `{name}`");
        found.push(Violation::new(
            file,
            1,
            what,
            "compile it in and switch it by data",
        ));
    }
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let libraries = parsed.get(section).and_then(Value::as_table);
        for (name, value) in libraries.into_iter().flatten() {
            let is_plain = value.as_table().is_some_and(|table| {
                table.get("workspace") == Some(&Value::Boolean(true))
                    && table
                        .iter()
                        .all(|(key, value)| key == "workspace" || is_fake(key, value))
            });
            if !is_plain {
                let what = format!("`{name}` is not plainly `{{ workspace = true }}`");
                let todo = "its version and features go to the root Cargo.toml";
                found.push(Violation::new(file, line_of(file, name), what, todo));
            }
        }
    }
    found
}

/// Whether an entry of a dependency only asks for its fakes.
fn is_fake(key: &str, value: &Value) -> bool {
    let only = |list: &Vec<Value>| list.iter().all(|name| name.as_str() == Some(FAKE));
    key == "features" && value.as_array().is_some_and(only)
}

fn line_of(file: &File, name: &str) -> usize {
    let named = |line: &str| line.split(['=', '.', ' ']).next() == Some(name);
    file.text
        .lines()
        .position(named)
        .map_or(1, |index| index + 1)
}

/// One integration-test program a crate: every further one is linked again on two cores.
pub(super) fn test_binaries(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in &tree.workspace.packages {
        let programs = package
            .targets
            .iter()
            .filter(|target| target.kind == "test")
            .skip(1);
        for program in programs {
            let what = format!("a second integration-test program in `{}`", package.name);
            let todo = "make it a module of tests/it/main.rs";
            found.push(Violation::at(&program.source, 1, what, todo));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Package, Target};
    use crate::tidy::check_rule;

    #[test]
    fn manifests_that_do_not_inherit_are_found() {
        let lints = "[lints]\nworkspace = true\n";
        let good = format!("[dependencies]\nserde = {{ workspace = true }}\n{lints}");
        let bad = "[features]\nx = []\n[dependencies]\nserde = \"1\"\n[dev-dependencies]\n\
             toml = { workspace = true, features = [\"x\"] }\n";
        check_rule(
            inherited,
            &[
                ("Cargo.toml", "[workspace]"),
                ("crates/x/Cargo.toml", &good),
            ],
            &[("crates/x/Cargo.toml", bad)],
            &[
                "crates/x/Cargo.toml:1",
                "crates/x/Cargo.toml:1",
                "crates/x/Cargo.toml:4",
                "crates/x/Cargo.toml:6",
            ],
        );
    }

    #[test]
    fn a_second_integration_test_program_is_found() {
        let test = |source: &str| Target {
            kind: "test".to_owned(),
            source: source.to_owned(),
            ..Target::default()
        };
        let mut tree = Tree::default();
        let targets = vec![test("crates/x/tests/it.rs"), test("crates/x/tests/two.rs")];
        tree.workspace.packages.push(Package {
            targets,
            ..Package::default()
        });
        let found: Vec<String> = test_binaries(&tree).into_iter().map(|v| v.path).collect();
        assert_eq!(found, ["crates/x/tests/two.rs"]);
    }
}
