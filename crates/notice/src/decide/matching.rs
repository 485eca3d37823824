//! Selectors over a host's labels, with anchored regular expressions.

use model::{MatchOp, Selector};
use regex::Regex;

/// Whether all of it holds. A regular expression that cannot be read keeps nothing back: when in
/// doubt, tell.
pub(crate) fn fits(selector: &Selector, labels: &[(String, String)]) -> bool {
    selector.0.iter().all(|matcher| {
        let found = labels.iter().find(|(name, _)| *name == matcher.name);
        let value = found.map_or("", |(_, value)| value);
        let matches = || {
            let regex = Regex::new(&format!("^(?:{})$", matcher.value));
            regex.map(|regex| regex.is_match(value))
        };
        match matcher.op {
            MatchOp::Eq => value == matcher.value,
            MatchOp::Ne => value != matcher.value,
            MatchOp::Re => matches().unwrap_or(true),
            MatchOp::NotRe => !matches().unwrap_or(false),
        }
    })
}
