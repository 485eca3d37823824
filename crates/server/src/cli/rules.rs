//! `bongsu rules`: puts rule documents in force over the API, and runs their test cases without a server.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use model::rule::{DOCUMENT_VERSION, Rule};
use serde_json::Value;
use watch::{Outcome, RuleFile, TestCase};

use super::Place;
use super::api::{Api, Remote, encoded};

/// What can be done with rule documents.
#[derive(Subcommand)]
pub(crate) enum Rules {
    /// Put documents in force, all of them or nothing; says what it changes.
    Apply(Apply),
    /// Run the test cases of documents; no server is needed.
    Test {
        /// Files or folders; of a folder its *.yaml, *.yml, *.json and *.toml are taken.
        #[arg(required = true, value_name = "FILE|DIR")]
        paths: Vec<PathBuf>,
        /// Also show what each rule said.
        #[arg(long, short)]
        verbose: bool,
    },
}

/// How documents are applied.
#[derive(Args)]
pub(crate) struct Apply {
    /// Files or folders; of a folder its *.yaml, *.yml, *.json and *.toml are taken.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// Retire rules of people that no document has.
    #[arg(long)]
    prune: bool,
    /// The reason; stands in the history of each changed rule.
    #[arg(long, default_value = "bongsu rules apply")]
    why: String,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(command: &Rules, place: &Place) -> Result<()> {
    match command {
        Rules::Apply(apply) => put_in_force(apply, place),
        Rules::Test { paths, verbose } => test(paths, *verbose),
    }
}

/// One document and where it is from.
struct Document {
    path: PathBuf,
    file: RuleFile,
}

fn put_in_force(apply: &Apply, place: &Place) -> Result<()> {
    let documents = read(&apply.paths)?;
    let (rules, tests) = joined(&documents)?;
    if rules.is_empty() {
        bail!("the documents hold no rules");
    }
    let whole = RuleFile {
        version: DOCUMENT_VERSION,
        rules,
        tests,
    };
    let path = format!(
        "/api/v1/rule-document?dry_run={}&prune={}&why={}",
        apply.dry_run,
        apply.prune,
        encoded(&apply.why)
    );
    let api = Api::new(&apply.remote, place)?;
    let runtime = super::runtime()?;
    // JSON is YAML; numbers keep every digit.
    let body = serde_json::to_string(&whole)?;
    let applied = runtime.block_on(api.post(&path, "application/yaml", body))?;
    print!("{}", told(&applied));
    let failed = list(&applied, "tests")
        .iter()
        .filter(|t| t["passed"] != true);
    let failed: Vec<&str> = failed.filter_map(|test| test["name"].as_str()).collect();
    if !failed.is_empty() {
        bail!(
            "test cases fail, so applying would be refused: {}",
            failed.join(", ")
        );
    }
    Ok(())
}

/// What applying changed, line by line, and the sum.
fn told(applied: &Value) -> String {
    let mut out = String::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for key in list(applied, "created") {
        out.push_str(&format!("+ {}\n", text(key)));
    }
    for rule in list(applied, "changed") {
        out.push_str(&format!("~ {}\n", text(&rule["key"])));
        for change in list(rule, "changes") {
            let (old, new) = (shown(&change["before"]), shown(&change["after"]));
            out.push_str(&format!("    {}: {old} -> {new}\n", text(&change["what"])));
        }
    }
    for key in list(applied, "retired") {
        out.push_str(&format!("- {}\n", text(key)));
    }
    let count = |name: &str| list(applied, name).len();
    let what = if applied["dry_run"] == true {
        "would be "
    } else {
        ""
    };
    out.push_str(&format!(
        "{} {what}created, {} {what}changed, {} {what}retired, {} unchanged; {} test cases\n",
        count("created"),
        count("changed"),
        count("retired"),
        count("unchanged"),
        count("tests"),
    ));
    out
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn shown(value: &Value) -> &str {
    let text = value.as_str().unwrap_or_default();
    if text.is_empty() { "(none)" } else { text }
}

fn test(paths: &[PathBuf], verbose: bool) -> Result<()> {
    let documents = read(paths)?;
    let (mut rules, tests) = joined(&documents)?;
    let own = rules.len();
    // A file may hold test cases of the shipped rules alone.
    let given: Vec<String> = rules.iter().map(|rule| rule.key.clone()).collect();
    let shipped = crate::server::default_rules()?.into_iter();
    rules.extend(
        shipped
            .map(|(_, rule)| rule)
            .filter(|rule| !given.contains(&rule.key)),
    );
    let mut failed = 0;
    for document in documents.iter().filter(|d| !d.file.tests.is_empty()) {
        println!("{}", document.path.display());
        for outcome in watch::run_tests(&rules, &document.file.tests) {
            failed += usize::from(!outcome.passed());
            print!("{}", line_of(&outcome, verbose));
        }
    }
    let passed = tests.len() - failed;
    println!("{own} rules, {passed} test cases passed, {failed} failed");
    if failed > 0 {
        bail!("{failed} test cases failed");
    }
    Ok(())
}

fn line_of(outcome: &Outcome, verbose: bool) -> String {
    let mark = if outcome.passed() { "ok  " } else { "FAIL" };
    let mut out = format!("  {mark}  {}\n", outcome.name);
    for failure in &outcome.failures {
        out.push_str(&format!("          {failure}\n"));
    }
    if verbose || !outcome.passed() {
        for said in &outcome.said {
            out.push_str(&format!("          said: {said}\n"));
        }
    }
    out
}

/// Reads every document; tells all that is wrong with them at once.
fn read(paths: &[PathBuf]) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    let mut wrong = Vec::new();
    for path in files(paths)? {
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        match watch::read_rules(&path.to_string_lossy(), &text) {
            Ok(file) => documents.push(Document { path, file }),
            Err(error) => wrong.push(format!("{}: {error}", path.display())),
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n        "));
    }
    Ok(documents)
}

fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path)
            .with_context(|| format!("cannot read the folder {}", path.display()))?;
        let inside = entries.map(|entry| Ok(entry?.path()));
        let mut inside = inside.collect::<std::io::Result<Vec<PathBuf>>>()?;
        inside.retain(|file| is_document(file));
        inside.sort();
        if inside.is_empty() {
            bail!(
                "{} holds no *.yaml, *.yml, *.json or *.toml",
                path.display()
            );
        }
        files.extend(inside);
    }
    Ok(files)
}

fn is_document(path: &Path) -> bool {
    let kinds = ["yaml", "yml", "json", "toml"];
    let ending = path.extension().and_then(|ending| ending.to_str());
    path.is_file() && ending.is_some_and(|ending| kinds.contains(&ending))
}

/// All rules and test cases; a rule that two documents give is an error that names both.
fn joined(documents: &[Document]) -> Result<(Vec<Rule>, Vec<TestCase>)> {
    let mut from: HashMap<&str, &Path> = HashMap::new();
    let (mut rules, mut tests) = (Vec::new(), Vec::new());
    for Document { path, file } in documents {
        for rule in &file.rules {
            if let Some(other) = from.insert(&rule.key, path) {
                let (key, other) = (&rule.key, other.display());
                return Err(anyhow!(
                    "rule `{key}` is given by {other} and by {}",
                    path.display()
                ));
            }
            rules.push(rule.clone());
        }
        tests.extend(file.tests.iter().cloned());
    }
    Ok((rules, tests))
}
