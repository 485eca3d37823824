//! The default rules do what the table of alerting.md says: every `rules.toml`, one list of cases.

use std::path::Path;

use model::rule::Rule;
use watch::{own_rules, read_rules, run_tests};

/// The rules of every collector's folder, and those of this crate.
fn shipped() -> Vec<Rule> {
    let mut rules: Vec<Rule> = own_rules()
        .unwrap()
        .into_iter()
        .map(|(_, rule)| rule)
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../collect/src");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path().join("rules.toml");
        if let Ok(text) = std::fs::read_to_string(&path) {
            let file = read_rules("rules.toml", &text);
            let file = file.map_err(|error| format!("{}: {error}", path.display()));
            rules.extend(file.unwrap().rules);
        }
    }
    rules
}

#[test]
fn the_defaults_do_what_the_contract_says() {
    let cases = read_rules("defaults.yaml", include_str!("defaults.yaml")).unwrap();
    let failed: Vec<_> = run_tests(&shipped(), &cases.tests)
        .into_iter()
        .filter(|outcome| !outcome.passed())
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(cases.tests.len() >= 12);
}

#[test]
fn every_default_key_is_given_once_and_notifies_from_major_or_above() {
    let rules = shipped();
    let mut keys: Vec<&str> = rules.iter().map(|rule| rule.key.as_str()).collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
    for rule in &rules {
        assert!(rule.notify_from >= model::Severity::Major, "{}", rule.key);
    }
}
