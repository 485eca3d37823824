//! Selectors over a host's labels and a problem's own words, with anchored regular expressions.

use model::{MatchOp, Selector};
use regex::Regex;

/// A selector, ready to be asked often.
#[derive(Clone, Debug)]
pub struct Matching(Vec<One>);

#[derive(Clone, Debug)]
struct One {
    name: String,
    value: String,
    op: MatchOp,
    regex: Option<Regex>,
}

impl Matching {
    /// Compiles the selector.
    ///
    /// # Errors
    /// When a regular expression is malformed; with its text.
    pub fn new(selector: &Selector) -> Result<Self, String> {
        let one = |matcher: &model::Matcher| {
            let regex = match matcher.op {
                MatchOp::Eq | MatchOp::Ne => None,
                MatchOp::Re | MatchOp::NotRe => {
                    let anchored = format!("^(?:{})$", matcher.value);
                    Some(Regex::new(&anchored).map_err(|_| matcher.value.clone())?)
                }
            };
            Ok(One {
                name: matcher.name.clone(),
                value: matcher.value.clone(),
                op: matcher.op,
                regex,
            })
        };
        selector
            .0
            .iter()
            .map(one)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether all of it holds; `label` gives the value of a name, empty when it has none.
    pub fn fits<'a>(&self, label: impl Fn(&str) -> &'a str) -> bool {
        self.0.iter().all(|one| {
            let value = label(&one.name);
            let found = one
                .regex
                .as_ref()
                .is_some_and(|regex| regex.is_match(value));
            match one.op {
                MatchOp::Eq => value == one.value,
                MatchOp::Ne => value != one.value,
                MatchOp::Re => found,
                MatchOp::NotRe => !found,
            }
        })
    }
}
