//! Selectors made ready to run: series by labels, hosts by scope, groups by name pattern.

use std::collections::{BTreeMap, BTreeSet};

use model::rule::Scope;
use model::{Labels, METRIC_NAME, MatchOp, Matcher, Selector};
use regex::Regex;

use crate::records::{GroupSelector, HostInfo};

/// Why a selector cannot be run.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{matcher}`: the regular expression is wrong: {why}")]
pub struct MatchError {
    matcher: String,
    why: String,
}

#[derive(Clone, Debug)]
enum Test {
    Is(String),
    IsNot(String),
    Like(Regex),
    Unlike(Regex),
}

/// A selector with its regular expressions compiled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matchers {
    /// The metric's name, when it is given exactly.
    pub(crate) metric: Option<String>,
    tests: Vec<(String, Test)>,
}

impl Matchers {
    pub(crate) fn new(selector: &Selector) -> Result<Self, MatchError> {
        let mut matchers = Self::default();
        for matcher in &selector.0 {
            let test = test(matcher)?;
            match (&test, &matchers.metric) {
                (Test::Is(name), None) if matcher.name == METRIC_NAME => {
                    matchers.metric = Some(name.clone());
                }
                _ => matchers.tests.push((matcher.name.clone(), test)),
            }
        }
        Ok(matchers)
    }

    /// Whether a series has the metric and passes every test.
    pub(crate) fn match_series(&self, labels: &Labels) -> bool {
        let named = self
            .metric
            .as_deref()
            .is_none_or(|metric| labels.name() == metric);
        named && self.match_by(|name| labels.get(name))
    }

    /// Whether a host's labels pass every test.
    pub(crate) fn match_host(&self, labels: &BTreeMap<String, String>) -> bool {
        self.metric.is_none() && self.match_by(|name| labels.get(name).map(String::as_str))
    }

    fn match_by<'a>(&self, get: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.tests.iter().all(|(name, test)| {
            let value = get(name).unwrap_or("");
            match test {
                Test::Is(wanted) => value == wanted,
                Test::IsNot(wanted) => value != wanted,
                Test::Like(regex) => regex.is_match(value),
                Test::Unlike(regex) => !regex.is_match(value),
            }
        })
    }
}

fn test(matcher: &Matcher) -> Result<Test, MatchError> {
    let regex = || {
        let anchored = format!("^(?:{})$", matcher.value);
        Regex::new(&anchored).map_err(|error| MatchError {
            matcher: format!("{}{}{:?}", matcher.name, matcher.op.symbol(), matcher.value),
            why: error.to_string(),
        })
    };
    Ok(match matcher.op {
        MatchOp::Eq => Test::Is(matcher.value.clone()),
        MatchOp::Ne => Test::IsNot(matcher.value.clone()),
        MatchOp::Re => Test::Like(regex()?),
        MatchOp::NotRe => Test::Unlike(regex()?),
    })
}

/// A rule's scope made ready.
#[derive(Clone, Debug, Default)]
pub(crate) struct CompiledScope {
    scope: Scope,
    labels: Option<Matchers>,
}

impl CompiledScope {
    pub(crate) fn new(scope: &Scope) -> Result<Self, MatchError> {
        Ok(Self {
            scope: scope.clone(),
            labels: scope.labels.as_ref().map(Matchers::new).transpose()?,
        })
    }

    /// Whether a host with these groups is meant: every given part must hold.
    pub(crate) fn contains(&self, host: &HostInfo, groups: &BTreeSet<String>) -> bool {
        let any = |list: &[String], found: &dyn Fn(&String) -> bool| {
            list.is_empty() || list.iter().any(found)
        };
        any(&self.scope.os, &|os| *os == host.os)
            && any(&self.scope.groups, &|group| groups.contains(group))
            && any(&self.scope.hosts, &|name| *name == host.name)
            && self
                .labels
                .as_ref()
                .is_none_or(|labels| labels.match_host(&host.labels))
    }
}

/// A group's selector made ready.
#[derive(Clone, Debug, Default)]
pub(crate) struct CompiledGroup {
    selector: GroupSelector,
    labels: Option<Matchers>,
}

impl CompiledGroup {
    pub(crate) fn new(selector: &GroupSelector) -> Result<Self, MatchError> {
        Ok(Self {
            selector: selector.clone(),
            labels: selector.labels.as_ref().map(Matchers::new).transpose()?,
        })
    }

    /// Whether a host belongs to the group; a selector without any part has no members.
    pub(crate) fn contains(&self, host: &HostInfo) -> bool {
        let GroupSelector {
            names, os, except, ..
        } = &self.selector;
        let empty = names.is_empty() && os.is_empty() && self.labels.is_none();
        let named = |patterns: &[String]| patterns.iter().any(|p| glob(p, &host.name));
        !empty
            && (names.is_empty() || named(names))
            && (os.is_empty() || os.contains(&host.os))
            && !named(except)
            && self
                .labels
                .as_ref()
                .is_none_or(|labels| labels.match_host(&host.labels))
    }
}

impl PartialEq for CompiledGroup {
    fn eq(&self, other: &Self) -> bool {
        self.selector == other.selector
    }
}

/// Whether a name fits a pattern with `*` (any text) and `?` (one character).
pub(crate) fn glob(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on when a later part does not fit: behind the last star, one character later.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        let fits = match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some('?') => true,
            Some(c) => name.get(n) == Some(c),
            None => false,
        };
        if fits {
            (p, n) = (p + 1, n + 1);
        } else if let Some((after_star, from)) = retry {
            retry = Some((after_star, from + 1));
            (p, n) = (after_star, from + 1);
        } else {
            return false;
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> HostInfo {
        HostInfo {
            ci: model::CiId::from_bits(1),
            name: "web01".into(),
            os: "linux".into(),
            labels: [("env".to_owned(), "prod".to_owned())].into(),
            interval_ms: 10_000,
        }
    }

    #[test]
    fn patterns_fit_names() {
        for (pattern, name, fits) in [
            ("web*", "web01", true),
            ("*", "", true),
            ("w?b01", "web01", true),
            ("*01", "web01", true),
            ("*b*1", "web01", true),
            ("web", "web01", false),
            ("*02", "web01", false),
            ("web01?", "web01", false),
            ("a*b*c", "a-b-b-c", true),
            ("서버*", "서버1", true),
        ] {
            assert_eq!(glob(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn series_are_matched_with_anchored_expressions() {
        let labels = Labels::metric("up", &[("mountpoint", "/var/lib")]).unwrap();
        for (selector, fits) in [
            ("up", true),
            ("down", false),
            (r#"{mountpoint=~"/var"}"#, false),
            (r#"up{mountpoint=~"/var.*"}"#, true),
            (r#"up{mountpoint!~"/var.*"}"#, false),
            (r#"up{fstype=""}"#, true),
            (r#"up{fstype!="tmpfs"}"#, true),
            (r#"{__name__=~"u.*"}"#, true),
        ] {
            let matchers = Matchers::new(&Selector::parse(selector).unwrap()).unwrap();
            assert_eq!(matchers.match_series(&labels), fits, "{selector}");
        }
        let wrong = Selector::parse(r#"up{a=~"("}"#).unwrap();
        let error = Matchers::new(&wrong).unwrap_err().to_string();
        assert!(error.contains("a=~\"(\""), "{error}");
    }

    #[test]
    fn scopes_and_groups_hold_every_given_part() {
        let groups: BTreeSet<String> = ["web".to_owned()].into();
        let scope = |json: &str| {
            let scope: Scope = serde_json::from_str(json).unwrap();
            CompiledScope::new(&scope)
                .unwrap()
                .contains(&host(), &groups)
        };
        assert!(scope("{}"));
        assert!(scope(
            r#"{"os": ["linux"], "groups": ["db", "web"], "labels": "{env=\"prod\"}"}"#
        ));
        assert!(!scope(r#"{"os": ["linux"], "groups": ["db"]}"#));
        assert!(!scope(r#"{"hosts": ["web02"]}"#));
        let group = |json: &str| {
            let selector: GroupSelector = serde_json::from_str(json).unwrap();
            CompiledGroup::new(&selector).unwrap().contains(&host())
        };
        assert!(!group("{}"), "an empty selector has no members");
        assert!(group(r#"{"names": ["web*"]}"#));
        assert!(!group(r#"{"names": ["web*"], "except": ["web01"]}"#));
        assert!(!group(r#"{"os": ["windows"]}"#));
    }
}
