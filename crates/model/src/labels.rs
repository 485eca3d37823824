//! Labels of a series, and selectors over them in Prometheus notation.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits;

/// The label that carries the metric's name, as in Prometheus.
pub const METRIC_NAME: &str = "__name__";

/// One label: a name and a value.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Label {
    /// The name, `[a-zA-Z_][a-zA-Z0-9_]*`.
    pub name: String,
    /// The value, any UTF-8; never empty (an empty label is an absent one).
    pub value: String,
}

/// The labels of one series: sorted by name, each name once, the metric's name under `__name__`.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Labels(Vec<Label>);

/// Why a set of labels was refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LabelError {
    /// A name breaks the grammar.
    #[error("label name `{0}` must match [a-zA-Z_][a-zA-Z0-9_]*")]
    BadName(String),
    /// The metric's name breaks the grammar.
    #[error("metric name `{0}` must match [a-zA-Z_:][a-zA-Z0-9_:]*")]
    BadMetricName(String),
    /// The same name twice.
    #[error("label `{0}` is given twice")]
    Twice(String),
    /// More labels than allowed.
    #[error("{0} labels on one series; the limit is {limit}", limit = limits::LABELS_PER_SERIES_MAX)]
    TooMany(usize),
    /// A value longer than allowed.
    #[error("the value of label `{0}` has {1} bytes; the limit is {limit}",
        limit = limits::LABEL_VALUE_BYTES_MAX)]
    TooLong(String, usize),
}

impl Labels {
    /// Sorts and checks; empty values are dropped.
    ///
    /// # Errors
    /// When a name is malformed or doubled, or a limit is exceeded.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, LabelError> {
        let mut list: Vec<Label> = pairs
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| Label { name, value })
            .collect();
        list.sort();
        let labels = Self(list);
        labels.check()?;
        Ok(labels)
    }

    /// Labels that were checked when they were stored: sorted by name, each once, none empty.
    ///
    /// A store gives back hundreds of thousands of them at its start.
    #[must_use]
    pub fn restored(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let pairs = pairs.into_iter();
        let labels = Self(pairs.map(|(name, value)| Label { name, value }).collect());
        debug_assert!(labels.0.is_sorted(), "restored labels are sorted");
        labels
    }

    /// The labels of metric `name` with `pairs`.
    ///
    /// # Errors
    /// As [`Labels::new`].
    pub fn metric(name: &str, pairs: &[(&str, &str)]) -> Result<Self, LabelError> {
        let name = (METRIC_NAME.to_owned(), name.to_owned());
        let pairs = pairs.iter().map(|&(n, v)| (n.to_owned(), v.to_owned()));
        Self::new(std::iter::once(name).chain(pairs))
    }

    fn check(&self) -> Result<(), LabelError> {
        if self.0.len() > limits::LABELS_PER_SERIES_MAX {
            return Err(LabelError::TooMany(self.0.len()));
        }
        for (label, next) in self.0.iter().zip(self.0.iter().skip(1)) {
            if label.name == next.name {
                return Err(LabelError::Twice(label.name.clone()));
            }
        }
        for label in &self.0 {
            if label.name == METRIC_NAME && !is_name(&label.value, true) {
                return Err(LabelError::BadMetricName(label.value.clone()));
            }
            if !is_name(&label.name, false) {
                return Err(LabelError::BadName(label.name.clone()));
            }
            if label.value.len() > limits::LABEL_VALUE_BYTES_MAX {
                return Err(LabelError::TooLong(label.name.clone(), label.value.len()));
            }
        }
        Ok(())
    }

    /// The value of a label, if the series has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self
            .0
            .binary_search_by(|label| label.name.as_str().cmp(name))
            .ok()?;
        self.0.get(at).map(|label| label.value.as_str())
    }

    /// The metric's name; empty when there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or("")
    }

    /// All labels, sorted by name, the metric's name among them.
    pub fn iter(&self) -> impl Iterator<Item = &Label> {
        self.0.iter()
    }

    /// How many labels there are, the metric's name counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same labels with `name` set to `value` (or removed, when `value` is empty).
    ///
    /// # Errors
    /// As [`Labels::new`].
    pub fn with(&self, name: &str, value: &str) -> Result<Self, LabelError> {
        let kept = self.0.iter().filter(|label| label.name != name);
        let kept = kept.map(|label| (label.name.clone(), label.value.clone()));
        Self::new(kept.chain(std::iter::once((name.to_owned(), value.to_owned()))))
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        let mut rest = self
            .0
            .iter()
            .filter(|label| label.name != METRIC_NAME)
            .peekable();
        if rest.peek().is_none() {
            return Ok(());
        }
        f.write_str("{")?;
        for (i, label) in rest.enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{}={:?}", label.name, label.value)?;
        }
        f.write_str("}")
    }
}

fn is_name(text: &str, colon: bool) -> bool {
    let ok = |c: char| c.is_ascii_alphabetic() || c == '_' || (colon && c == ':');
    let mut chars = text.chars();
    chars.next().is_some_and(ok) && chars.all(|c| ok(c) || c.is_ascii_digit())
}

/// How a matcher compares.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum MatchOp {
    /// `=`: equal; an absent label equals the empty text.
    Eq,
    /// `!=`: not equal.
    Ne,
    /// `=~`: the anchored regular expression matches.
    Re,
    /// `!~`: it does not.
    NotRe,
}

impl MatchOp {
    /// The operator as written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Re => "=~",
            Self::NotRe => "!~",
        }
    }
}

/// One condition on one label.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Matcher {
    /// The label's name.
    pub name: String,
    /// How its value is compared.
    pub op: MatchOp,
    /// The value or, for `=~` and `!~`, the anchored regular expression.
    pub value: String,
}

/// A set of matchers that must all hold, e.g. `node_load1{instance=~"web.*",env!="dev"}`.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Selector(pub Vec<Matcher>);

/// Why a selector could not be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("selector `{text}`, at byte {at}: {what}")]
pub struct SelectorError {
    /// The whole text.
    pub text: String,
    /// Where reading stopped.
    pub at: usize,
    /// What was expected there.
    pub what: &'static str,
}

impl Selector {
    /// The selector of every series of one metric.
    #[must_use]
    pub fn metric(name: &str) -> Self {
        Self(vec![Matcher {
            name: METRIC_NAME.to_owned(),
            op: MatchOp::Eq,
            value: name.to_owned(),
        }])
    }

    /// The same selector with one more matcher.
    #[must_use]
    pub fn and(mut self, name: &str, op: MatchOp, value: &str) -> Self {
        self.0.push(Matcher {
            name: name.to_owned(),
            op,
            value: value.to_owned(),
        });
        self
    }

    /// Reads `metric{label="value",…}`, `metric` or `{…}`.
    ///
    /// # Errors
    /// When the text breaks that grammar; the error says where.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        Reader { text, at: 0 }.selector()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_name = |m: &&Matcher| m.name == METRIC_NAME && m.op == MatchOp::Eq;
        let name = self.0.iter().find(is_name);
        f.write_str(name.map_or("", |m| m.value.as_str()))?;
        let rest: Vec<_> = self.0.iter().filter(|m| Some(*m) != name).collect();
        if rest.is_empty() && name.is_some() {
            return Ok(());
        }
        f.write_str("{")?;
        for (i, m) in rest.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{}{}{:?}", m.name, m.op.symbol(), m.value)?;
        }
        f.write_str("}")
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// Reads a selector byte by byte; `at` is always on a character boundary.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn selector(mut self) -> Result<Selector, SelectorError> {
        let mut matchers = Vec::new();
        self.spaces();
        let name = self.word(true);
        if !name.is_empty() {
            matchers.extend(Selector::metric(&name).0);
        }
        self.spaces();
        if self.eat("{") {
            self.spaces();
            while !self.eat("}") {
                matchers.push(self.matcher()?);
                self.spaces();
                if !self.eat(",") && !self.rest().starts_with('}') {
                    return Err(self.error("expected `,` or `}`"));
                }
                self.spaces();
            }
        } else if matchers.is_empty() {
            return Err(self.error("expected a metric name or `{`"));
        }
        self.spaces();
        if self.rest().is_empty() {
            Ok(Selector(matchers))
        } else {
            Err(self.error("expected the end"))
        }
    }

    fn matcher(&mut self) -> Result<Matcher, SelectorError> {
        let name = self.word(false);
        if name.is_empty() {
            return Err(self.error("expected a label name"));
        }
        self.spaces();
        let ops = [MatchOp::Re, MatchOp::NotRe, MatchOp::Ne, MatchOp::Eq];
        let Some(op) = ops.into_iter().find(|op| self.eat(op.symbol())) else {
            return Err(self.error("expected `=`, `!=`, `=~` or `!~`"));
        };
        self.spaces();
        let value = self.quoted()?;
        Ok(Matcher { name, op, value })
    }

    fn quoted(&mut self) -> Result<String, SelectorError> {
        let Some(quote) = self
            .rest()
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\'' | '`'))
        else {
            return Err(self.error("expected a quoted value"));
        };
        self.at += 1;
        let mut value = String::new();
        loop {
            let Some(c) = self.rest().chars().next() else {
                return Err(self.error("the quoted value does not end"));
            };
            self.at += c.len_utf8();
            match c {
                c if c == quote => return Ok(value),
                '\\' if quote != '`' => {
                    let Some(escaped) = self.rest().chars().next() else {
                        continue;
                    };
                    self.at += escaped.len_utf8();
                    match escaped {
                        'n' => value.push('\n'),
                        't' => value.push('\t'),
                        'r' => value.push('\r'),
                        '\\' | '"' | '\'' => value.push(escaped),
                        _ => return Err(self.error("unknown escape")),
                    }
                }
                c => value.push(c),
            }
        }
    }

    fn word(&mut self, colon: bool) -> String {
        let ok = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':');
        let rest = self.rest();
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            return String::new();
        }
        let word: String = rest.chars().take_while(|&c| ok(c)).collect();
        self.at += word.len();
        word
    }

    fn spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn error(&self, what: &'static str) -> SelectorError {
        SelectorError {
            text: self.text.to_owned(),
            at: self.at,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_checked_and_printed() {
        let labels = Labels::metric("up", &[("z", "1"), ("a", "x\"y"), ("gone", "")]).unwrap();
        assert_eq!(labels.to_string(), r#"up{a="x\"y",z="1"}"#);
        assert_eq!(labels.get("z"), Some("1"));
        assert_eq!(labels.get("gone"), None);
        assert_eq!(labels.with("z", "").unwrap().to_string(), r#"up{a="x\"y"}"#);
        assert_eq!(
            Labels::metric("up", &[("a", "1"), ("a", "2")]),
            Err(LabelError::Twice("a".into()))
        );
        assert!(Labels::metric("0up", &[]).is_err());
        assert!(Labels::metric("up", &[("a-b", "1")]).is_err());
    }

    #[test]
    fn selectors_are_read_and_printed_back() {
        for text in [
            "up",
            r#"up{a="b"}"#,
            r#"{a=~"b.*",c!="d",e!~"f"}"#,
            r#"node_filesystem_avail_bytes{mountpoint="/var/lib \"x\""}"#,
        ] {
            assert_eq!(Selector::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Selector::parse("up{ a = 'b' , }").unwrap().to_string(),
            r#"up{a="b"}"#
        );
    }

    #[test]
    fn a_broken_selector_says_where() {
        for (text, at) in [
            ("", 0),
            ("up{", 3),
            ("up{a", 4),
            ("up{a=b}", 5),
            ("up{a=\"b}", 8),
            ("up x", 3),
        ] {
            assert_eq!(Selector::parse(text).unwrap_err().at, at, "{text}");
        }
    }
}
