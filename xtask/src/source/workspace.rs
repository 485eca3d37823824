//! The crates of the workspace and every library behind them, from `cargo metadata`.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// A crate of this repository.
#[derive(Clone, Debug, Default)]
pub(crate) struct Package {
    /// Its name in the manifest.
    pub(crate) name: String,
    /// Its manifest, from the repository's root.
    pub(crate) manifest: String,
    /// What it builds.
    pub(crate) targets: Vec<Target>,
    /// What it uses.
    pub(crate) dependencies: Vec<Dependency>,
}

/// One thing a crate builds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    /// `lib`, `bin`, `test`, `bench`, `example`, `custom-build`.
    pub(crate) kind: String,
    /// Its name; for a program, the file's name.
    pub(crate) name: String,
    /// Its first source file, from the repository's root.
    pub(crate) source: String,
}

/// One line of a crate's dependencies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dependency {
    /// The crate it names.
    pub(crate) name: String,
    /// Whether only tests use it.
    pub(crate) is_dev: bool,
}

/// A library from outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct External {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its licence expression, empty when it names none.
    pub(crate) licence: String,
    /// Where it is from, as cargo writes it.
    pub(crate) source: String,
}

/// The graph of everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workspace {
    /// Our crates, by name.
    pub(crate) packages: Vec<Package>,
    /// The libraries of the host's platform.
    pub(crate) externals: Vec<External>,
    /// Which crate's program code uses which, by name; tests' uses are left out.
    pub(crate) uses: BTreeMap<String, Vec<String>>,
    /// Where cargo puts what it builds.
    pub(crate) target_folder: String,
}

impl Workspace {
    /// Asks cargo, for the host's platform only, so that nothing foreign is downloaded.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let host = host_triple()?;
        let output = Command::new("cargo")
            .args([
                "metadata",
                "--format-version",
                "1",
                "--filter-platform",
                &host,
            ])
            .current_dir(root)
            .output()
            .context("cannot run cargo metadata")?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "cargo metadata failed: {error}");
        let json = serde_json::from_slice(&output.stdout)?;
        Ok(Self::parse(&json, &format!("{}/", root.display())))
    }

    /// The package of that name.
    #[cfg(test)]
    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// Everything the programs of `name` link, by name, itself left out.
    pub(crate) fn links(&self, name: &str) -> Vec<&str> {
        let mut seen: Vec<&str> = Vec::new();
        let mut open = vec![name];
        while let Some(next) = open.pop() {
            for used in self.uses.get(next).into_iter().flatten() {
                if !seen.contains(&used.as_str()) {
                    seen.push(used);
                    open.push(used);
                }
            }
        }
        seen
    }

    fn parse(json: &Value, root: &str) -> Self {
        let mut workspace = Self {
            target_folder: text(json, "target_directory"),
            ..Self::default()
        };
        let mut names = BTreeMap::new();
        for package in array(json, "packages") {
            names.insert(text(package, "id"), text(package, "name"));
            if package.get("source").is_some_and(Value::is_string) {
                workspace.externals.push(External {
                    name: text(package, "name"),
                    version: text(package, "version"),
                    licence: text(package, "license"),
                    source: text(package, "source"),
                });
            } else {
                workspace.packages.push(own(package, root));
            }
        }
        let nodes = json.get("resolve").map(|resolve| array(resolve, "nodes"));
        for node in nodes.into_iter().flatten() {
            let used = array(node, "deps").filter(|dep| is_linked(dep));
            let used = used.filter_map(|dep| names.get(&text(dep, "pkg")).cloned());
            if let Some(name) = names.get(&text(node, "id")) {
                workspace.uses.entry(name.clone()).or_default().extend(used);
            }
        }
        workspace
    }
}

/// Whether an edge of the graph ends up in the program: neither a test's nor a build script's.
fn is_linked(dep: &Value) -> bool {
    array(dep, "dep_kinds").any(|kind| kind.get("kind").is_none_or(Value::is_null))
}

fn own(package: &Value, root: &str) -> Package {
    let inside = |path: String| path.strip_prefix(root).map_or(path.clone(), str::to_owned);
    let targets = array(package, "targets").map(|target| Target {
        kind: array(target, "kind")
            .next()
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned(),
        name: text(target, "name"),
        source: inside(text(target, "src_path")),
    });
    let dependencies = array(package, "dependencies").map(|dep| Dependency {
        name: text(dep, "name"),
        is_dev: text(dep, "kind") == "dev",
    });
    Package {
        name: text(package, "name"),
        manifest: inside(text(package, "manifest_path")),
        targets: targets.collect(),
        dependencies: dependencies.collect(),
    }
}

fn host_triple() -> Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("cannot run rustc -vV")?;
    let about = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

fn text(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn array<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_becomes_a_graph_without_the_uses_of_tests() {
        let json = serde_json::json!({
            "target_directory": "/t",
            "packages": [
                {"id": "a#1", "name": "a", "source": null,
                 "manifest_path": "/r/crates/a/Cargo.toml",
                 "targets": [{"kind": ["lib"], "name": "a", "src_path": "/r/crates/a/src/lib.rs"}],
                 "dependencies": [{"name": "b", "kind": null}, {"name": "c", "kind": "dev"}]},
                {"id": "b#1", "name": "b", "source": "registry+x", "license": "MIT"},
                {"id": "c#1", "name": "c", "source": "registry+x", "license": null}
            ],
            "resolve": {"nodes": [
                {"id": "a#1", "deps": [
                    {"pkg": "b#1", "dep_kinds": [{"kind": null}]},
                    {"pkg": "c#1", "dep_kinds": [{"kind": "dev"}]}]},
                {"id": "b#1", "deps": []}
            ]}
        });
        let workspace = Workspace::parse(&json, "/r/");
        assert_eq!(workspace.links("a"), ["b"]);
        let package = workspace.package("a").unwrap();
        assert_eq!(package.manifest, "crates/a/Cargo.toml");
        assert_eq!(package.targets[0].source, "crates/a/src/lib.rs");
        assert!(package.dependencies[1].is_dev);
        assert_eq!(workspace.externals.len(), 2);
    }
}
