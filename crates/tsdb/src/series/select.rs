//! Selectors answered by set arithmetic, with Prometheus' rules for absent labels.

use model::{MatchOp, Matcher, Selector};
use regex::Regex;
use roaring::RoaringBitmap;

use super::SeriesIndex;
use super::index::NameIndex;
use crate::error::{Error, Result};

/// Characters that make a pattern more than a list of words.
const META: &[char] = &[
    '\\', '.', '+', '*', '?', '(', ')', '[', ']', '{', '}', '^', '$',
];

/// A matcher made ready: it accepts a value or not.
enum Accept {
    /// One of these values (sorted).
    Words(Vec<String>),
    /// What the anchored expression matches.
    Pattern(Regex),
}

impl Accept {
    fn new(matcher: &Matcher) -> Result<Self> {
        let pattern = &matcher.value;
        match matcher.op {
            MatchOp::Eq | MatchOp::Ne => return Ok(Self::Words(vec![pattern.clone()])),
            MatchOp::Re | MatchOp::NotRe => {}
        }
        if !pattern.contains(META) {
            let mut words: Vec<String> = pattern.split('|').map(str::to_owned).collect();
            words.sort_unstable();
            words.dedup();
            return Ok(Self::Words(words));
        }
        // As Prometheus: anchored at both ends, and `.` matches a line break.
        Regex::new(&format!("^(?s:{pattern})$"))
            .map(Self::Pattern)
            .map_err(|source| Error::BadRegex {
                pattern: pattern.clone(),
                source: Box::new(source),
            })
    }

    fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Words(words) => words
                .binary_search_by(|word| word.as_str().cmp(value))
                .is_ok(),
            Self::Pattern(regex) => regex.is_match(value),
        }
    }
}

impl SeriesIndex {
    /// The series for which every matcher holds, in order.
    pub(crate) fn select(&self, selector: &Selector) -> Result<RoaringBitmap> {
        let mut found: Option<RoaringBitmap> = None;
        let mut removed = RoaringBitmap::new();
        for matcher in &selector.0 {
            let accept = Accept::new(matcher)?;
            let negated = matches!(matcher.op, MatchOp::Ne | MatchOp::NotRe);
            // An absent label is the empty text. A matcher that the empty text satisfies removes
            // the series whose value does not; any other keeps only those whose value does.
            if accept.accepts("") == negated {
                let set = self.with_value(&matcher.name, &accept, !negated);
                found = Some(found.map_or_else(|| set.clone(), |found| found & &set));
            } else {
                removed |= self.with_value(&matcher.name, &accept, negated);
            }
        }
        let mut found = found.unwrap_or_else(|| {
            let mut all = RoaringBitmap::new();
            all.insert_range(0..self.len());
            all
        });
        found -= removed;
        Ok(found)
    }

    /// The series that have the label with a value for which `accept` answers `wanted`.
    fn with_value(&self, name: &str, accept: &Accept, wanted: bool) -> RoaringBitmap {
        let index = self
            .symbols
            .find(name)
            .and_then(|symbol| self.names.get(&symbol));
        let Some(index) = index else {
            return RoaringBitmap::new();
        };
        if let Accept::Words(words) = accept {
            let listed = self.union_of(index, words);
            return if wanted { listed } else { &index.all - listed };
        }
        let mut set = RoaringBitmap::new();
        for (&value, postings) in &index.values {
            if accept.accepts(self.symbols.get(value)) == wanted {
                postings.add_to(&mut set);
            }
        }
        set
    }

    fn union_of(&self, index: &NameIndex, words: &[String]) -> RoaringBitmap {
        let found = |word: &String| index.values.get(&self.symbols.find(word)?);
        let mut sets = words.iter().filter_map(found);
        let mut union = sets.next().map(|set| set.to_bitmap()).unwrap_or_default();
        for set in sets {
            set.add_to(&mut union);
        }
        union
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Labels;
    use proptest::prelude::*;

    fn index() -> SeriesIndex {
        let mut index = SeriesIndex::default();
        for (name, pairs) in [
            ("up", vec![("instance", "web01"), ("env", "prod")]),
            ("up", vec![("instance", "web02"), ("env", "dev")]),
            ("up", vec![("instance", "db01")]),
            ("load", vec![("instance", "web01"), ("env", "prod")]),
        ] {
            index.add(&Labels::metric(name, &pairs).unwrap());
        }
        index
    }

    #[test]
    fn all_four_operators_follow_prometheus() {
        let index = index();
        for (selector, want) in [
            ("up", vec![0, 1, 2]),
            (r#"up{env="prod"}"#, vec![0]),
            (r#"up{env!="prod"}"#, vec![1, 2]),
            (r#"up{env=""}"#, vec![2]),
            (r#"up{env!=""}"#, vec![0, 1]),
            (r#"{instance=~"web.*"}"#, vec![0, 1, 3]),
            (r#"{instance=~"web"}"#, vec![]),
            (r#"{instance=~"web01|db01"}"#, vec![0, 2, 3]),
            (r#"up{instance!~"web0[12]"}"#, vec![2]),
            (r#"up{env=~"prod|"}"#, vec![0, 2]),
            (r#"up{env=~".*"}"#, vec![0, 1, 2]),
            (r#"up{env=~".+"}"#, vec![0, 1]),
            (r#"up{env!~".+"}"#, vec![2]),
            (r#"up{env!~"prod|"}"#, vec![1]),
            (r#"{nothing="x"}"#, vec![]),
            (r#"{nothing!="x"}"#, vec![0, 1, 2, 3]),
            (r#"{instance="web01",__name__!="up"}"#, vec![3]),
        ] {
            let got = index.select(&Selector::parse(selector).unwrap()).unwrap();
            assert_eq!(got.iter().collect::<Vec<_>>(), want, "{selector}");
        }
    }

    #[test]
    fn a_broken_expression_is_named() {
        let error = index()
            .select(&Selector::parse(r#"{a=~"("}"#).unwrap())
            .unwrap_err();
        assert_eq!(error.to_string(), "`(` is not a regular expression");
    }

    proptest! {
        /// The index answers as reading every series would.
        #[test]
        fn selecting_equals_scanning(
            rows in proptest::collection::vec(("[abc]{0,2}", "[abc]{0,2}"), 1..30),
            matchers in proptest::collection::vec(
                ("[xy]", 0..4_usize, "([abc]{0,2}|a\\.\\*|[abc]\\|[bc]?|\\.\\+)"), 0..3),
        ) {
            let mut index = SeriesIndex::default();
            for (x, y) in &rows {
                let labels = Labels::metric("m", &[("x", x), ("y", y)]).unwrap();
                if index.find(&labels).is_none() {
                    index.add(&labels);
                }
            }
            let ops = [MatchOp::Eq, MatchOp::Ne, MatchOp::Re, MatchOp::NotRe];
            let mut selector = Selector::default();
            for (name, op, value) in &matchers {
                selector = selector.and(name, ops[*op], value);
            }
            let holds = |series: u32, m: &Matcher| {
                let labels = index.labels(series).unwrap();
                let value = labels.get(&m.name).unwrap_or("");
                let regex = || Regex::new(&format!("^(?:{})$", m.value)).unwrap().is_match(value);
                match m.op {
                    MatchOp::Eq => value == m.value,
                    MatchOp::Ne => value != m.value,
                    MatchOp::Re => regex(),
                    MatchOp::NotRe => !regex(),
                }
            };
            let want: Vec<u32> = (0..index.len())
                .filter(|&series| selector.0.iter().all(|m| holds(series, m)))
                .collect();
            let got: Vec<u32> = index.select(&selector).unwrap().iter().collect();
            prop_assert_eq!(got, want);
        }
    }
}
