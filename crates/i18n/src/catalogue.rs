//! The compiled table of texts and the look-up in it.

use model::Lang;

include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

fn table(lang: Lang) -> &'static [(&'static str, &'static str)] {
    match lang {
        Lang::Ko => KO,
        Lang::En => EN,
    }
}

/// The text of `key`, if the catalogue has it.
#[must_use]
pub fn find(lang: Lang, key: &str) -> Option<&'static str> {
    let table = table(lang);
    let at = table
        .binary_search_by(|(known, _)| (*known).cmp(key))
        .ok()?;
    table.get(at).map(|(_, text)| *text)
}

/// The text of `key`; the key itself when it is missing, so that a slip is seen and nothing breaks.
#[must_use]
pub fn t(lang: Lang, key: &str) -> &str {
    find(lang, key).unwrap_or(key)
}

/// Every key of a language with its text, sorted by key.
pub fn keys(lang: Lang) -> impl Iterator<Item = (&'static str, &'static str)> {
    table(lang).iter().copied()
}
