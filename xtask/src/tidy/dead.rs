//! Every Rust file is part of a crate: reachable by `mod` from something cargo builds.

use super::Violation;
use crate::source::{File, Kind, Tree};
use std::collections::BTreeSet;

/// No Rust file lies where the compiler never looks.
pub(super) fn files(tree: &Tree) -> Vec<Violation> {
    let targets = tree
        .workspace
        .packages
        .iter()
        .flat_map(|package| &package.targets);
    let mut open: Vec<(String, bool)> = targets
        .map(|target| (target.source.clone(), true))
        .collect();
    let mut alive = BTreeSet::new();
    while let Some((path, is_root)) = open.pop() {
        if !alive.insert(path.clone()) {
            continue;
        }
        if let Some(file) = tree.file(&path) {
            open.extend(
                modules(tree, file, is_root)
                    .into_iter()
                    .map(|path| (path, false)),
            );
        }
    }
    let dead = tree.rust().filter(|file| !alive.contains(&file.path));
    dead.map(|file| {
        Violation::new(
            file,
            1,
            "a file that no crate compiles",
            "add its `mod` line, or delete it",
        )
    })
    .collect()
}

/// The files that `file` names with `mod x;` or `include!("x")`, inline modules followed.
fn modules(tree: &Tree, file: &File, is_root: bool) -> Vec<String> {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let owns_folder = is_root || file.name() == "mod.rs";
    let stem = file.path.trim_end_matches(".rs").to_owned();
    let base = if owns_folder { folder.to_owned() } else { stem };
    let mut named = Vec::new();
    let mut inline: Vec<(usize, String)> = Vec::new();
    let mut path = None;
    for index in 0..file.lexed.tokens.len() {
        inline.retain(|(close, _)| index <= *close);
        if file.reads(index, &["path", "="]) {
            path = Some(unquoted(file.word(index + 2)).to_owned());
        }
        if file.reads(index, &["include", "!", "("]) {
            named.push(format!("{folder}/{}", unquoted(file.word(index + 3))));
        }
        let is_mod = file.word(index) == "mod"
            && file
                .lexed
                .tokens
                .get(index + 1)
                .is_some_and(|t| t.kind == Kind::Ident);
        if !is_mod {
            continue;
        }
        let name = file.word(index + 1);
        match file.word(index + 2) {
            "{" => inline.push((file.close(index + 2), name.to_owned())),
            ";" => {
                let inside: String = inline.iter().map(|(_, name)| format!("/{name}")).collect();
                if let Some(path) = path.take() {
                    named.push(format!("{folder}/{path}"));
                } else {
                    named.push(format!("{base}{inside}/{name}.rs"));
                    named.push(format!("{base}{inside}/{name}/mod.rs"));
                }
            }
            _ => {}
        }
    }
    named.retain(|path| tree.file(path).is_some());
    named
}

fn unquoted(literal: &str) -> &str {
    literal.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Package, Target};

    #[test]
    fn files_outside_every_module_tree_are_found() {
        let mut tree = Tree::of(&[
            ("crates/x/src/dead.rs", ""),
            ("crates/x/src/inline/deep.rs", ""),
            (
                "crates/x/src/lib.rs",
                "mod one;\nmod two;\nmod inline { mod deep; }\n// mod dead;",
            ),
            ("crates/x/src/one.rs", "#[path = \"odd.rs\"]\nmod strange;"),
            ("crates/x/src/odd.rs", ""),
            ("crates/x/src/two/mod.rs", "mod three;"),
            ("crates/x/src/two/three.rs", ""),
            ("crates/x/tests/it/main.rs", "mod case;"),
            ("crates/x/tests/it/case.rs", ""),
        ]);
        let target = |source: &str| Target {
            source: source.to_owned(),
            ..Target::default()
        };
        tree.workspace.packages.push(Package {
            name: "x".to_owned(),
            targets: vec![
                target("crates/x/src/lib.rs"),
                target("crates/x/tests/it/main.rs"),
            ],
            ..Package::default()
        });
        let found: Vec<String> = files(&tree).into_iter().map(|v| v.path).collect();
        assert_eq!(found, ["crates/x/src/dead.rs"]);
    }
}
