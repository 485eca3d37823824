//! Watched files of this machine, made for the test.

use std::fs;

use model::Severity::{Major, Normal};
use proptest::prelude::*;
use serde_json::json;
use stdx::SystemClock;

use super::walk::{fuzz_file, look, matches};
use super::{PLUGIN, probe};
use crate::tests::{check_emitted, level_of, rule, tick};
use crate::{Collector, Root, Sink};

#[test]
fn stars_and_marks_match_as_in_a_shell() {
    for (pattern, name, fits) in [
        ("*.log", "a.log", true),
        ("*.log", "a.log.1", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*a*b*", "xxaxxbxx", true),
        ("*a*b", "ab_ab_", false),
        ("백업-*", "백업-1", true),
        ("", "", true),
    ] {
        assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
    }
    // A pattern that makes careless matchers take for ever.
    assert!(!matches(&"a*".repeat(50), &"a".repeat(49)));
}

#[test]
fn files_are_counted_summed_and_aged() {
    let dir = std::env::temp_dir().join(format!("bongsu-collect-file-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(dir.join("one")).unwrap();
    fs::create_dir_all(dir.join("two")).unwrap();
    fs::write(dir.join("one/a.tar"), [0; 100]).unwrap();
    fs::write(dir.join("two/b.tar"), [0; 23]).unwrap();
    fs::write(dir.join("two/.c.tar"), [0; 7]).unwrap();
    let path = |rest: &str| format!("{}/{rest}", dir.display());
    let found = look(&path("*/*.tar"));
    assert_eq!((found.count, found.size_bytes), (2, 123));
    let mut file = probe::File::default();
    let settings = json!({"watch": [
        {"id": "backup", "path": path("*/*.tar")},
        {"id": "missing", "path": path("none/*.tar")},
    ]});
    file.configure(&settings).unwrap();
    let mut sink = Sink::new();
    let now = tick(&SystemClock::new());
    sink.begin(&now);
    file.collect(&Root::live().unwrap(), &now, &mut sink);
    let value = |metric, id| sink.value(metric, &[("watched", id)]);
    assert_eq!(value("bongsu_file_count", "backup"), Some(2.0));
    assert!(value("bongsu_file_newest_age_seconds", "backup").unwrap() < 600.0);
    assert_eq!(value("bongsu_file_exists", "missing"), Some(0.0));
    assert_eq!(value("bongsu_file_newest_age_seconds", "missing"), None);
    check_emitted(&PLUGIN, &sink);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn default_levels_tell_a_missing_file() {
    let missing = rule(&PLUGIN, "file-missing");
    assert_eq!(level_of(&missing, &[("exists", 1.0)]), Normal);
    assert_eq!(level_of(&missing, &[("exists", 0.0)]), Major);
}

proptest! {
    #[test]
    fn arbitrary_patterns_never_panic(data in "[ab*?/]{0,60}") {
        fuzz_file(data.as_bytes());
    }
}
