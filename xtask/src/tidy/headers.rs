//! Line 1 of every source file is one sentence that says what the file is for.

use super::Violation;
use crate::source::{File, Tree};

/// How a kind of file opens and closes its first comment, and what to write.
struct Form {
    open: &'static str,
    close: &'static str,
    todo: &'static str,
}

const RUST: Form = Form {
    open: "//! ",
    close: "",
    todo: "begin with `//! One sentence.`",
};
const SQL: Form = Form {
    open: "-- ",
    close: "",
    todo: "begin with `-- One sentence.`",
};
const HASH: Form = Form {
    open: "# ",
    close: "",
    todo: "begin with `# One sentence.`",
};
const SLASH: Form = Form {
    open: "// ",
    close: "",
    todo: "begin with `// One sentence.`",
};
const STAR: Form = Form {
    open: "/* ",
    close: "*/",
    todo: "begin with `/* One sentence. */`",
};
const MODULE: Form = Form {
    open: "/** ",
    close: "*/",
    todo: "begin with `/** One sentence. */`",
};
const ASKAMA: Form = Form {
    open: "{# ",
    close: "#}",
    todo: "begin with `{# One sentence. #}`",
};

/// The forms a file may choose from; none when it needs no sentence.
fn forms(file: &File) -> &'static [Form] {
    // A member's manifest is introduced by the first line of its own lib.rs.
    let is_member = file.name() == "Cargo.toml" && file.path.contains('/');
    match file.extension() {
        "rs" => &[RUST],
        "sql" => &[SQL],
        "toml" if !is_member => &[HASH],
        "ftl" | "yaml" | "yml" | "sh" => &[HASH],
        "js" | "mjs" => &[SLASH, STAR, MODULE],
        "css" => &[STAR],
        "html" => &[ASKAMA],
        _ if file.text.starts_with("#!") => &[HASH],
        _ => &[],
    }
}

/// Every source file has its sentence, ending with a full stop.
pub(super) fn sentences(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| !file.is_exempt()) {
        let Some(first_form) = forms(file).first() else {
            continue;
        };
        let is_script = file.text.starts_with("#!") && !file.is_rust();
        let at = usize::from(is_script);
        let first = file.text.lines().nth(at).unwrap_or_default();
        let sentence = forms(file)
            .iter()
            .find_map(|form| first.strip_prefix(form.open).map(|rest| (form, rest)));
        let Some((form, rest)) = sentence else {
            let what = "no sentence that says what the file is for";
            found.push(Violation::new(file, at + 1, what, first_form.todo));
            continue;
        };
        let rest = rest
            .trim_end()
            .trim_end_matches(form.close)
            .trim_end_matches("-")
            .trim_end();
        if !rest.ends_with('.') {
            let what = "the opening sentence does not end on its line";
            found.push(Violation::new(
                file,
                at + 1,
                what,
                "make it one sentence with a full stop",
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::check_rule;

    #[test]
    fn every_kind_of_source_file_needs_its_sentence() {
        check_rule(
            sentences,
            &[
                ("a.rs", "//! Good.\n"),
                ("a.sql", "-- Good.\n"),
                ("a.toml", "# Good.\n"),
                ("crates/x/Cargo.toml", "[package]\n"),
                ("a.js", "// Good.\n"),
                ("b.js", "/** Good. */\n"),
                ("a.css", "/* Good. */\n"),
                ("a.html", "{# Good. #}\n"),
                ("b.html", "{# Good. -#}\n"),
                ("run", "#!/usr/bin/env bash\n# Good.\n"),
                ("x/vendor/a.js", "!function(){}\n"),
                ("x/fixtures/a.toml", "a = 1\n"),
                ("a.json", "{}\n"),
                ("a.md", "# Title\n"),
            ],
            &[
                ("a.rs", "use x;\n"),
                ("b.rs", "//! Two lines without an\n//! end.\n"),
                ("a.sql", "create table x;\n"),
                ("a.toml", "a = 1\n"),
                ("a.js", "let a;\n"),
                ("a.css", "body {}\n"),
                ("a.html", "<p>\n"),
                ("run", "#!/usr/bin/env bash\nset -e\n"),
            ],
            &[
                "a.css:1", "a.html:1", "a.js:1", "a.rs:1", "a.sql:1", "a.toml:1", "b.rs:1", "run:2",
            ],
        );
    }
}
