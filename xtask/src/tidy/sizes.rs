//! Files, functions and lines stay short enough to be read in one sitting.

use super::Violation;
use crate::source::{File, Kind, Token, Tree};

const FILE_LINES_MAX: usize = 600;
const LINE_CHARS_MAX: usize = 100;
/// A line that is a comment only may be as wide as the documents are.
const COMMENT_CHARS_MAX: usize = 120;
/// The same number as `too-many-lines-threshold` in clippy.toml.
const FUNCTION_LINES_MAX: usize = 70;
/// One function in so many may be longer, with its reason.
const FUNCTIONS_PER_EXCEPTION: usize = 200;
const TRACKED_BYTES_MAX: usize = 1024 * 1024;

/// Nothing over one MiB is kept in git.
pub(super) fn blobs(tree: &Tree) -> Vec<Violation> {
    let large = tree
        .files
        .iter()
        .filter(|file| file.size_bytes > TRACKED_BYTES_MAX);
    large
        .map(|file| {
            let what = format!("{} KiB in git", file.size_bytes / 1024);
            Violation::new(file, 1, what, "generate it, or fetch it when it is needed")
        })
        .collect()
}

/// No source file is longer than 600 lines.
pub(super) fn files(tree: &Tree) -> Vec<Violation> {
    let source = [
        "rs", "sql", "toml", "js", "mjs", "css", "html", "yaml", "yml", "sh",
    ];
    // schema.sql is dumped from the migrations, not written.
    let counted = tree.files.iter().filter(|file| {
        source.contains(&file.extension()) && !file.is_exempt() && file.name() != "schema.sql"
    });
    counted
        .filter_map(|file| {
            let lines = file.text.lines().count();
            let what = format!("{lines} lines, {FILE_LINES_MAX} are the limit");
            (lines > FILE_LINES_MAX).then(|| {
                Violation::new(
                    file,
                    lines,
                    what,
                    "split it by what it does; tests go to tests.rs",
                )
            })
        })
        .collect()
}

/// No line of code is longer than 100 characters, unless a string or a URL makes it so.
pub(super) fn lines(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let code = ["rs", "js", "mjs", "css"];
    for file in tree
        .files
        .iter()
        .filter(|f| code.contains(&f.extension()) && !f.is_exempt())
    {
        for (index, line) in file.text.split('\n').enumerate() {
            let is_comment = line.trim_start().starts_with("//");
            let limit = if is_comment {
                COMMENT_CHARS_MAX
            } else {
                LINE_CHARS_MAX
            };
            if line.chars().count() <= limit {
                continue;
            }
            let is_text = if file.is_rust() {
                !is_comment && chars_of_code(file, index + 1) <= LINE_CHARS_MAX
            } else {
                line.contains(['"', '\'', '`'])
            };
            if !is_text && !line.contains("://") {
                let what = format!("{} characters", line.chars().count());
                found.push(Violation::new(file, index + 1, what, "break it"));
            }
        }
    }
    found
}

/// How long a line is without what its string literals hold, which rustfmt cannot break.
fn chars_of_code(file: &File, line: usize) -> usize {
    let text = file.text.lines().nth(line - 1).unwrap_or_default();
    let literals = file
        .lexed
        .tokens
        .iter()
        .filter(|token| token.kind == Kind::Text);
    let within = literals.filter(|token| {
        let last = token.line + file.at(token).matches('\n').count();
        (token.line..=last).contains(&line)
    });
    let literal = |token: &Token| {
        let part = file.at(token).lines().nth(line - token.line);
        part.map_or(0, |part| part.chars().count())
    };
    text.chars()
        .count()
        .saturating_sub(within.map(literal).sum())
}

/// A function of one file.
struct Function {
    line: usize,
    code_lines: usize,
    is_expected: bool,
    is_table: bool,
}

/// Functions over 70 lines say why, and are at most one in two hundred.
pub(super) fn functions(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut count = 0_usize;
    let mut exceptions = Vec::new();
    for file in tree.rust() {
        for function in functions_of(file) {
            count += 1;
            if function.code_lines <= FUNCTION_LINES_MAX {
                continue;
            }
            let what = format!("a function of {} lines", function.code_lines);
            if !function.is_expected {
                let todo = "split it, or #[expect(clippy::too_many_lines, reason = \"…\")]";
                found.push(Violation::new(file, function.line, what, todo));
            } else if !function.is_table {
                exceptions.push(Violation::new(
                    file,
                    function.line,
                    what,
                    "split it: the 0.5 % are used up",
                ));
            }
        }
    }
    let allowed = (count / FUNCTIONS_PER_EXCEPTION).max(1);
    if exceptions.len() > allowed {
        found.append(&mut exceptions);
    }
    found
}

fn functions_of(file: &File) -> Vec<Function> {
    let tokens = &file.lexed.tokens;
    let mut functions = Vec::new();
    for index in 0..tokens.len() {
        let is_name = tokens.get(index + 1).is_some_and(|t| t.kind == Kind::Ident);
        if file.word(index) != "fn" || !is_name {
            continue;
        }
        let Some(open) = body_of(file, index) else {
            continue;
        };
        let close = file.close(open);
        functions.push(Function {
            line: file.line(index),
            code_lines: code_lines(file, open, close),
            is_expected: is_expected(file, index),
            is_table: file.word(open + 1) == "match"
                && (open + 2..close)
                    .find(|i| file.word(*i) == "{")
                    .map(|i| file.close(i) + 1)
                    == Some(close),
        });
    }
    functions
}

/// The index of the `{` of the function at `index`; none for a declaration.
fn body_of(file: &File, index: usize) -> Option<usize> {
    let mut at = index;
    while at < file.lexed.tokens.len() {
        match file.word(at) {
            "(" | "[" => at = file.close(at),
            "{" => return Some(at),
            ";" => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Lines with code between the braces, counted as clippy counts them.
fn code_lines(file: &File, open: usize, close: usize) -> usize {
    let (first, last) = (file.line(open), file.line(close));
    let mut lines = std::collections::BTreeSet::new();
    for index in open + 1..close {
        let height = file.word(index).matches('\n').count();
        lines.extend(file.line(index)..=file.line(index) + height);
    }
    lines
        .iter()
        .filter(|line| **line > first && **line < last)
        .count()
}

/// Whether the attributes before `fn` at `index`, or the file, expect the length.
fn is_expected(file: &File, index: usize) -> bool {
    let before = (0..index)
        .rev()
        .take_while(|i| !["}", "{", ";"].contains(&file.word(*i)));
    let named = before.into_iter().any(|i| file.word(i) == "too_many_lines");
    named || file.text.contains("#![expect(clippy::too_many_lines")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::check_rule;

    fn long(lines: usize) -> String {
        "    let _ = 1;\n".repeat(lines)
    }

    #[test]
    fn large_files_are_found() {
        let large = "x".repeat(TRACKED_BYTES_MAX + 1);
        check_rule(
            blobs,
            &[("a.bin", "small")],
            &[("a.bin", &large)],
            &["a.bin:1"],
        );
    }

    #[test]
    fn long_files_are_found() {
        let (good, bad) = ("x\n".repeat(600), "x\n".repeat(601));
        check_rule(
            files,
            &[
                ("a.rs", &good),
                ("vendor/a.js", &bad),
                ("a.md", &bad),
                ("schema.sql", &bad),
            ],
            &[("a.rs", &bad)],
            &["a.rs:601"],
        );
    }

    #[test]
    fn long_lines_are_found_but_strings_are_not_broken() {
        let string = format!("let a = \"{}\";\n", "봉".repeat(120));
        let call = format!("    warn!(name = %self.name, \"{}\");\n", "x".repeat(90));
        let url = format!("// see https://example.org/{}\n", "x".repeat(100));
        let code = format!("let {} = 1;\n", "x".repeat(100));
        let comment = format!("// {}\n", "x".repeat(120));
        let note = format!("// {}\n", "x".repeat(110));
        check_rule(
            lines,
            &[
                ("a.rs", &string),
                ("b.rs", &url),
                ("c.sql", &code),
                ("d.rs", &note),
                ("e.rs", &call),
            ],
            &[("a.rs", &code), ("b.rs", &comment), ("c.css", &code)],
            &["a.rs:1", "b.rs:1", "c.css:1"],
        );
    }

    #[test]
    fn long_functions_need_a_reason() {
        let short = format!("fn f(a: [u8; 2]) {{\n{}\n\n// note\n}}\n", long(70));
        let bad = format!("fn f() {{\n{}}}\n", long(71));
        let expected = format!("#[expect(clippy::too_many_lines, reason = \"x\")]\n{bad}");
        check_rule(
            functions,
            &[
                ("a.rs", &short),
                ("b.rs", &expected),
                ("c.rs", "trait T { fn f(&self); }"),
            ],
            &[("a.rs", &bad)],
            &["a.rs:1"],
        );
    }

    #[test]
    fn exceptions_are_rationed_but_tables_are_not() {
        let expect = "#[expect(clippy::too_many_lines, reason = \"x\")]\n";
        let one = format!("{expect}fn f() {{\n{}}}\n", long(71));
        let arms = "        _ => 1,\n".repeat(71);
        let table = format!("{expect}fn f(x: u8) -> u8 {{\n    match x {{\n{arms}    }}\n}}\n");
        check_rule(
            functions,
            &[("a.rs", &one), ("b.rs", &table), ("c.rs", &table)],
            &[("a.rs", &one), ("b.rs", &one)],
            &["a.rs:2", "b.rs:2"],
        );
    }
}
