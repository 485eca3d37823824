//! What may enter the dependency tree: the bans, licences and sources of deny.toml.
//!
//! cargo-deny checks more and is run where it is installed; this part needs nothing but cargo.

use super::Violation;
use crate::source::Tree;
use toml::{Table, Value};

const PATH: &str = "deny.toml";

/// No banned library, no licence outside the list, no source but the registry.
pub(super) fn allowed(tree: &Tree) -> Vec<Violation> {
    let text = tree.file(PATH).map_or("", |file| file.text.as_str());
    let lists: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let what = format!("cannot be read: {error}");
            return vec![Violation::at(PATH, 1, what, "mend it: the bans stand here")];
        }
    };
    let bans = list(&lists, "bans", "deny", "crate");
    let licences = list(&lists, "licenses", "allow", "name");
    let sources = list(&lists, "sources", "allow-registry", "name");
    let mut found = Vec::new();
    for library in &tree.workspace.externals {
        let named = format!("{} {}", library.name, library.version);
        if bans.contains(&library.name) {
            let todo = "remove what pulls it in: `cargo tree -i` shows it, deny.toml says why";
            found.push(Violation::at(PATH, 1, format!("{named} is banned"), todo));
        }
        if !Licence::new(&library.licence).met(&licences) {
            let what = format!("{named} has the licence `{}`", library.licence);
            let todo = "choose another library, or add the licence after reading it";
            found.push(Violation::at(PATH, 1, what, todo));
        }
        let is_known = sources
            .iter()
            .any(|source| library.source.ends_with(source.as_str()));
        if !is_known {
            let what = format!("{named} is from `{}`", library.source);
            found.push(Violation::at(PATH, 1, what, "take it from the registry"));
        }
    }
    found
}

/// The strings of `section.key`, which may also be tables with the string under `field`.
fn list(lists: &Table, section: &str, key: &str, field: &str) -> Vec<String> {
    let items = lists
        .get(section)
        .and_then(|s| s.get(key))
        .and_then(Value::as_array);
    let name = |item: &Value| item.get(field).unwrap_or(item).as_str().map(str::to_owned);
    items.into_iter().flatten().filter_map(name).collect()
}

/// An SPDX expression, read word by word: `OR` binds weaker than `AND`.
struct Licence<'a> {
    words: Vec<&'a str>,
    at: usize,
}

impl<'a> Licence<'a> {
    fn new(expression: &'a str) -> Self {
        let mut words = Vec::new();
        let mut rest = expression.trim();
        while !rest.is_empty() {
            let end = match rest.find(['(', ')', ' ', '/']) {
                Some(0) => 1,
                Some(end) => end,
                None => rest.len(),
            };
            let (word, after) = rest.split_at(end);
            // The old form `MIT/Apache-2.0` means OR.
            words.push(if word == "/" { "OR" } else { word });
            rest = after.trim_start();
        }
        Self { words, at: 0 }
    }

    fn met(mut self, allowed: &[String]) -> bool {
        !self.words.is_empty() && self.any(allowed) && self.at == self.words.len()
    }

    fn next_is(&mut self, word: &str) -> bool {
        let is = self.words.get(self.at) == Some(&word);
        self.at += usize::from(is);
        is
    }

    fn any(&mut self, allowed: &[String]) -> bool {
        let mut met = self.all(allowed);
        while self.next_is("OR") {
            met |= self.all(allowed);
        }
        met
    }

    fn all(&mut self, allowed: &[String]) -> bool {
        let mut met = self.one(allowed);
        while self.next_is("AND") {
            met &= self.one(allowed);
        }
        met
    }

    fn one(&mut self, allowed: &[String]) -> bool {
        if self.next_is("(") {
            let met = self.any(allowed);
            return self.next_is(")") && met;
        }
        let mut name = self
            .words
            .get(self.at)
            .copied()
            .unwrap_or_default()
            .to_owned();
        self.at += 1;
        if self.next_is("WITH") {
            name = format!("{name} WITH {}", self.words.get(self.at).unwrap_or(&""));
            self.at += 1;
        }
        allowed.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::External;

    #[test]
    fn licence_expressions_are_weighed() {
        let allowed: Vec<String> = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]
            .map(str::to_owned)
            .to_vec();
        let met = |expression| Licence::new(expression).met(&allowed);
        for good in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/GPL-3.0",
            "(GPL-3.0 OR MIT) AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(met(good), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "MIT WITH LLVM-exception",
            "(MIT",
            "MIT MIT",
        ] {
            assert!(!met(bad), "{bad}");
        }
    }

    #[test]
    fn banned_unlicensed_and_foreign_libraries_are_found() {
        let deny = "# Lists.\n[bans]\ndeny = [{ crate = \"openssl\", reason = \"x\" }]\n[licenses]\n\
                    allow = [\"MIT\"]\n[sources]\nallow-registry = [\"https://r/index\"]\n";
        let mut tree = Tree::of(&[(PATH, deny)]);
        let library = |name: &str, licence: &str, source: &str| External {
            name: name.to_owned(),
            version: "1".to_owned(),
            licence: licence.to_owned(),
            source: source.to_owned(),
        };
        tree.workspace.externals = vec![library("good", "MIT", "registry+https://r/index")];
        assert_eq!(allowed(&tree), []);
        tree.workspace.externals = vec![
            library("openssl", "MIT", "registry+https://r/index"),
            library("copyleft", "AGPL-3.0", "registry+https://r/index"),
            library("foreign", "MIT", "git+https://elsewhere/x"),
        ];
        let said: Vec<String> = allowed(&tree).into_iter().map(|v| v.what).collect();
        assert_eq!(
            said,
            [
                "openssl 1 is banned",
                "copyleft 1 has the licence `AGPL-3.0`",
                "foreign 1 is from `git+https://elsewhere/x`"
            ]
        );
    }
}
