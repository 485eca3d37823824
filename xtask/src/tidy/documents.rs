//! Documents stay true: their paths exist, their links lead somewhere, decisions are listed.

use super::Violation;
use crate::source::{File, Tree};

/// Every path in backquotes that ARCHITECTURE.md names exists.
pub(super) fn paths(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let Some(file) = tree.file("ARCHITECTURE.md") else {
        return found;
    };
    let folders: Vec<&str> = tree
        .files
        .iter()
        .filter_map(|file| file.path.split_once('/'))
        .map(|(top, _)| top)
        .collect();
    for (index, line) in prose(file) {
        for quoted in line.split('`').skip(1).step_by(2) {
            let path = quoted.trim_end_matches('/');
            let top = path.split('/').next().unwrap_or_default();
            // A pattern such as `crates/<slice>/src` speaks of many.
            let is_path = path.contains('/')
                && folders.contains(&top)
                && !path.contains(['<', '*', '{', '…', ' ', '(']);
            if is_path && !tree.exists(path) {
                let what = format!("`{path}` does not exist");
                found.push(Violation::new(
                    file,
                    index + 1,
                    what,
                    "correct the document",
                ));
            }
        }
    }
    found
}

/// Every relative link of every document leads to a file.
pub(super) fn links(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in documents(tree) {
        for (index, line) in prose(file) {
            for target in targets(line) {
                if !tree.exists(&resolve(&file.path, target)) {
                    let what = format!("the link to `{target}` leads nowhere");
                    found.push(Violation::new(file, index + 1, what, "correct it"));
                }
            }
        }
    }
    found
}

/// Every decision in docs/adr stands in its index, under a number of its own.
pub(super) fn adr_index(tree: &Tree) -> Vec<Violation> {
    let folder = "docs/adr/";
    let index = tree
        .file("docs/adr/README.md")
        .map_or("", |file| file.text.as_str());
    let mut found = Vec::new();
    let mut last = "";
    for file in tree
        .files
        .iter()
        .filter(|file| file.path.starts_with(folder))
    {
        let name = file.name();
        let number = name.get(..4).unwrap_or_default();
        if !number.bytes().all(|b| b.is_ascii_digit()) || number.is_empty() {
            continue;
        }
        if !index.contains(&format!("({name})")) {
            let todo = "add its line to docs/adr/README.md";
            found.push(Violation::new(
                file,
                1,
                "a decision the index does not list",
                todo,
            ));
        }
        if number == last {
            let what = format!("a second decision with the number {number}");
            found.push(Violation::new(
                file,
                1,
                what,
                "give it the next free number",
            ));
        }
        last = number;
    }
    found
}

/// Every document in docs is linked from another one, or named in the code.
pub(super) fn linked(tree: &Tree) -> Vec<Violation> {
    let mut known = Vec::new();
    for file in documents(tree) {
        for (_, line) in prose(file) {
            let led = targets(line).map(|target| resolve(&file.path, target));
            known.extend(led.filter(|path| *path != file.path));
        }
    }
    let is_named = |path: &str| tree.rust().any(|file| file.text.contains(path));
    documents(tree)
        .filter(|file| file.path.starts_with("docs/"))
        .filter(|file| !known.contains(&file.path) && !is_named(&file.path))
        .map(|file| {
            let todo = "link it from the page a reader comes from";
            Violation::new(file, 1, "a document nobody is led to", todo)
        })
        .collect()
}

/// What users notice is written down.
pub(super) fn changelog(tree: &Tree) -> Vec<Violation> {
    let path = "CHANGELOG.md";
    let has_text = tree
        .file(path)
        .is_some_and(|file| file.text.lines().count() > 2);
    if has_text {
        return Vec::new();
    }
    vec![Violation::at(
        path,
        1,
        "there is no changelog",
        "write what the user now gets",
    )]
}

fn documents(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files
        .iter()
        .filter(|file| file.extension() == "md" && !file.is_exempt())
}

/// The lines of a document outside its code blocks.
fn prose(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    file.text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The relative targets of the links in a line of Markdown.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let after = line.split("](").skip(1);
    let target = after.filter_map(|rest| rest.split([')', ' ', '#']).next());
    target.filter(|target| !target.is_empty() && !target.contains(':') && !target.starts_with('/'))
}

/// The path that a link in the document at `from` leads to.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::check_rule;

    #[test]
    fn paths_that_do_not_exist_are_found() {
        let good = "`crates/x/src` `crates/<slice>/y` `a/b` `cargo run`\n```\n`crates/no`\n```\n";
        check_rule(
            paths,
            &[("ARCHITECTURE.md", good), ("crates/x/src/lib.rs", "")],
            &[
                ("ARCHITECTURE.md", "see\n`crates/y/`"),
                ("crates/x/src/lib.rs", ""),
            ],
            &["ARCHITECTURE.md:2"],
        );
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        check_rule(
            links,
            &[
                (
                    "README.md",
                    "[a](docs/a.md#part) [b](https://x.org) [c](#here)",
                ),
                ("docs/a.md", "[up](../README.md) [folder](../docs/)"),
            ],
            &[("docs/a.md", "\n[gone](b.md)")],
            &["docs/a.md:2"],
        );
    }

    #[test]
    fn decisions_outside_the_index_are_found() {
        check_rule(
            adr_index,
            &[
                ("docs/adr/0001-a.md", "x"),
                ("docs/adr/README.md", "- [a](0001-a.md)"),
            ],
            &[
                ("docs/adr/0001-a.md", "x"),
                ("docs/adr/0001-b.md", "x"),
                ("docs/adr/README.md", "- [a](0001-a.md)"),
            ],
            &["docs/adr/0001-b.md:1", "docs/adr/0001-b.md:1"],
        );
    }

    #[test]
    fn documents_without_a_reader_are_found() {
        check_rule(
            linked,
            &[
                ("README.md", "[a](docs/a.md)"),
                ("docs/a.md", "x"),
                ("docs/format.md", "x"),
                ("crates/x/src/lib.rs", "//! See docs/format.md.\n"),
            ],
            &[("docs/a.md", "[myself](a.md)")],
            &["docs/a.md:1"],
        );
    }

    #[test]
    fn a_missing_changelog_is_found() {
        check_rule(
            changelog,
            &[("CHANGELOG.md", "# Changes\n\n- one\n")],
            &[("README.md", "x")],
            &["CHANGELOG.md:1"],
        );
    }
}
