//! The query string of a list: search, filters, sort and page, so that every view has an address.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A list's view as its address says it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ListQuery {
    pairs: BTreeMap<String, String>,
}

impl ListQuery {
    /// Takes decoded pairs; empty values are dropped, of a repeated key the last one counts.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let pairs = pairs
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        Self { pairs }
    }

    /// The value of a key; empty when it is absent.
    #[must_use]
    pub fn get(&self, key: &str) -> &str {
        self.pairs.get(key).map_or("", String::as_str)
    }

    /// The page, from 1.
    #[must_use]
    pub fn page(&self) -> usize {
        self.get("page").parse().unwrap_or(1).max(1)
    }

    /// The column sorted by, and whether it descends; `-name` descends.
    #[must_use]
    pub fn sort(&self) -> (&str, bool) {
        let sort = self.get("sort");
        sort.strip_prefix('-')
            .map_or((sort, false), |column| (column, true))
    }

    /// Whether any key beside sort and page is set: an empty result is then no empty list.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        self.pairs.keys().any(|key| key != "sort" && key != "page")
    }

    /// The pairs except the named ones, for the hidden fields of a filter form.
    pub fn except<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.pairs
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .filter(|(key, _)| !names.contains(key))
    }

    /// The address of this view with `key` set to `value` (or removed, when empty); any other change
    /// than of the page returns to the first page.
    #[must_use]
    pub fn with(&self, path: &str, key: &str, value: &str) -> String {
        let mut pairs = self.pairs.clone();
        if key != "page" {
            pairs.remove("page");
        }
        if value.is_empty() {
            pairs.remove(key);
        } else {
            pairs.insert(key.to_owned(), value.to_owned());
        }
        let mut out = path.to_owned();
        for (at, (key, value)) in pairs.iter().enumerate() {
            let sign = if at == 0 { '?' } else { '&' };
            // Writing to a String cannot fail.
            let _ = write!(out, "{sign}{}={}", encode(key), encode(value));
        }
        out
    }
}

/// Percent-encodes everything that is not plain in a query or a path segment.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> ListQuery {
        ListQuery::new(pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())))
    }

    #[test]
    fn a_view_has_one_address() {
        let view = query(&[
            ("q", "웹 01"),
            ("page", "3"),
            ("sort", "-since"),
            ("empty", ""),
        ]);
        assert_eq!((view.page(), view.sort()), (3, ("since", true)));
        assert_eq!(
            view.with("/p", "page", "4"),
            "/p?page=4&q=%EC%9B%B9%2001&sort=-since"
        );
        assert_eq!(view.with("/p", "q", ""), "/p?sort=-since");
        assert!(view.is_filtered());
        assert!(!query(&[("page", "2")]).is_filtered());
    }
}
