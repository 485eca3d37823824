//! SQL stays with its owner: a crate names only the tables of its own prefix.

use super::{Violation, layer_of};
use crate::source::{Kind, Tree};

/// The prefix of a crate's tables; crates that are missing here own none.
const OWNERS: [(&str, &str); 9] = [
    ("account", "account_"),
    ("cmdb", "cmdb_"),
    ("db", "core_"),
    ("fleet", "fleet_"),
    ("jobs", "core_"),
    ("notice", "notice_"),
    ("problem", "problem_"),
    ("remedy", "remedy_"),
    ("watch", "watch_"),
];

/// Who reads which view of another slice, and what for; every entry is a promise of the owner.
pub(super) const READERS: [(&str, &str, &str); 1] = [(
    "remedy",
    "problem_pub_open",
    "verify: is the problem still open after the script ran?",
)];

/// Words after which the next one names a table.
const BEFORE_TABLE: [&str; 6] = ["FROM", "INTO", "UPDATE", "JOIN", "TABLE", "VIEW"];

/// The prefix of a crate's tables.
pub(super) fn prefix_of(owner: &str) -> Option<&'static str> {
    OWNERS
        .iter()
        .find(|(name, _)| *name == owner)
        .map(|(_, prefix)| *prefix)
}

/// A crate's program code names its own tables only, or a listed view of another slice.
pub(super) fn own_tables(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.rust().filter(|file| !file.is_test()) {
        let Some(rest) = file.path.strip_prefix("crates/") else {
            continue;
        };
        let (folder, inside) = rest.split_once('/').unwrap_or_default();
        // Examples and benches bring tables of their own.
        if !inside.starts_with("src/") {
            continue;
        }
        // Test side crates prepare whatever tables a test needs.
        if layer_of(folder).is_none() && folder != "server" {
            continue;
        }
        let tests = file.test_ranges();
        for (index, token) in file.lexed.tokens.iter().enumerate() {
            if token.kind != Kind::Text || tests.iter().any(|range| range.contains(&index)) {
                continue;
            }
            for (line, table) in tables(file.at(token)) {
                if !may_name(folder, &table) {
                    let what = format!("`{folder}` names the table `{table}`");
                    let todo = "use your own tables, a message, or a `_pub_` view that \
                                READERS in tidy/sql.rs lists";
                    found.push(Violation::new(file, token.line + line, what, todo));
                }
            }
        }
    }
    found
}

fn may_name(owner: &str, table: &str) -> bool {
    prefix_of(owner).is_some_and(|prefix| table.starts_with(prefix))
        || (prefix_of(owner) == Some("core_") && is_catalogue(table))
        || READERS
            .iter()
            .any(|(reader, view, _)| *reader == owner && *view == table)
}

/// Tables in which the databases describe themselves.
fn is_catalogue(table: &str) -> bool {
    ["sqlite_", "pg_", "information_schema"]
        .iter()
        .any(|prefix| table.starts_with(prefix))
}

/// The tables that a piece of SQL names, each with its line counted from 0.
pub(super) fn tables(sql: &str) -> Vec<(usize, String)> {
    let words = words(sql);
    if !words.iter().any(|(_, word)| is_verb(word)) {
        return Vec::new();
    }
    let word = |index: usize| words.get(index).map_or("", |(_, word)| word.as_str());
    // `WITH due AS (` and `, late AS (` name something of the statement's own.
    let own: Vec<&str> = (1..words.len())
        .filter(|i| word(*i) == "AS" && word(i + 1) == "(")
        .map(|i| word(i - 1))
        .collect();
    let mut named = Vec::new();
    for index in 0..words.len() {
        // `IS DISTINCT FROM x` compares; `FOR UPDATE` locks; `IF NOT EXISTS` stands in between.
        let is_other = index > 0 && ["DISTINCT", "FOR"].contains(&word(index - 1));
        if is_other || !BEFORE_TABLE.contains(&word(index)) {
            continue;
        }
        let skipped = ["IF", "NOT", "EXISTS", "ONLY"];
        let Some(at) = (index + 1..words.len()).find(|i| !skipped.contains(&word(*i))) else {
            continue;
        };
        let name = word(at);
        // A name before a parenthesis is a function, but not where columns are listed.
        let takes_columns = ["INTO", "TABLE"].contains(&word(index));
        let is_name = name.starts_with(|c: char| c.is_ascii_lowercase());
        if is_name && (takes_columns || word(at + 1) != "(") && !own.contains(&name) {
            let line = words.get(at).map_or(0, |(line, _)| *line);
            named.push((line, name.to_owned()));
        }
    }
    named
}

fn is_verb(word: &str) -> bool {
    let verbs = [
        "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP",
    ];
    verbs.contains(&word)
}

/// Names and parentheses of a piece of SQL with their lines, comments left out.
fn words(sql: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    for (line, text) in sql.lines().enumerate() {
        let code = text.split("--").next().unwrap_or_default();
        let mut word = String::new();
        for c in code.chars().chain([' ']) {
            if c.is_ascii_alphanumeric() || c == '_' || c == '{' || c == '}' {
                word.push(c);
                continue;
            }
            if !word.is_empty() {
                words.push((line, std::mem::take(&mut word)));
            }
            if c == '(' {
                words.push((line, "(".to_owned()));
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::check_rule;

    fn names(sql: &str) -> Vec<String> {
        tables(sql).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn tables_are_read_out_of_sql() {
        assert_eq!(
            names("SELECT a FROM problem_open p JOIN core_lease l ON 1"),
            ["problem_open", "core_lease"]
        );
        assert_eq!(
            names("INSERT INTO notice_row (a) VALUES ($1) ON CONFLICT DO UPDATE SET a = 1"),
            ["notice_row"]
        );
        assert_eq!(names("CREATE TABLE IF NOT EXISTS x_y (a TEXT)"), ["x_y"]);
        assert_eq!(
            names("WITH due AS (SELECT 1 FROM watch_rule) SELECT * FROM due"),
            ["watch_rule"]
        );
        assert_eq!(
            names("SELECT 1 FROM json_each($1) FOR UPDATE SKIP LOCKED"),
            Vec::<String>::new()
        );
        assert_eq!(names("SELECT a IS DISTINCT FROM b"), Vec::<String>::new());
        assert_eq!(
            names("DELETE FROM {table} -- FROM nowhere"),
            Vec::<String>::new()
        );
        assert_eq!(names("a message from someone"), Vec::<String>::new());
    }

    #[test]
    fn tables_of_other_owners_are_found() {
        check_rule(
            own_tables,
            &[
                (
                    "crates/problem/src/store.rs",
                    "let a = \"SELECT 1 FROM problem_open\";",
                ),
                (
                    "crates/db/src/lib.rs",
                    "let a = \"SELECT 1 FROM sqlite_master\";",
                ),
                (
                    "crates/problem/src/tests.rs",
                    "let a = \"SELECT 1 FROM notice_row\";",
                ),
                (
                    "crates/db/examples/speed.rs",
                    "let a = \"SELECT 1 FROM sample\";",
                ),
                (
                    "crates/watch/src/lib.rs",
                    "#[cfg(test)]\nmod tests { const A: &str = \"SELECT 1 FROM x\"; }",
                ),
            ],
            &[
                (
                    "crates/console/src/lib.rs",
                    "let a = \"SELECT 1 FROM problem_open\";",
                ),
                (
                    "crates/problem/src/store.rs",
                    "let a = \"SELECT 1\n  FROM core_outbox\";",
                ),
                (
                    "crates/server/src/main.rs",
                    "let a = r#\"DELETE FROM fleet_agent\"#;",
                ),
            ],
            &[
                "crates/console/src/lib.rs:1",
                "crates/problem/src/store.rs:2",
                "crates/server/src/main.rs:1",
            ],
        );
    }
}
