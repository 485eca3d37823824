//! Words that never stand on main: forbidden names, tests that check nothing, code in comments.

use super::Violation;
use crate::source::{File, Tree};

const ATTICS: [&str; 9] = [
    "util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "prelude",
];

/// Where the machine's clock and randomness may be read, with the reason.
const CLOCK_READERS: [(&str, &str); 2] = [
    (
        "crates/stdx/src/clock.rs",
        "the one place that reads the clock",
    ),
    (
        "crates/stdx/src/entropy.rs",
        "the one place that asks for randomness",
    ),
];

const CLOCKS: [&[&str]; 9] = [
    &["Instant", ":", ":", "now"],
    &["SystemTime", ":", ":", "now"],
    &["Timestamp", ":", ":", "now"],
    &["Zoned", ":", ":", "now"],
    &["Utc", ":", ":", "now"],
    &["Local", ":", ":", "now"],
    &["Uuid", ":", ":", "now_v7"],
    &["Uuid", ":", ":", "new_v4"],
    &["thread_rng", "(", ")"],
];

/// No module is an attic: util, helpers, common, misc, manager, prelude.
pub(super) fn module_names(tree: &Tree) -> Vec<Violation> {
    let todo = "name it after what it does; what std could have goes to stdx";
    let mut found = Vec::new();
    for file in tree.rust() {
        let stem = file.path.trim_end_matches(".rs");
        if let Some(name) = stem.split('/').find(|part| ATTICS.contains(part)) {
            found.push(Violation::new(
                file,
                1,
                format!("a module called `{name}`"),
                todo,
            ));
        }
        for index in 0..file.lexed.tokens.len() {
            let is_inline = file.word(index) == "mod" && file.word(index + 2) == "{";
            if is_inline && ATTICS.contains(&file.word(index + 1)) {
                let what = format!("a module called `{}`", file.word(index + 1));
                found.push(Violation::new(file, file.line(index), what, todo));
            }
        }
    }
    found
}

/// No crate re-exports another one's world.
pub(super) fn re_exports(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.rust() {
        for index in 0..file.lexed.tokens.len() {
            // `pub use name::*;` where the file has no module of that name.
            let is_glob =
                file.reads(index, &["pub", "use"]) && file.reads(index + 3, &[":", ":", "*"]);
            let name = file.word(index + 2);
            if !is_glob || ["crate", "self", "super"].contains(&name) {
                continue;
            }
            let is_own =
                (0..index.max(file.lexed.tokens.len())).any(|i| file.reads(i, &["mod", name]));
            if !is_own {
                let what = format!("`pub use {name}::*` re-exports another crate");
                let todo = "name the items, or let users import from the crate itself";
                found.push(Violation::new(file, file.line(index), what, todo));
            }
        }
    }
    found
}

/// No marks of unfinished work, no tests switched off, no `matches!` whose answer is dropped.
pub(super) fn banned(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.rust() {
        for index in 0..file.lexed.tokens.len() {
            let line = file.line(index);
            let mut add = |what: &str, todo| {
                found.push(Violation::new(file, line, what, todo));
            };
            match file.word(index) {
                "todo" | "unimplemented" if file.word(index + 1) == "!" => {
                    add("unfinished work", "finish it, or leave the function out");
                }
                "dbg" if file.word(index + 1) == "!" => add("a left-over `dbg!`", "remove it"),
                "ignore" if file.reads(index.saturating_sub(2), &["#", "["]) => {
                    add("a test that is switched off", "make it pass, or remove it");
                }
                "matches" if is_dropped_matches(file, index) => add(
                    "a `matches!` whose answer is dropped checks nothing",
                    "wrap it in `assert!`",
                ),
                _ => {}
            }
        }
    }
    found
}

fn is_dropped_matches(file: &File, index: usize) -> bool {
    let before = index.checked_sub(1).map_or("{", |i| file.word(i));
    file.reads(index, &["matches", "!", "("])
        && [";", "{", "}"].contains(&before)
        && file.word(file.close(index + 2) + 1) == ";"
}

/// Only the clock crate reads a clock, only the entropy module asks for randomness.
pub(super) fn clocks(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.rust() {
        if CLOCK_READERS.iter().any(|(path, _)| *path == file.path) {
            continue;
        }
        for index in 0..file.lexed.tokens.len() {
            if CLOCKS.iter().any(|words| file.reads(index, words)) && !is_excused(file, index) {
                let what = format!("`{}` outside the clock crate", file.word(index));
                let todo = "take `&dyn stdx::Clock` or `stdx::Env` as an argument";
                found.push(Violation::new(file, file.line(index), what, todo));
            }
        }
    }
    found
}

/// Whether a reading is a deadline of the runtime's own timer, or has its reason beside it.
fn is_excused(file: &File, index: usize) -> bool {
    const ATTRIBUTE: [&str; 6] = ["expect", "(", "clippy", ":", ":", "disallowed_methods"];
    // An attribute stands above the function, so a few dozen words before the call.
    let near = index.saturating_sub(80)..index;
    let is_timer = index >= 6 && file.reads(index - 6, &["tokio", ":", ":", "time", ":", ":"]);
    is_timer || near.into_iter().any(|at| file.reads(at, &ATTRIBUTE))
}

/// Code in comments is deleted: git remembers it.
pub(super) fn comments_of_code(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.rust() {
        for comment in &file.lexed.comments {
            let Some(text) = file.at(comment).strip_prefix("//") else {
                continue;
            };
            if !text.starts_with(['/', '!']) && looks_like_code(text.trim()) {
                let todo = "delete it: git remembers";
                found.push(Violation::new(
                    file,
                    comment.line,
                    "code in a comment",
                    todo,
                ));
            }
        }
    }
    found
}

fn looks_like_code(text: &str) -> bool {
    let keywords = [
        "let ", "fn ", "pub ", "use ", "mod ", "if ", "for ", "while ", "return ", "impl ",
        "struct ", "enum ", "match ", "assert", "#[", "} else",
    ];
    let begins = keywords.iter().any(|word| text.starts_with(word));
    match text.chars().last() {
        Some(';') => begins || (text.contains('(') || text.contains(" = ")) && !text.contains(". "),
        Some('{') => begins || text.contains("=>"),
        Some('}') => text == "}" || text.starts_with("} "),
        Some(']') => text.starts_with("#["),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::check_rule;

    #[test]
    fn attics_are_found_as_files_folders_and_inline() {
        check_rule(
            module_names,
            &[("crates/x/src/text.rs", "mod utility {}")],
            &[
                ("crates/x/src/helpers/mod.rs", ""),
                ("crates/x/src/lib.rs", "\npub mod prelude {}"),
                ("crates/x/src/util.rs", ""),
            ],
            &[
                "crates/x/src/helpers/mod.rs:1",
                "crates/x/src/lib.rs:2",
                "crates/x/src/util.rs:1",
            ],
        );
    }

    #[test]
    fn re_exports_of_other_crates_are_found() {
        check_rule(
            re_exports,
            &[(
                "a.rs",
                "mod ids;\npub use ids::*;\npub use model::Label;\nuse model::*;",
            )],
            &[("a.rs", "mod ids;\npub use model::*;")],
            &["a.rs:2"],
        );
    }

    #[test]
    fn marks_of_unfinished_work_are_found() {
        check_rule(
            banned,
            &[(
                "a.rs",
                "// todo! in words\nfn f() { let ignore = \"dbg!\"; assert!(matches!(1, 1)); }\n\
                 fn g() -> bool { matches!(1, 1) }",
            )],
            &[(
                "a.rs",
                "fn f() { todo!() }\nfn g() { dbg!(1); }\n#[ignore]\nfn h() {}\n\
                 #[ignore = \"slow\"]\nfn i() { let a = 1;\n matches!(a, 1); }",
            )],
            &["a.rs:1", "a.rs:2", "a.rs:3", "a.rs:5", "a.rs:7"],
        );
    }

    #[test]
    fn clocks_are_read_in_one_place() {
        check_rule(
            clocks,
            &[
                ("crates/stdx/src/clock.rs", "Instant::now()"),
                ("a.rs", "clock.now_ms()"),
                (
                    "b.rs",
                    "#[expect(clippy::disallowed_methods, reason = \"x\")]\nfn f() { Instant::now(); }",
                ),
                ("c.rs", "let end = tokio::time::Instant::now() + limit;"),
            ],
            &[(
                "a.rs",
                "let a = std::time::Instant::now();\nlet b = Uuid::now_v7();",
            )],
            &["a.rs:1", "a.rs:2"],
        );
    }

    #[test]
    fn code_in_comments_is_found_and_prose_is_not() {
        check_rule(
            comments_of_code,
            &[(
                "a.rs",
                "// The lock is held here;\n/// let x = 1;\n// see f(x); then go on. It waits;\n\
                 // if the peer hangs, wait\n",
            )],
            &[(
                "a.rs",
                "// let x = 1;\n// mod multi_reader;\n// }\n// if x {\n// foo(bar);\n// #[test]\n",
            )],
            &["a.rs:1", "a.rs:2", "a.rs:3", "a.rs:4", "a.rs:5", "a.rs:6"],
        );
    }
}
