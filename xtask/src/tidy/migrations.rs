//! Migrations: named by time, owner and verb; each table commented and its owner's.

use super::{Violation, sql};
use crate::source::{File, Tree};
use std::collections::BTreeMap;

const NAME_TODO: &str = "call it YYYYMMDDHHMM_<slice>_<verb>.sql (migrations/README.md)";

/// Every migration keeps the scheme of migrations/README.md.
pub(super) fn named(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut times: BTreeMap<String, String> = BTreeMap::new();
    for file in &tree.files {
        let Some(name) = file.path.strip_prefix("migrations/") else {
            continue;
        };
        if file.extension() != "sql" || name == "schema.sql" {
            continue;
        }
        let Some((time, prefix)) = parts(name) else {
            found.push(Violation::new(
                file,
                1,
                "a name outside the scheme",
                NAME_TODO,
            ));
            continue;
        };
        if let Some(other) = times.insert(time.to_owned(), file.path.clone()) {
            let what = format!("the same time as {other}");
            found.push(Violation::new(file, 1, what, "give it a time of its own"));
        }
        found.extend(tables(file, prefix));
    }
    found
}

/// The time of a migration's name and the prefix of its owner's tables.
fn parts(name: &str) -> Option<(&str, &'static str)> {
    let (time, rest) = name.strip_suffix(".sql")?.split_once('_')?;
    let (owner, verb) = rest.split_once('_')?;
    let is_time = time.len() == 12 && time.bytes().all(|b| b.is_ascii_digit());
    let is_verb = !verb.is_empty()
        && verb
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit());
    let prefix = if owner == "core" {
        Some("core_")
    } else {
        sql::prefix_of(owner)
    };
    prefix
        .filter(|_| is_time && is_verb)
        .map(|prefix| (time, prefix))
}

fn tables(file: &File, prefix: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for (line, table) in sql::tables(&file.text) {
        let is_view = table.starts_with(prefix) || sql::READERS.iter().any(|r| r.1 == table);
        if !is_view {
            let what = format!("`{table}` does not begin with `{prefix}`");
            found.push(Violation::new(
                file,
                line + 1,
                what,
                "a slice owns its prefix only",
            ));
        }
    }
    let mut before = "";
    let lines: Vec<&str> = file.text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let body = lines
            .iter()
            .skip(index)
            .take_while(|line| !line.starts_with(')'));
        let is_said = before.starts_with("--") || body.clone().any(|line| line.contains("--"));
        if line.starts_with("CREATE TABLE") && !is_said {
            let todo = "say what a row is, above it or beside its columns";
            found.push(Violation::new(
                file,
                index + 1,
                "a table without a comment",
                todo,
            ));
        }
        if !line.trim().is_empty() {
            before = line;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::check_rule;

    #[test]
    fn migrations_outside_the_scheme_are_found() {
        check_rule(
            named,
            &[
                (
                    "migrations/202611200900_core_create.sql",
                    "-- A.\nCREATE TABLE core_a (b TEXT);",
                ),
                ("migrations/202611200901_problem_create.sql", "-- A.\n"),
                ("migrations/schema.sql", "CREATE TABLE anything (a TEXT);"),
            ],
            &[
                ("migrations/1_problem_create.sql", "-- A.\n"),
                (
                    "migrations/202611200900_core_create.sql",
                    "-- A.\n\nCREATE INDEX a ON b (c);\nCREATE TABLE core_a (b TEXT);",
                ),
                ("migrations/202611200900_problem_create.sql", "-- A.\n"),
                ("migrations/202611200901_nobody_create.sql", "-- A.\n"),
                (
                    "migrations/202611200902_watch_add.sql",
                    "-- A.\nALTER TABLE fleet_agent ADD COLUMN a TEXT;",
                ),
            ],
            &[
                "migrations/1_problem_create.sql:1",
                "migrations/202611200900_core_create.sql:4",
                "migrations/202611200900_problem_create.sql:1",
                "migrations/202611200901_nobody_create.sql:1",
                "migrations/202611200902_watch_add.sql:2",
            ],
        );
    }
}
