//! Puts values into a text: `{name}`, `{name:이/가}`, `{count|host|hosts}`.

use std::fmt::Display;

use model::Lang;

use crate::catalogue::t;
use crate::particle::with_particle;

/// The text of `key` with the values put in.
///
/// ```
/// use i18n::{Lang, tf};
/// let text = tf(Lang::En, "time.ago", &[("span", &"3m")]);
/// assert_eq!(text, "3m ago");
/// ```
#[must_use]
pub fn tf(lang: Lang, key: &str, values: &[(&str, &dyn Display)]) -> String {
    fill(t(lang, key), values)
}

/// A text with the values put in; a placeholder without a value stays as it is written.
#[must_use]
pub fn fill(text: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((inside, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        put(&mut out, inside, values);
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn put(out: &mut String, inside: &str, values: &[(&str, &dyn Display)]) {
    let name = name_of(inside);
    let Some((_, value)) = values.iter().find(|(known, _)| *known == name) else {
        out.push('{');
        out.push_str(inside);
        out.push('}');
        return;
    };
    let value = value.to_string();
    if let Some((_, forms)) = inside.split_once(':') {
        out.push_str(&with_particle(&value, forms));
    } else if let Some((_, forms)) = inside.split_once('|') {
        let (one, many) = forms.split_once('|').unwrap_or((forms, forms));
        out.push_str(if value == "1" { one } else { many });
    } else {
        out.push_str(&value);
    }
}

fn name_of(inside: &str) -> &str {
    inside.split([':', '|']).next().unwrap_or(inside)
}

/// The names of a text's placeholders, sorted, each once.
#[must_use]
pub fn placeholders(text: &str) -> Vec<&str> {
    let mut names: Vec<&str> = text
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(inside, _)| name_of(inside))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case<'a> = (&'a str, &'a [(&'a str, &'a dyn Display)], &'a str);

    #[test]
    fn values_particles_and_plurals_are_put_in() {
        let cases: [Case<'_>; 5] = [
            ("{name:이/가} 멈춤", &[("name", &"서버")], "서버가 멈춤"),
            ("{name:이/가} 멈춤", &[("name", &"web01")], "web01이 멈춤"),
            ("{n} {n|host|hosts}", &[("n", &1)], "1 host"),
            ("{n} {n|host|hosts}", &[("n", &12)], "12 hosts"),
            ("{unknown} stays, { too", &[], "{unknown} stays, { too"),
        ];
        for (text, values, expected) in cases {
            assert_eq!(fill(text, values), expected);
        }
    }

    #[test]
    fn placeholders_are_named_once() {
        assert_eq!(placeholders("{b} {a:을/를} {b|x|y}"), ["a", "b"]);
    }
}
