//! Every file of `cases/` is read and every case in it is run.

use std::fmt::Write as _;
use std::path::Path;

use super::{check_judge, lines, script::run_case};

/// Set to write what was said into the files, to be read over before it is committed.
pub(super) const UPDATE: &str = "BONGSU_UPDATE_CASES";

fn check_file(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("cases")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, updated(&text)).unwrap();
        return;
    }
    let mut failed = String::new();
    let mut count = 0;
    for case in text.split("\n### ").skip(1) {
        let (title, body) = case.split_once('\n').unwrap();
        count += 1;
        if let Err(error) = check_judge(body) {
            writeln!(failed, "{name}: {title}\n{error}\n").unwrap();
        }
    }
    assert!(count > 0, "{name} has no case");
    assert!(failed.is_empty(), "{failed}");
}

fn updated(text: &str) -> String {
    let mut parts = text.split("\n### ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for case in parts {
        let (input, _) = case.split_once("\n=>").unwrap_or((case.trim_end(), ""));
        let (_, body) = input.split_once('\n').unwrap();
        let said = run_case(body).unwrap_or_else(|error| vec![format!("ERROR {error}")]);
        write!(out, "\n### {}\n=>\n", input.trim_end()).unwrap();
        for line in said {
            writeln!(out, "{line}").unwrap();
        }
    }
    out
}

macro_rules! files {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            check_file(concat!(stringify!($name), ".txt"));
        }
    )*};
}

files! { durations hysteresis flapping signals silence restart edits order }

#[test]
fn every_file_of_cases_is_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".txt"))
        .collect();
    names.sort();
    let known = "durations edits flapping hysteresis order restart signals silence";
    let known: Vec<String> = known.split(' ').map(|name| format!("{name}.txt")).collect();
    assert_eq!(names, known);
}

#[test]
fn a_wrong_expectation_is_told() {
    let case = "level warning: used > 80%\nrun used 90%\n=>\n0s normal -> major";
    let error = check_judge(case).unwrap_err();
    assert!(error.contains("0s normal -> warning"), "{error}");
    assert_eq!(lines("a\n\n# note\n b").collect::<Vec<_>>(), ["a", "b"]);
}
