//! Every text exists in Korean and in English.

use super::Violation;
use crate::source::{File, Tree};
use std::collections::BTreeSet;
use toml::{Table, Value};

const LANGUAGES: [&str; 2] = ["ko", "en"];

/// The two languages have the same files with the same keys, and no text has only one language.
pub(super) fn complete(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree
        .files
        .iter()
        .filter(|file| file.extension() == "toml" && !file.is_exempt())
    {
        let Ok(table) = file.text.parse::<Table>() else {
            found.push(Violation::new(file, 1, "this is not TOML", "mend it"));
            continue;
        };
        match twin(&file.path) {
            Some(path) => found.extend(missing(file, &table, &path, tree.file(&path))),
            None => lonely(file, &table, &mut found),
        }
    }
    found
}

/// The path of the same texts in the other language.
fn twin(path: &str) -> Option<String> {
    let rest = path.strip_prefix("translations/")?;
    let (lang, area) = rest.split_once('/')?;
    let other = LANGUAGES.into_iter().find(|other| *other != lang)?;
    LANGUAGES
        .contains(&lang)
        .then(|| format!("translations/{other}/{area}"))
}

/// Reports the keys of `file` that the other language lacks.
fn missing(file: &File, table: &Table, path: &str, other: Option<&File>) -> Vec<Violation> {
    let other: Table = other
        .and_then(|file| file.text.parse().ok())
        .unwrap_or_default();
    let (mut own, mut theirs) = (BTreeSet::new(), BTreeSet::new());
    keys("", table, &mut own);
    keys("", &other, &mut theirs);
    let lacking = own.difference(&theirs);
    lacking
        .map(|key| {
            let last = key.rsplit('.').next().unwrap_or(key);
            let what = format!("`{key}` is missing in {path}");
            Violation::new(file, line_of(file, last), what, "translate it")
        })
        .collect()
}

fn keys(prefix: &str, table: &Table, into: &mut BTreeSet<String>) {
    for (key, value) in table {
        match value {
            Value::Table(inner) => keys(&format!("{prefix}{key}."), inner, into),
            _ => {
                into.insert(format!("{prefix}{key}"));
            }
        }
    }
}

/// Reports tables such as `title = { ko = "…" }` that lack the other language.
fn lonely(file: &File, table: &Table, found: &mut Vec<Violation>) {
    let has = LANGUAGES.map(|lang| table.get(lang).is_some_and(Value::is_str));
    if has.contains(&true) && has.contains(&false) {
        let text = LANGUAGES
            .iter()
            .find_map(|lang| table.get(*lang))
            .and_then(Value::as_str);
        let text = text.unwrap_or_default();
        let line = file
            .text
            .lines()
            .position(|line| line.contains(text))
            .unwrap_or(0);
        let what = format!("“{text}” has only one language");
        found.push(Violation::new(file, line + 1, what, "give `ko` and `en`"));
    }
    for value in table.values() {
        visit(file, value, found);
    }
}

fn visit(file: &File, value: &Value, found: &mut Vec<Violation>) {
    match value {
        Value::Table(inner) => lonely(file, inner, found),
        Value::Array(items) => items.iter().for_each(|item| visit(file, item, found)),
        _ => {}
    }
}

fn line_of(file: &File, key: &str) -> usize {
    let named = |line: &str| line.trim_start().trim_start_matches('"').starts_with(key);
    file.text
        .lines()
        .position(named)
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::check_rule;

    #[test]
    fn texts_in_one_language_only_are_found() {
        check_rule(
            complete,
            &[
                (
                    "translations/en/a.toml",
                    "# A.\nx = \"x\"\n[s]\ny = \"y\"\n",
                ),
                (
                    "translations/ko/a.toml",
                    "# A.\nx = \"엑\"\n[s]\ny = \"와\"\n",
                ),
                (
                    "crates/c/src/p/panel.toml",
                    "[[graph]]\ntitle = { ko = \"가\", en = \"a\" }\n",
                ),
            ],
            &[
                ("translations/en/a.toml", "# A.\nx = \"x\"\n"),
                (
                    "translations/ko/a.toml",
                    "# A.\nx = \"엑\"\n[s]\ny = \"와\"\n",
                ),
                ("translations/ko/b.toml", "z = \"지\"\n"),
                (
                    "crates/c/src/p/panel.toml",
                    "[[graph]]\ntitle = { ko = \"가\" }\n",
                ),
                ("broken.toml", "= = ="),
            ],
            &[
                "broken.toml:1",
                "crates/c/src/p/panel.toml:2",
                "translations/ko/a.toml:4",
                "translations/ko/b.toml:1",
            ],
        );
    }
}
