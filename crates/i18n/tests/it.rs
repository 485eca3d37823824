//! The catalogue is complete: same keys, same placeholders, nothing missing, nothing unused.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic like tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use i18n::{Lang, keys, placeholders};

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Sources in which keys are used: code, templates, and plug-in descriptions.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![crates()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "vendor" && name != "target" {
                    waiting.push(path);
                }
            } else if [".rs", ".html", ".js", ".toml"]
                .iter()
                .any(|end| name.ends_with(end))
            {
                let text = fs::read_to_string(&path).unwrap();
                // A file's own tests may name keys that are no keys.
                let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn both_languages_have_the_same_keys_and_placeholders() {
    let ko: BTreeMap<_, _> = keys(Lang::Ko).collect();
    let en: BTreeMap<_, _> = keys(Lang::En).collect();
    let missing_en: Vec<_> = ko.keys().filter(|key| !en.contains_key(*key)).collect();
    let missing_ko: Vec<_> = en.keys().filter(|key| !ko.contains_key(*key)).collect();
    assert!(missing_en.is_empty(), "without English: {missing_en:?}");
    assert!(missing_ko.is_empty(), "without Korean: {missing_ko:?}");
    for (key, text) in &ko {
        assert!(
            !text.trim().is_empty() && !en[key].trim().is_empty(),
            "`{key}` is empty"
        );
        assert_eq!(
            placeholders(text),
            placeholders(en[key]),
            "placeholders of `{key}`"
        );
    }
}

#[test]
fn every_key_used_exists() {
    let call = r#"\bt(?:f|f1)?\(\s*(?:[a-z_.&]+,\s*)?"([a-z0-9_]+(?:\.[a-z0-9_]+)+)""#;
    let call = regex::Regex::new(call).unwrap();
    let known: BTreeSet<_> = keys(Lang::Ko).map(|(key, _)| key).collect();
    let mut missing = BTreeSet::new();
    for (path, text) in sources() {
        for found in call.captures_iter(&text) {
            let key = &found[1];
            if !known.contains(key) {
                missing.insert(format!("{key} in {}", path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "keys without a text: {missing:#?}");
}

#[test]
fn no_key_is_unused() {
    // A literal "area.key", or a literal prefix that is completed at run time, such
    // as "severity.{name}" or "graph.range_".
    let literal = regex::Regex::new(r#""([a-z0-9_]+(?:\.[a-z0-9_]+)+)""#).unwrap();
    let prefix = regex::Regex::new(r#""([a-z0-9_]+\.(?:[a-z0-9_.]*[._])?)(?:\{|")"#).unwrap();
    let (mut used, mut prefixes) = (BTreeSet::new(), BTreeSet::new());
    for (_, text) in sources() {
        used.extend(
            literal
                .captures_iter(&text)
                .map(|found| found[1].to_owned()),
        );
        prefixes.extend(prefix.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    let unused: Vec<_> = keys(Lang::Ko)
        .map(|(key, _)| key)
        .filter(|key| !used.contains(*key) && !prefixes.iter().any(|p| key.starts_with(p.as_str())))
        .collect();
    assert!(unused.is_empty(), "keys nothing uses: {unused:#?}");
}
