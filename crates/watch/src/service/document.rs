//! Rule documents: read with line numbers, written, compared with what is in force, applied.

use db::Tx;
use model::rule::{DOCUMENT_VERSION, Rule};
use serde::{Deserialize, Serialize};

use super::rules::{check_rule, fresh, put, retire, save};
use super::{Author, By, RuleFilter, Watch};
use crate::records::{Origin, RuleRecord};
use crate::testcase::TestCase;
use crate::values::{Change, changes};
use crate::{WatchError, store};

/// A file of rules and, if its author likes, of test cases for them.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// Must be `model::rule::DOCUMENT_VERSION`.
    pub version: u32,
    /// The rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// What the rules are expected to do (`bongsu rules test`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<TestCase>,
}

/// What is wrong with a rule document, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}{what}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct DocumentError {
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub what: String,
}

/// How a document is applied.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ApplyOptions {
    /// Only say what would change.
    pub dry_run: bool,
    /// Retire people's rules that the document does not have.
    pub prune: bool,
}

/// What applying a document changes, or would change; by rule key.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Applied {
    /// New rules.
    pub created: Vec<String>,
    /// Rules with other values than before, and which.
    pub changed: Vec<(String, Vec<Change>)>,
    /// Rules that are in force exactly so.
    pub unchanged: Vec<String>,
    /// Rules that the document does not have and that are retired (only when pruning).
    pub retired: Vec<String>,
}

/// Reads a rule document, TOML when its name ends in `.toml`, YAML (or JSON) otherwise.
///
/// # Errors
/// When it is malformed, of another version, has unknown keys, the same rule twice, or a rule that
/// contradicts itself; the error names the line.
pub fn read_rules(name: &str, text: &str) -> Result<RuleFile, DocumentError> {
    let is_toml = name.to_ascii_lowercase().ends_with(".toml");
    let file: RuleFile = match is_toml {
        true => toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            DocumentError {
                line: before.map(|before| before.matches('\n').count() + 1),
                what: error.message().to_owned(),
            }
        })?,
        false => serde_norway::from_str(text).map_err(|error| DocumentError {
            line: error.location().map(|place| place.line()),
            what: without_place(&error.to_string()),
        })?,
    };
    if file.version != DOCUMENT_VERSION {
        return Err(DocumentError {
            line: line_of(text, "version", None),
            what: format!(
                "version {} is not known: this program reads version {DOCUMENT_VERSION}",
                file.version
            ),
        });
    }
    for (number, rule) in file.rules.iter().enumerate() {
        let line = line_of(text, "key", Some(&rule.key));
        check_rule(rule).map_err(|error| DocumentError {
            line,
            what: error.to_string(),
        })?;
        let earlier = file.rules.iter().take(number);
        if earlier.into_iter().any(|other| other.key == rule.key) {
            return Err(DocumentError {
                line,
                what: format!("rule `{}` is given twice", rule.key),
            });
        }
    }
    Ok(file)
}

/// Writes rules as a YAML document that [`read_rules`] reads back.
///
/// # Errors
/// When a rule holds a number that YAML cannot tell; no rule from a document does.
pub fn write_rules(rules: &[Rule]) -> Result<String, DocumentError> {
    let file = RuleFile {
        version: DOCUMENT_VERSION,
        rules: rules.to_vec(),
        tests: Vec::new(),
    };
    let text = serde_norway::to_string(&file).map_err(|error| DocumentError {
        line: None,
        what: error.to_string(),
    })?;
    Ok(format!(
        "# Bongsu rules. `bongsu rules apply <file>` puts them in force.\n{text}"
    ))
}

/// The parser repeats the place that the error's line already says.
fn without_place(text: &str) -> String {
    text.split(" at line ").next().unwrap_or(text).to_owned()
}

/// The first line that gives this key, with this value if one is asked for.
fn line_of(text: &str, key: &str, value: Option<&str>) -> Option<usize> {
    let gives = |line: &str| {
        let line = line.trim().trim_start_matches("- ");
        let rest = line.strip_prefix(key)?.trim_start();
        let rest = rest.strip_prefix([':', '='])?.trim();
        let found = rest.trim_matches(['"', '\'']);
        value.is_none_or(|value| value == found).then_some(())
    };
    let at = text.lines().position(|line| gives(line).is_some())?;
    Some(at + 1)
}

impl Watch {
    /// Compares a document with what is in force and, unless it is a dry run, applies it, all or
    /// nothing. A default that the document has counts as edited by its author.
    ///
    /// # Errors
    /// When a rule contradicts itself, or the store fails.
    pub async fn apply_rules(
        &self,
        rules: Vec<Rule>,
        options: ApplyOptions,
        by: By<'_>,
    ) -> Result<Applied, WatchError> {
        for rule in &rules {
            check_rule(rule)?;
        }
        if options.dry_run {
            let known = store::rules::all(&mut self.db.reader(), true).await?;
            return Ok(compare(&known, &rules, options));
        }
        let by = Author::from(by);
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let known = store::rules::all(tx, true).await?;
                    let applied = compare(&known, &rules, options);
                    for rule in rules {
                        let old = known.iter().find(|known| known.rule.key == rule.key);
                        match old {
                            None => {
                                let new = fresh(tx, rule);
                                save(tx, None, new, &by).await?;
                            }
                            Some(old) if old.retired_ms.is_none() && old.rule == rule => {}
                            Some(old) => {
                                put(tx, old, rule, &by).await?;
                            }
                        }
                    }
                    for key in &applied.retired {
                        if let Some(old) = known.iter().find(|known| known.rule.key == *key) {
                            retire(tx, old, &by).await?;
                        }
                    }
                    Ok(applied)
                })
            })
            .await
    }

    /// The rules that a filter shows, as a document.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn export_rules(&self, filter: &RuleFilter) -> Result<String, WatchError> {
        let rules = self.rules(filter).await?;
        let rules: Vec<Rule> = rules.into_iter().map(|record| record.rule).collect();
        write_rules(&rules).map_err(|error| WatchError::Field {
            field: "rules",
            what: error.to_string(),
        })
    }
}

fn compare(known: &[RuleRecord], wanted: &[Rule], options: ApplyOptions) -> Applied {
    let mut applied = Applied::default();
    for rule in wanted {
        let key = rule.key.clone();
        let old = known.iter().find(|known| known.rule.key == key);
        match old.filter(|old| old.retired_ms.is_none()) {
            None => applied.created.push(key),
            Some(old) if old.rule == *rule => applied.unchanged.push(key),
            Some(old) => applied.changed.push((key, changes(&old.rule, rule))),
        }
    }
    if options.prune {
        let mine = known.iter().filter(|old| old.origin == Origin::User);
        let mine = mine.filter(|old| old.retired_ms.is_none());
        let gone = mine.filter(|old| !wanted.iter().any(|rule| rule.key == old.rule.key));
        applied.retired = gone.map(|old| old.rule.key.clone()).collect();
    }
    applied
}
